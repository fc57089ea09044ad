package pair

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

// api is as much of an API server as takes objects and gives them back, and goes wrong as a test wants it to.
type api struct {
	lock    sync.Mutex
	objects map[string]map[string]any // by path
	count   int
	asked   []string
	wrong   func(w http.ResponseWriter, r *http.Request, do func()) bool // it answered itself; do does what was asked for
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.asked = append(a.asked, r.Method+" "+r.URL.Path)
	do := func() { a.serve(httptest.NewRecorder(), r) }
	if a.wrong == nil || !a.wrong(w, r, do) {
		a.serve(w, r)
	}
}

func (a *api) put(path string, labels map[string]any) string {
	a.count++
	uid := fmt.Sprintf("uid-%d", a.count)
	a.objects[path] = map[string]any{"apiVersion": "v1", "kind": "Any", "metadata": map[string]any{"name": path[strings.LastIndex(path, "/")+1:], "uid": uid, "labels": labels}}
	return uid
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	metadata := func(path string) map[string]any { return a.objects[path]["metadata"].(map[string]any) }
	switch {
	case r.Method == http.MethodPost:
		var o map[string]any
		_ = json.NewDecoder(r.Body).Decode(&o)
		head := o["metadata"].(map[string]any)
		if path += "/" + head["name"].(string); a.objects[path] != nil {
			refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists, "it is there")
			return
		}
		a.count++
		head["uid"] = fmt.Sprintf("uid-%d", a.count)
		a.objects[path] = o
		w.WriteHeader(http.StatusCreated)
		answer(w, o)
	case r.Method == http.MethodGet && strings.HasSuffix(path, "policies"):
		items := []any{}
		for at, o := range a.objects {
			if strings.HasPrefix(at, path+"/") && r.URL.Query().Get("fieldSelector") == "metadata.name="+metadata(at)["name"].(string) {
				items = append(items, o)
			}
		}
		answer(w, map[string]any{"apiVersion": "v1", "kind": "AnyList", "metadata": map[string]any{}, "items": items})
	case a.objects[path] == nil:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound, "there is none")
	case r.Method == http.MethodDelete:
		var o metav1.DeleteOptions
		_ = json.NewDecoder(r.Body).Decode(&o)
		if o.Preconditions != nil && o.Preconditions.UID != nil && string(*o.Preconditions.UID) != metadata(path)["uid"] {
			refuse(w, http.StatusConflict, metav1.StatusReasonConflict, "it has another uid")
			return
		}
		for at := range a.objects {
			if at == path || strings.HasPrefix(at, path+"/") {
				delete(a.objects, at)
			}
		}
		answer(w, map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Success"})
	default:
		answer(w, a.objects[path])
	}
}

func answer(w http.ResponseWriter, o any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	answer(w, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: message})
}

// cut ends a connection without an answer.
func cut(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		c.Close()
	}
}

// against is a run of its own against an API server.
func against(t *testing.T, a *api, namespace string) *run {
	t.Helper()
	a.objects = map[string]map[string]any{}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: %q}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {}}]\n", server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.OpenReader(file, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{c: c, id: "mine", namespace: namespace, trial: &Trial{Allowing: map[Held][]string{}}, given: map[string]labels.Set{}}
	r.o = Options{Namespace: namespace, Start: 5 * time.Second, Settle: time.Second, Say: func(text string) { t.Log(text) }}
	if namespace == "" {
		r.namespace = OwnNamespace
	}
	return r
}

const (
	spacePath  = "/api/v1/namespaces/" + OwnNamespace
	policyPath = "/apis/networking.k8s.io/v1/namespaces/probes/networkpolicies/plimsoll-mine-p"
)

// TestUncertain makes an object with answers that leave it open whether it was made: in the end nothing of the probe's is left, and all
// that is somebody else's.
func TestUncertain(t *testing.T) {
	theirs := map[string]any{"owner": "somebody"}
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	etcd := func(w http.ResponseWriter) { refuse(w, 500, "", "etcdserver: request timed out") }
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		done   bool // it was made all the same
		there  bool // somebody's of that name was
		times  int
		works  bool
	}{
		"no answer, somebody else's":        {answer: cut, there: true, times: 1},
		"no answer, somebody else's always": {answer: cut, there: true, times: 99},
		"no answer, not made":               {answer: cut, times: 1, works: true},
		"no answer, made":                   {answer: cut, done: true, times: 1, works: true},
		"a proxy's 504, made":               {answer: status(504), done: true, times: 1, works: true},
		"a proxy's 502, not made":           {answer: status(502), times: 2, works: true},
		"a proxy's 504, never made":         {answer: status(504), times: 99},
		"408, made":                         {answer: status(408), done: true, times: 1, works: true},
		"the store's time is up, made":      {answer: etcd, done: true, times: 1, works: true},
		"there already":                     {there: true},
		"refused": {answer: func(w http.ResponseWriter) {
			refuse(w, 403, metav1.StatusReasonForbidden, "no")
		}, times: 99},
	} {
		for _, path := range []string{spacePath, policyPath} {
			t.Run(name+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
				t.Parallel()
				var a api
				namespace, times := "probes", 0
				if path == spacePath {
					namespace = ""
				}
				r := against(t, &a, namespace)
				if c.there {
					a.put(path, theirs)
				}
				a.wrong = func(w http.ResponseWriter, q *http.Request, do func()) bool {
					if q.Method != http.MethodPost || times >= c.times {
						return false
					}
					if times++; c.done {
						do()
					}
					c.answer(w)
					return true
				}
				kind, of := networkPolicies, any(r.networkPolicy("plimsoll-mine-p", ingress))
				if path == spacePath {
					kind, of = namespaces, r.namespaceObject()
				}
				m, _, err := r.create(t.Context(), kind, map[bool]string{true: r.namespace}[kind != namespaces], of)
				if (err == nil) != c.works || err == nil && m.uid == "" {
					t.Errorf("%+v: %v", m, err)
				}
				r.clean(t.Context())
				if len(r.trial.Left) > 0 || (a.objects[path] != nil) != c.there {
					t.Errorf("%v; there are %v after %v", r.trial.Left, a.objects, a.asked)
				}
			})
		}
	}
}

