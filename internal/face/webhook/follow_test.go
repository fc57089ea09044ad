package webhook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

const (
	followRole = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: follower}, rules: [
		{apiGroups: [plimsoll.io], resources: [policies, exceptions, clusterexceptions], verbs: [get, list, watch]},
		{apiGroups: [""], resources: [namespaces], verbs: [get, list, watch]}]}`
	followBinding = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: follower},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: follower}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: follower}]}`
	noEvil    = `{apiVersion: plimsoll.io/v1alpha1, kind: Policy, metadata: {name: no-evil}, spec: {subject: manifest, validations: [{expression: "%s", message: "it is evil"}]}}`
	isGood    = "!images.exists(i, i.image.startsWith('evil'))"
	excepted  = `{apiVersion: plimsoll.io/v1alpha1, kind: Exception, metadata: {name: %s, namespace: %s}, spec: {rule: [policy/no-evil], reason: r, owner: o, until: "2099-01-01"}}`
	deniedFor = "policy/no-evil: "
)

// definitions are the cluster's kinds, as they are shipped.
func (d *door) definitions() {
	d.t.Helper()
	names, err := filepath.Glob("../../../deploy/chart/crds/*.yaml")
	if err != nil || len(names) != 3 {
		d.t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		d.must(err)
		d.must(d.create("customresourcedefinitions", string(b)))
	}
	await(d.t, func() bool { return d.create("policies", fmt.Sprintf(noEvil, "true"), metav1.DryRunAll) == nil })
	await(d.t, func() bool {
		return d.create("exceptions", fmt.Sprintf(excepted, "x", "shop"), metav1.DryRunAll) == nil
	})
}

