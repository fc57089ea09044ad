package pod

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMend holds what is written against what a careful person would write.
func TestMend(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\n"
	const (
		inPodText  = "  automountServiceAccountToken: false\n  securityContext:\n    runAsNonRoot: true\n    seccompProfile: {type: RuntimeDefault}\n"
		ownContext = "    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities: {drop: [ALL]}\n"
		own        = "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"
		wholePod   = "automountServiceAccountToken: false, securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}"
	)
	for _, c := range []struct{ name, before, want, note string }{
		{
			"comments and order stay", pod + "spec: # here\n  # all that runs\n  containers:\n  # the cart\n  - name: cart # its name\n    image: example.org/cart:1 # pinned\n    # it listens\n    ports: [{containerPort: 8080}]\n",
			pod + "spec: # here\n" + inPodText + "  # all that runs\n  containers:\n  # the cart\n  - name: cart # its name\n    image: example.org/cart:1 # pinned\n" + ownContext + "    # it listens\n    ports: [{containerPort: 8080}]\n", "",
		},
		{
			"what is set stays", pod + "spec:\n  serviceAccountName: cart\n  securityContext:\n    # on purpose\n    runAsNonRoot: false\n  containers:\n  - name: cart\n    securityContext:\n      allowPrivilegeEscalation: true\n      capabilities:\n        add: [NET_BIND_SERVICE]\n",
			pod + "spec:\n  serviceAccountName: cart\n  securityContext:\n    seccompProfile: {type: RuntimeDefault}\n    # on purpose\n    runAsNonRoot: false\n  containers:\n  - name: cart\n    securityContext:\n      allowPrivilegeEscalation: true\n      capabilities:\n        drop: [ALL]\n        add: [NET_BIND_SERVICE]\n", "",
		},
		{
			"what needs its rights keeps them", pod + "spec:\n  automountServiceAccountToken: true\n  containers:\n  - name: cart\n    securityContext: {privileged: true}\n  - name: b\n    securityContext:\n      runAsUser: 0\n",
			pod + "spec:\n  securityContext:\n    seccompProfile: {type: RuntimeDefault}\n  automountServiceAccountToken: true\n  containers:\n  - name: cart\n    securityContext: {privileged: true}\n  - name: b\n    securityContext:\n      allowPrivilegeEscalation: false\n      runAsUser: 0\n", "",
		},
		{"Windows", pod + "spec:\n  os: {name: windows}\n  containers:\n  - name: cart\n", pod + "spec:\n  os: {name: windows}\n  containers:\n  - name: cart\n", ""},
		{"flow style", pod + "spec: {containers: [{name: cart, image: 'ä: {', securityContext: {}}]}\n", pod + "spec: {" + wholePod + ", containers: [{name: cart, image: 'ä: {', securityContext: {" + own + "}}]}\n", ""},
		{"flow within block", pod + "spec:\n  containers: [{name: ü, image: a}, {name: cart}]\n", pod + "spec:\n" + inPodText + "  containers: [{securityContext: {" + own + "}, name: ü, image: a}, {securityContext: {" + own + "}, name: cart}]\n", ""},
		{"nothing where a map belongs", pod + "spec:\n  securityContext:\n  containers:\n  - name: cart\n", pod + "spec:\n  automountServiceAccountToken: false\n  securityContext:\n    runAsNonRoot: true\n    seccompProfile: {type: RuntimeDefault}\n  containers:\n  - name: cart\n" + ownContext, ""},
		{"no line end at the end", pod + "spec:\n  containers:\n  - name: cart", pod + "spec:\n" + inPodText + "  containers:\n  - name: cart\n" + ownContext, ""},
		{"Windows' line ends", strings.ReplaceAll(pod+"spec:\n  containers:\n  - name: cart\n", "\n", "\r\n"), strings.ReplaceAll(pod+"spec:\n"+inPodText+"  containers:\n  - name: cart\n"+ownContext, "\n", "\r\n"), ""},
		{
			"an anchor", pod + "spec:\n  containers:\n  - &base\n    name: cart\n  - name: b\n",
			pod + "spec:\n" + inPodText + "  containers:\n  - &base\n    name: cart\n  - name: b\n" + ownContext, "pod.yaml:6: Pod cart: spec.containers[0].securityContext is left alone: an anchor shares it with other places",
		},
		{
			"a context that is merged in", pod + "x: &base {securityContext: {runAsUser: 7}}\nspec:\n" + inPodText + "  containers:\n  - <<: *base\n    name: b\n",
			pod + "x: &base {securityContext: {runAsUser: 7}}\nspec:\n" + inPodText + "  containers:\n  - <<: *base\n    name: b\n", "pod.yaml:4: Pod cart: spec.containers[0].securityContext is left alone: an anchor shares it with other places",
		},
		{
			"a list, and several documents", "# first\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: cart}\n  spec:\n    template:\n      spec:\n        containers:\n        - name: cart\n---\napiVersion: v1\nkind: Service\nmetadata: {name: cart}\n---\n" + pod + "spec:\n  initContainers:\n  - name: a\n  containers:\n  - name: b\n",
			"# first\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: cart}\n  spec:\n    template:\n      spec:\n" + strings.TrimRight(strings.ReplaceAll("      "+strings.ReplaceAll(inPodText, "\n", "\n      "), "\n      \n", "\n"), " ") + "        containers:\n        - name: cart\n          securityContext:\n            allowPrivilegeEscalation: false\n            capabilities: {drop: [ALL]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: cart}\n---\n" + pod + "spec:\n" + inPodText + "  initContainers:\n  - name: a\n" + ownContext + "  containers:\n  - name: b\n" + ownContext, "",
		},
		{"JSON", `{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"}]}}`, `{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"}]}}`, "pod.yaml: it is JSON, which has no place for a careful hand: write the fields in what makes it"},
		{"a broken one", pod + "spec: {\n", pod + "spec: {\n", "pod.yaml:4: did not find expected node content: nothing of the file is rewritten"},
		{"a name over two lines", pod + "spec:\n" + inPodText + "  containers:\n  - name: \"cart\\\n      b\"\n    image: |-\n      a\n", pod + "spec:\n" + inPodText + "  containers:\n  - name: \"cart\\\n      b\"\n    image: |-\n      a\n", "pod.yaml: it is written in a way that cannot be rewritten safely"},
	} {
		after, notes := Mend("pod.yaml", []byte(c.before), nil)
		if diff := cmp.Diff(c.want, string(after)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.note, strings.Join(notes, "\n")); diff != "" {
			t.Errorf("%s says:\n%s", c.name, diff)
		}
		if again, _ := Mend("pod.yaml", after, nil); string(again) != string(after) {
			t.Errorf("%s: the second time it writes\n%s", c.name, cmp.Diff(string(after), string(again)))
		}
	}
}