// TestAnotherOfTheName wants what was made anew by somebody, under the same name, to stay.
func TestAnotherOfTheName(t *testing.T) {
	var a api
	r := against(t, &a, "probes")
	if _, _, err := r.create(t.Context(), networkPolicies, "probes", r.networkPolicy("plimsoll-mine-p", ingress)); err != nil {
		t.Fatal(err)
	}
	a.put(policyPath, map[string]any{labelRun: "mine"}) // and be its labels the same
	r.clean(t.Context())
	if a.objects[policyPath] == nil || len(r.trial.Left) > 0 {
		t.Errorf("%v %v", a.objects, r.trial.Left)
	}
}

// TestClean wants all to be taken away through failures that pass, and to be told of those that do not, in time.
func TestClean(t *testing.T) {
	for name, c := range map[string]struct {
		times  int // that each delete fails
		answer func(http.ResponseWriter)
		left   int
		ended  bool // by an interrupt
	}{
		"leader changed": {times: 2, answer: func(w http.ResponseWriter) { refuse(w, 500, "", "etcdserver: leader changed") }},
		"blip":           {times: 3, answer: cut},
		"too many":       {times: 1, answer: func(w http.ResponseWriter) { refuse(w, 429, metav1.StatusReasonTooManyRequests, "later") }, ended: true},
		"forbidden":      {times: 99, answer: func(w http.ResponseWriter) { refuse(w, 403, metav1.StatusReasonForbidden, "no") }, left: 2},
		"away":           {times: 9999, answer: cut, left: 2, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a api
			r := against(t, &a, "probes")
			for _, one := range []string{"p", "q"} {
				if _, _, err := r.create(t.Context(), networkPolicies, "probes", r.networkPolicy("plimsoll-mine-"+one, ingress)); err != nil {
					t.Fatal(err)
				}
			}
			failed := map[string]int{}
			a.wrong = func(w http.ResponseWriter, q *http.Request, _ func()) bool {
				if q.Method != http.MethodDelete || failed[q.URL.Path] >= c.times {
					return false
				}
				failed[q.URL.Path]++
				c.answer(w)
				return true
			}
			ctx, cancel := context.WithCancel(t.Context())
			if c.ended {
				cancel()
			}
			defer cancel()
			began := time.Now()
			r.clean(ctx)
			if len(r.trial.Left) != c.left || len(a.objects) != c.left || time.Since(began) > hurryFor+5*time.Second {
				t.Errorf("%v; there are %d after %s", r.trial.Left, len(a.objects), time.Since(began))
			}
		})
	}
}

// TestCleanEndsAtOnce wants a clean against somebody who never answers to end.
func TestCleanEndsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a time to be up")
	}
	t.Parallel()
	var a api
	r := against(t, &a, "probes")
	for _, one := range []string{"p", "q", "r"} {
		if _, _, err := r.create(t.Context(), networkPolicies, "probes", r.networkPolicy("plimsoll-mine-"+one, ingress)); err != nil {
			t.Fatal(err)
		}
	}
	a.wrong = func(_ http.ResponseWriter, q *http.Request, _ func()) bool {
		a.lock.Unlock()
		_, _ = io.Copy(io.Discard, q.Body) // or nobody hears of its end
		<-q.Context().Done()
		a.lock.Lock()
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	r.clean(ctx)
	if took := time.Since(began); len(r.trial.Left) != 3 || took > hurryFor+2*time.Second {
		t.Errorf("%v after %s", r.trial.Left, took)
	}
}

// TestMayCover wants a rule to count where it may allow the port that a trial refuses.
func TestMayCover(t *testing.T) {
	for text, want := range map[string]bool{
		`{"policyTypes":["Ingress"]}`:                                                                     false, // it refuses all
		`{"ingress":[{}]}`:                                                                                true,
		`{"egress":[{}]}`:                                                                                 false, // the other direction
		`{"ingress":[{"from":[{"podSelector":{}}]}]}`:                                                     true,
		`{"ingress":[{"ports":[{"port":80}]}]}`:                                                           false,
		`{"ingress":[{"ports":[{"port":80},{"protocol":"UDP"}]}]}`:                                        true,
		`{"ingress":[{"ports":[{"port":47001}]}]}`:                                                        true,
		`{"ingress":[{"ports":[{"port":47002,"endPort":47009}]}]}`:                                        false,
		`{"ingress":[{"ports":[{"port":47000,"endPort":47009}]}]}`:                                        true,
		`{"ingress":[{"ports":[{"port":"http"}]}]}`:                                                       false,
		`{"ingress":[{"ports":[{"protocol":"SCTP"}]}]}`:                                                   false,
		`{"ingress":[{"ports":[{"protocol":"SCTP"}]},{"ports":[{"protocol":"TCP"}]}]}`:                    true,
		`{"ingress":[{"ports":[{"port":1,"endPort":47000}]},{"ports":[{"port":47001,"endPort":65535}]}]}`: true,
	} {
		var p networkingv1.NetworkPolicy
		if err := json.Unmarshal([]byte(text), &p.Spec); err != nil {
			t.Fatal(err)
		}
		if got := mayCover(&p, ingress); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