// follower is a server that follows the cluster, with the rights that it needs and no others.
func (d *door) follower(line string) *running {
	d.t.Helper()
	c, err := client.OpenCluster(d.Kubeconfig("follower"))
	d.must(err)
	l := lineOf(d.t, line, nil)
	ctx, cancel := context.WithCancel(context.Background())
	known, wait := c.Follow(ctx, append(l.Needs(), Needs()...), slog.New(slog.DiscardHandler))
	d.t.Cleanup(func() { cancel(); wait() })
	l.Cluster = known
	f, err := Follow(l, statute.Files{}, known, slog.New(slog.NewTextHandler(d.t.Output(), nil)))
	d.must(err)
	return serve(d.t, Options{Line: l, Certificates: localhost(d.t), Follow: f, Queue: 100})
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := r.client.Get(strings.Replace(r.url, "127.0.0.1", "localhost", 1) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// comes wants a pod to be let in, or denied with some words, within a minute.
func (d *door) comes(why, namespace, image, denied string) time.Duration {
	d.t.Helper()
	began, last := time.Now(), ""
	for time.Since(began) < time.Minute {
		err := d.create("pods", fmt.Sprintf(pod, "probe", namespace, image), metav1.DryRunAll)
		if last = fmt.Sprint(err); denied == "" && err == nil || denied != "" && err != nil && strings.Contains(last, denied) {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	d.t.Fatalf("%s: a pod of %s in %s, wanted %q: %s", why, image, namespace, denied, last)
	return 0
}

// TestFollower is a server that follows the Policies and Exceptions of a real API server.
func TestFollower(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	d.must(d.create("clusterroles", followRole))
	d.must(d.create("clusterrolebindings", followBinding))
	const line = "failOn: none\nfollow: true\npolicies: {forgiving: {onFailure: ignore}}\n"
	r := d.follower(line)
	r.client.Transport.(*http.Transport).TLSClientConfig.ServerName = "localhost"
	if status, text := r.get(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "not read yet") {
		t.Errorf("before anything was read it is ready: %d %s", status, text)
	}
	if a := r.ask(t, "/admit/fail?timeout=3s", reviewOf(good)); a.Allowed || !strings.Contains(a.Result.Message, "not read yet") {
		t.Errorf("before anything was read it lets in: %+v", a)
	}
	d.definitions()
	await(t, func() bool { status, _ := r.get(t, "/readyz"); return status == http.StatusOK })
	d.register(r.o.Line, r)
	d.comes("nothing is forbidden", "shop", evil, "")

	d.must(d.create("policies", fmt.Sprintf(noEvil, isGood)))
	t.Logf("a Policy was in force after %s", d.comes("a Policy", "shop", evil, deniedFor))
	d.comes("a Policy", "shop", good, "")
	d.must(d.create("exceptions", fmt.Sprintf(excepted, "mine", "shop")))
	t.Logf("an Exception was in force after %s", d.comes("an Exception", "shop", evil, ""))
	d.comes("an Exception of another namespace", "guard", evil, deniedFor)
	exceptions, policies := d.resource("exceptions", "plimsoll.io/v1alpha1", "shop"), d.resource("policies", "plimsoll.io/v1alpha1", "")
	d.must(exceptions.Delete(ctx, "mine", metav1.DeleteOptions{}))
	d.comes("the Exception is gone", "shop", evil, deniedFor)

	patch := func(name, expression string) {
		t.Helper()
		_, err := policies.Patch(ctx, name, types.MergePatchType, fmt.Appendf(nil, `{"spec": {"validations": [{"expression": %q, "message": "it is evil"}]}}`, expression), metav1.PatchOptions{})
		d.must(err)
	}
	const series = `plimsoll_admission_followed_generation{kind="Policy",name="%s",namespace="",state="%s"} %d`
	told := func(name, state string, generation int) {
		t.Helper()
		want := fmt.Sprintf(series, name, state, generation)
		await(t, func() bool { _, text := r.get(t, "/metrics"); return strings.Contains(text, want) })
	}
	told("no-evil", "in force", 1)
	patch("no-evil", "imagez.all(i, true)")
	told("no-evil", "wrong", 1)
	d.comes("a Policy that became wrong", "shop", evil, deniedFor)
	d.comes("a Policy that became wrong", "shop", good, "")

	d.StopServer()
	d.StartServer()
	d.must(d.create("exceptions", fmt.Sprintf(excepted, "late", "shop")))
	t.Logf("after a restart of the API server an Exception was in force after %s", d.comes("after a restart", "shop", evil, ""))
	d.comes("after a restart", "guard", evil, deniedFor)
	patch("no-evil", isGood)
	told("no-evil", "in force", 3)

	// One that never was right: what may deny does, what need not does not, and both can be mended.
	for _, name := range []string{"typo", "forgiving"} {
		d.must(d.create("policies", strings.Replace(fmt.Sprintf(noEvil, "objct"), "no-evil", name, 1)))
	}
	d.comes("a Policy that never was right", "shop", good, "policy/typo: ")
	other := d.follower(line) // another replica decides alike, for it has seen no other version either
	await(t, func() bool { now := other.o.Follow.now.Load(); return now != nil && len(now.book.Broken) == 2 })
	d.must(policies.Delete(ctx, "typo", metav1.DeleteOptions{}))
	d.comes("what need not be decided", "shop", good, "")
	told("forgiving", "wrong", 0)
	for _, name := range []string{"no-evil", "forgiving"} {
		d.must(policies.Delete(ctx, name, metav1.DeleteOptions{}))
	}
	d.comes("all Policies are gone", "guard", evil, "")
	d.must(r.stop())
	for _, want := range []string{`"rule":"policy/no-evil","severity":"high","mode":"deny"`, `"excepted":"Exception/shop/mine","generation":1`} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log has no %s", want)
		}
	}
}

// objects are those that a test says are there.
type objects struct {
	all  map[string][]*kube.Object
	over []string
}

func (o *objects) Changed() <-chan struct{} { return nil }

func (o *objects) Last(n kube.Need) ([]*kube.Object, []string, time.Time, error) {
	if n.Kind.Kind == "Policy" {
		return o.all["Policy"], o.over, time.Time{}, nil
	}
	return o.all[n.Kind.Kind], nil, time.Time{}, nil
}

// TestTooManyPolicies wants what was in force to stay when there are more Policies than can be known.
func TestTooManyPolicies(t *testing.T) {
	made, problems := kube.Manifest("p.yaml", []byte(fmt.Sprintf(noEvil, isGood)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o := &objects{all: map[string][]*kube.Object{"Policy": made}}
	f, err := Follow(lineOf(t, "follow: true\n", nil), statute.Files{}, o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f.look()
	o.all, o.over = nil, []string{""}
	f.look()
	if l, err := f.current(); err != nil || len(l.Policies) != 1 {
		t.Errorf("%v", err)
	}
}