// TestMendWorsensNothing mends the examples of all checks: none is found more often after.
func TestMendWorsensNothing(t *testing.T) {
	texts := map[string]bool{ordinary: true}
	for _, c := range beyond() {
		texts[c.Page.Bad], texts[c.Page.Good] = true, true
	}
	for text := range texts {
		after, notes := Mend("pod.yaml", []byte(text), nil)
		was, is := counts(t, text), counts(t, string(after))
		for id, n := range is {
			if n > was[id] {
				t.Errorf("after mending, %s finds %d, not %d, in\n%s", id, n, was[id], after)
			}
		}
		if len(notes) > 0 {
			t.Errorf("%v is said of\n%s", notes, text)
		}
	}
}

// counts are how many hits each check has.
func counts(t *testing.T, text string) map[string]int {
	all := map[string]int{}
	for _, f := range factsOf(t, text) {
		for _, c := range Checks() {
			hits, _ := c.Look(f)
			all[c.ID] += len(hits)
		}
	}
	return all
}

// FuzzMend holds that whatever is mended is mended once, and has what it had.
func FuzzMend(f *testing.F) {
	f.Add(ordinary)
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, securityContext: {}}]}\n")
	f.Add("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - &a\n    name: b\n  - *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		after, notes := Mend("pod.yaml", []byte(text), nil)
		if again, _ := Mend("pod.yaml", after, nil); string(again) != string(after) && len(notes) == 0 {
			t.Errorf("the second time it is\n%s", again)
		}
	})
}
