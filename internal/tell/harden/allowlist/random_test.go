package allowlist

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// asks are things that a pod may ask for, in YAML: of the pod, of its security context, of a container, of a container's
// security context, and as volumes and annotations. No two are the same to whoever permits them.
var asks = map[string][]string{
	"pod":               {"hostNetwork: true", "hostPID: true", "hostIPC: true"},
	"podContext":        {"seccompProfile: {type: Unconfined}", "seccompProfile: {type: Localhost, localhostProfile: a.json}", "appArmorProfile: {type: Localhost, localhostProfile: own}", "seLinuxOptions: {type: spc_t}", "seLinuxOptions: {user: sysadm_u, level: 's0'}", "sysctls: [{name: net.core.somaxconn, value: '1'}]", "windowsOptions: {hostProcess: true}"},
	"container":         {"ports: [{containerPort: 80, hostPort: 80}]", "ports: [{containerPort: 80, hostPort: 81}]"},
	"containerContext":  {"privileged: true", "procMount: Unmasked", "seccompProfile: {type: Localhost, localhostProfile: b.json}", "runAsUser: 0", "capabilities: {add: [SYS_ADMIN]}", "capabilities: {add: [NET_ADMIN]}", "appArmorProfile: {type: Unconfined}"},
	"volume":            {"hostPath: {path: /etc}", "hostPath: {path: /var/run}", "image: {reference: 'evil.example/models:1'}", "flexVolume: {driver: a/b}"},
	"annotation":        {"container.apparmor.security.beta.kubernetes.io/c: localhost/other"},
	"image":             {"image: evil.example/x:1", "image: busybox"},
	"unasked":           {"privileged: false", "runAsUser: 1000", "seccompProfile: {type: RuntimeDefault}", "procMount: Default", "capabilities: {drop: [ALL]}", "seLinuxOptions: {}", "allowPrivilegeEscalation: false"},
	"unaskedAnnotation": {"container.apparmor.security.beta.kubernetes.io/c: runtime/default", "prometheus.io/scrape: 'true'"},
}

// rolled is a random pod, and what it asks for.
func rolled(d *rand.Rand) (text string, asked []string) {
	at := func(place string, permitted bool) string {
		if d.IntN(4) > 0 {
			return ""
		}
		one := asks[place][d.IntN(len(asks[place]))]
		if permitted {
			asked = append(asked, place+" "+one)
		}
		return one
	}
	list := func(lines ...string) string {
		return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), ", ")
	}
	image := at("image", true)
	if image == "" {
		image = "image: r.example/a:1"
	}
	context := at("containerContext", true)
	if context == "" {
		context = at("unasked", false)
	}
	note := at("annotation", true)
	if note == "" {
		note = at("unaskedAnnotation", false)
	}
	volume := at("volume", true)
	if volume != "" {
		volume = list("name: v", volume)
	}
	sort := []string{"containers", "initContainers", "ephemeralContainers"}[d.IntN(3)]
	containers := fmt.Sprintf("%s: [{%s}]", sort, list("name: c", image, at("container", true), "securityContext: {"+context+"}"))
	if sort != "containers" {
		containers += ", containers: [{name: m, image: 'r.example/a:2'}]"
	}
	text = fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: space, annotations: {%s}}, spec: {%s}}",
		note, list(at("pod", true), "securityContext: {"+at("podContext", true)+"}", containers, "volumes: ["+strings.TrimSuffix("{"+volume+"}", "{}")+"]"))
	return text, asked
}

// TestLearned wants what was learned from to pass, and whatever asks for something that nobody had to be denied.
func TestLearned(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	passed, denied := 0, 0
	for range 10 {
		var texts, had []string
		had = append(had, "image ") // the one without a name of its own
		texts = append(texts, "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: space}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}")
		for range 4 {
			text, asked := rolled(d)
			texts, had = append(texts, text), append(had, asked...)
		}
		learned := learn(t, strings.Join(texts, "\n---\n"))
		for _, text := range texts {
			if said := held(t, learned, text); said != "" {
				t.Errorf("learned from, and denied: %s\n%s", said, text)
			}
		}
		for range 25 {
			text, asked := rolled(d)
			strange := slices.ContainsFunc(asked, func(a string) bool { return !slices.Contains(had, a) })
			said := held(t, learned, text)
			if (said != "") != strange {
				t.Errorf("denied %q, and asks for %q of which %q were learned\n%s", said, asked, had, text)
			}
			if strange {
				denied++
			} else {
				passed++
			}
		}
	}
	if passed < 20 || denied < 20 {
		t.Errorf("%d pass and %d are denied: too few to tell", passed, denied)
	}
}

func learn(t *testing.T, text string) *policy.Policy {
	t.Helper()
	objects, problems := kube.Manifest("p.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems, text)
	}
	l, err := Learn(objects, "default", ByRepository)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Policy("default")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policyfile.Parse("learned.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// held is what a policy has against a pod.
func held(t *testing.T, p *policy.Policy, text string) string {
	t.Helper()
	objects, problems := kube.Manifest("p.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems, text)
	}
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "manifest"}}}
	facts := map[string]*policy.Facts{"t1": {Objects: policy.Objects(kube.NewSnapshot(objects, nil), func(string) bool { return true })}}
	found, gaps := policy.Evaluate(context.Background(), policy.Input{Report: r, Facts: facts, Policies: []*policy.Policy{p}, Now: time.Now()})
	if len(gaps) > 0 {
		t.Fatalf("%v\n%s", gaps, text)
	}
	var said []string
	for _, f := range found {
		said = append(said, f.Title)
	}
	return strings.Join(said, "; ")
}
