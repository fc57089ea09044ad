package pod

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

var engine = sync.OnceValue(func() *secret.Engine {
	e, err := secret.New(nil)
	if err != nil {
		panic(err)
	}
	return e
})

// factsOf are those of each workload of a manifest that is all there is: images whose name has root in it run as root.
func factsOf(t testing.TB, text string) (all []*Facts) {
	t.Helper()
	objects, problems := kube.Manifest("pod.yaml", []byte(text))
	around := kube.NewSnapshot(objects, problems)
	if len(around.Problems) > 0 {
		t.Fatalf("%v in\n%s", around.Problems[0], text)
	}
	for i := range around.Workloads {
		all = append(all, &Facts{Workload: &around.Workloads[i], Around: around, Whole: true, Secret: engine().Worst, Image: func(reference string) (Image, bool) {
			if strings.Contains(reference, "unknown") {
				return Image{}, false
			}
			user := "10001"
			if strings.Contains(reference, "root") {
				user = "0"
			}
			return Image{User: user}, true
		}})
	}
	return all
}

func judged(t testing.TB, c Check, text string) (hits []check.Hit, unknown []string) {
	t.Helper()
	return hitsIn(factsOf(t, text), c)
}

func hitsIn(facts []*Facts, c Check) (hits []check.Hit, unknown []string) {
	for _, f := range facts {
		h, u := c.Look(f)
		hits, unknown = append(hits, h...), append(unknown, u...)
	}
	return hits, unknown
}

// TestPages runs each check on the examples of its page.
func TestPages(t *testing.T) {
	for _, c := range beyond() {
		hits, _ := judged(t, c, c.Page.Bad)
		if len(hits) == 0 {
			t.Errorf("%s does not find its bad example:\n%s", c.ID, c.Page.Bad)
		}
		for _, h := range hits {
			if len(h.At) != 1 || h.At[0].StartLine < 2 || h.Subject.Name != "cart" || h.Subject.Field == "" {
				t.Errorf("%s: a hit without its place: %+v %+v", c.ID, h, h.Subject)
			}
		}
		if hits, unknown := judged(t, c, c.Page.Good); len(hits)+len(unknown) != 0 {
			t.Errorf("%s finds its good example: %+v, %v", c.ID, hits, unknown)
		}
	}
}

// look is what checks say of a manifest: their names, and a question mark behind those that do not know. What is worth
// a remark only is left out.
func look(t testing.TB, text string) string {
	t.Helper()
	var got []string
	facts := factsOf(t, text)
	for _, c := range beyond() {
		hits, unknown := hitsIn(facts, c)
		hits = slices.DeleteFunc(hits, func(h check.Hit) bool { return h.Severity == finding.Info || h.Severity == finding.Low })
		name := strings.TrimPrefix(c.ID, "pod/")
		switch {
		case len(hits) > 0:
			got = append(got, name+" "+string(hits[0].Severity))
		case len(unknown) > 0:
			got = append(got, name+"?")
		}
	}
	slices.Sort(got)
	return strings.Join(got, ", ")
}

