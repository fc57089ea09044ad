package allowlist

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

const runs = `
{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {serviceAccount: web, hostPID: true, initContainers: [{name: i, image: busybox}], containers: [{name: c, image: 'r.example/c@` + digest + `'}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: d, namespace: logs}
spec:
  template:
    spec:
      containers: [{name: c, image: r.example/c:2, securityContext: {privileged: true, capabilities: {add: [KILL, CHOWN, KILL]}}, ports: [{hostPort: 1, containerPort: 1}]}]
      ephemeralContainers: [{name: e, image: "no name"}]
      volumes: [{name: l, hostPath: {path: /var/log}}]
`

// TestLearn lists what pods have, by the ways of naming images.
func TestLearn(t *testing.T) {
	objects, problems := kube.Manifest("r.yaml", []byte(runs))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for by, images := range map[Images][2][]string{
		ByRepository: {{"docker.io/library/busybox", "r.example/c"}, {"r.example/c"}},
		ByDigest:     {{"docker.io/library/busybox", "r.example/c@" + digest}, {"r.example/c"}},
		ByRegistry:   {{"docker.io/**", "r.example/**"}, {"r.example/**"}},
	} {
		l, err := Learn(objects, "shop", by)
		if err != nil {
			t.Fatal(err)
		}
		want := []Account{
			{Namespace: "logs", Name: "default", Images: images[1], Capabilities: []string{"CHOWN", "KILL"}, HostPaths: []string{"/var/log"}, Rights: []string{"hostPort 1", "privileged"}},
			{Namespace: "shop", Name: "web", Images: images[0], Rights: []string{"hostPID"}},
		}
		if diff := cmp.Diff(want, l.Accounts); diff != "" {
			t.Errorf("%s: %s", by, diff)
		}
		if len(l.Unread) != 1 {
			t.Errorf("unread: %q", l.Unread)
		}
		line, err := l.Line()
		if err != nil {
			t.Fatal(err)
		}
		f, err := admissionfile.Parse("line.yaml", line)
		if err != nil || f.Default != "deny" || len(f.Allow) != 2 || len(f.Allow[1].Images) != 2 {
			t.Errorf("%s: %v\n%s", by, err, line)
		}
	}
}

// TestOddNamespace wants a name that no namespace has to be left out: in a list it would be a pattern.
func TestOddNamespace(t *testing.T) {
	objects, problems := kube.Manifest("p.yaml", []byte("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: '*'}, spec: {containers: [{name: a, image: evil.example/a}]}}"))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	l, err := Learn(objects, "default", ByRepository)
	if err != nil || len(l.Accounts) != 0 || len(l.Unread) != 1 {
		t.Errorf("%+v %v", l, err)
	}
}
