package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An event as Kubernetes' documentation and its API server have it, with what is not read left out.
const log = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"RequestReceived","requestURI":"/api/v1/namespaces/shop/pods","verb":"list","user":{"username":"ann","groups":["system:authenticated"]},"objectRef":{"resource":"pods","namespace":"shop","apiVersion":"v1"},"requestReceivedTimestamp":"2026-11-01T10:00:00.000000Z"}
{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods","verb":"list","user":{"username":"ann","groups":["system:authenticated"]},"objectRef":{"resource":"pods","namespace":"shop","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-01T10:00:00.000000Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"x"}}

not json
{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","requestURI":"/healthz?verbose","verb":"get","user":{"username":"ann"},"impersonatedUser":{"username":"bob","groups":["devs"]},"responseStatus":{"code":403}}
{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"create","user":{"username":"ann"},"objectRef":{"resource":"pods","namespace":"shop","name":"made"},"responseStatus":{"code":409}}`

func TestRead(t *testing.T) {
	var got []Event
	events, broken, err := Read(strings.NewReader(log), func(e Event) { got = append(got, e) })
	if err != nil || events != 3 || broken != 1 {
		t.Fatalf("%d %d %v", events, broken, err)
	}
	want := []Event{
		{User: "ann", Groups: []string{"system:authenticated"}, Allowed: true, Verb: "list", Resource: "pods", Namespace: "shop"},
		{User: "bob", Groups: []string{"devs"}, By: &Who{User: "ann"}, Verb: "get", URL: "/healthz"},
		{User: "ann", Allowed: true, Verb: "create", Resource: "pods", Namespace: "shop"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Event{}, "At")); diff != "" {
		t.Error(diff)
	}
	if got[0].At.Day() != 1 {
		t.Errorf("%s", got[0].At)
	}
	long := strings.NewReader(strings.Repeat("x", maxLine+1))
	if _, _, err := Read(long, func(Event) {}); err == nil {
		t.Error("a line without an end is read")
	}
}

func FuzzRead(f *testing.F) {
	for line := range strings.Lines(log) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		events, _, err := Read(strings.NewReader(s), func(Event) { n++ })
		if err != nil || n != events {
			t.Errorf("%d %d %v", n, events, err)
		}
	})
}