// TestPods holds what is found worth more than a remark.
func TestPods(t *testing.T) {
	volumeOf := func(name, spec string) string {
		return "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: " + name + "}\nspec: " + spec + "\n"
	}
	claim := func(spec string) string {
		return "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec: " + spec + "\n"
	}
	claimed := mounting("persistentVolumeClaim:\n  claimName: data", "")
	for _, c := range []struct{ name, text, want string }{
		{"an ordinary one", inContainer("image: example.org/cart:1\nports:\n- containerPort: 8080\nenv:\n- {name: PASSWORD_FILE, value: /run/x}\n- {name: TOKEN, value: $(OTHER)}"), ""},
		{"root by its image", inContainer("image: root:1"), "root-image medium"},
		{"root by its image, which the pod forbids", inContainer("image: root:1\nsecurityContext: {runAsNonRoot: true}"), ""},
		{"root by its image, which the pod overrules", inPod("securityContext: {runAsUser: 10001}\ncontainers:\n- {name: cart, image: 'root:1'}"), ""},
		{"an image that nobody knows", inContainer("image: unknown:1"), "host-user?, root-image?"},
		{"root on Windows", inPod("os: {name: windows}\ncontainers:\n- {name: cart, image: 'root:1'}"), ""},
		{"a password among the arguments", inContainer("image: a:1\nargs: ['--db=postgres://cart:Tr0ub4dor@db/cart']"), "secret-value high"},
		{"the node's sockets by their folder", mounting("hostPath: {path: /var/run/}", ""), "runtime-socket critical"},
		{"a socket with dots in its path", mounting("hostPath: {path: /srv/../run/k3s/containerd//containerd.sock}", ""), "runtime-socket critical"},
		{"a folder of that name in another", mounting("hostPath: {path: /srv/run}", "readOnly: true"), ""},
		{"the root, to read", mounting("hostPath: {path: /}", "readOnly: true"), "sensitive-host-path high"},
		{"a part of a folder", mounting("hostPath: {path: /etc/kubernetes/manifests}", ""), "sensitive-host-path critical"},
		{"time zones", mounting("hostPath: {path: /etc/localtime}", "readOnly: true"), ""},
		{"graphics", mounting("hostPath: {path: /dev/dri/card0}", ""), "host-device medium"},
		{"a disk", mounting("hostPath: {path: /dev/nvme0n1}", ""), "host-device critical"},
		{"a claim that nobody knows", claimed, "runtime-socket?, sensitive-host-path?"},
		{"a claim of a class", claimed + claim("{storageClassName: fast}"), ""},
		{"a claim bound to what nobody knows", claimed + claim("{volumeName: pv}"), "runtime-socket?, sensitive-host-path?"},
		{"a claim on the node, by the volume's name", claimed + claim("{volumeName: pv}") + volumeOf("pv", "{hostPath: {path: /var/lib/kubelet}}"), "sensitive-host-path critical"},
		{"a claim on the node, by the claim's name", claimed + claim("{}") + volumeOf("pv", "{hostPath: {path: /etc}, claimRef: {namespace: shop, name: data}}"), "sensitive-host-path critical"},
		{"a claim on the node, by its class", claimed + claim("{storageClassName: manual}") + volumeOf("pv", "{storageClassName: manual, local: {path: /}}"), "sensitive-host-path critical"},
		{"another's volume", claimed + claim("{storageClassName: manual}") + volumeOf("pv", "{storageClassName: manual, local: {path: /}, claimRef: {namespace: other, name: data}}"), ""},
		{
			"a claim for each pod", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: cart, namespace: shop}\nspec:\n  template:\n    spec:\n      containers:\n      - name: cart\n        image: a:1\n        volumeMounts: [{name: data, mountPath: /data}]\n" +
				"  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {storageClassName: manual}\n" + volumeOf("pv", "{storageClassName: manual, hostPath: {path: /root}}"),
			"sensitive-host-path critical",
		},
		{"an ephemeral claim", mounting("ephemeral: {volumeClaimTemplate: {spec: {storageClassName: manual}}}", "") + volumeOf("pv", "{storageClassName: manual, hostPath: {path: /run}}"), "runtime-socket critical"},
		{"capabilities of every day", inContainer("image: a:1\nsecurityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, CHOWN, SETUID]}}"), ""},
		{"with the runtime's prefix", inContainer("image: a:1\nsecurityContext: {capabilities: {add: [CAP_SYS_PTRACE]}}"), "dangerous-capability high"},
		{"an ephemeral container that may more", inPod("containers:\n- {name: cart, image: 'a:1'}\nephemeralContainers:\n- {name: d, image: 'a:1', securityContext: {privileged: true}}"), "ephemeral-container medium"},
		{"one that may as much", inPod("containers:\n- {name: cart, image: 'a:1', securityContext: {privileged: true}}\nephemeralContainers:\n- {name: d, image: 'a:1', securityContext: {privileged: true}}"), ""},
		{"Windows' system", inContainer("image: a:1\n" + `securityContext: {windowsOptions: {runAsUserName: 'NT AUTHORITY\SYSTEM'}}`), "windows-administrator medium"},
		{"an own disruption", inPod("priorityClassName: system-node-critical\ncontainers:\n- {name: cart, image: 'a:1'}"), "system-priority medium"},
	} {
		if diff := cmp.Diff(c.want, look(t, c.text)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestNoSecrets holds that no check ever shows one.
func TestNoSecrets(t *testing.T) {
	text := inContainer("env:\n- {name: A_PASSWORD, value: Tr0ub4dor}\ncommand: [run, '--url=postgres://u:Tr0ub4dor@db/x']")
	n := 0
	for _, c := range beyond() {
		hits, unknown := judged(t, c, text)
		for _, h := range hits {
			if strings.Contains(h.Where+h.Detail+h.Fix+h.Subject.Field+strings.Join(unknown, ""), "Tr0ub4dor") {
				t.Errorf("%s says it: %+v", c.ID, h)
			}
			if c.ID == "pod/secret-value" {
				n++
			}
		}
	}
	if n != 2 {
		t.Errorf("%d secrets are found, want 2", n)
	}
}

// TestAlone holds that a workload of which nothing is known around it is judged without a fault.
func TestAlone(t *testing.T) {
	for _, f := range factsOf(t, mounting("persistentVolumeClaim:\n  claimName: data", "")) {
		alone := &Facts{Workload: f.Workload}
		for _, c := range beyond() {
			c.Look(alone)
		}
	}
}
