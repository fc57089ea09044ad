package compose

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/compose"
)

func fileOf(t *testing.T, text string) *compose.File {
	t.Helper()
	f, err := compose.Parse("compose.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

// TestExamples runs each check on the examples of its page.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		hits := c.Look(fileOf(t, c.Page.Bad))
		if len(hits) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		for _, h := range hits {
			if h.At[0].StartLine < 2 || h.Subject == nil {
				t.Errorf("%s: a hit without its place: %+v", c.ID, h)
			}
		}
		if hits := c.Look(fileOf(t, c.Page.Good)); len(hits) != 0 {
			t.Errorf("%s finds its good example: %+v", c.ID, hits)
		}
	}
}

// TestServices holds what is found worth more than a remark.
func TestServices(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an ordinary one", "image: a:1\nports: ['80:80', '443:443/tcp', '8000-8010:8000-8010']\nvolumes: ['data:/var/lib/x', './conf:/etc/x:ro', '/etc/localtime:/etc/localtime:ro', '/srv/data:/data']", ""},
		{"variables with defaults", "image: a:1\nprivileged: ${P:-true}\nnetwork_mode: ${N:-host}", "host-namespace privileged"},
		{"variables without", "image: ${IMAGE}\nprivileged: ${P}\nenvironment:\n  A_PASSWORD: ${A_PASSWORD:?}\n  B_TOKEN:", ""},
		{"long forms", "image: a:1\nports: [{target: 6379, published: 6379}]\nvolumes: [{type: bind, source: /var/run/docker.sock, target: /s}, {type: volume, source: v, target: /etc}]", "published-port runtime-socket"},
		{"a port of this host alone", "image: a:1\nports: ['127.0.0.1:6379:6379', '[::1]:5432:5432', {target: 3306, host_ip: 127.0.0.1}]", ""},
		{"a list of variables", "image: a:1\nenvironment: ['API_KEY=abc123', 'X_TOKEN=changeme', 'TOKEN_URL=https://x.org', 'PASSWORD_FILE=/run/x', SECRET]", "secret-value"},
		{"a namespace of another service", "image: a:1\nnetwork_mode: service:b\npid: service:b\nuser: '1000:0'", ""},
		{"capabilities of every day", "image: a:1\ncap_add: [NET_BIND_SERVICE, CHOWN, CAP_SYS_ADMIN]", "capability"},
	} {
		var got []string
		f := fileOf(t, "services:\n  app:\n    "+strings.ReplaceAll(c.text, "\n", "\n    ")+"\n")
		for _, k := range Checks() {
			for _, h := range k.Look(f) {
				if s := h.Severity; s == finding.Low || s == finding.Info || s == "" && (k.Severity == finding.Low || k.Severity == finding.Info) {
					continue
				}
				got = append(got, strings.TrimPrefix(k.ID, "compose/"))
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestNoSecrets(t *testing.T) {
	f := fileOf(t, "services:\n  app:\n    image: a:1\n    environment:\n      A_PASSWORD: hunter2\n      B_TOKEN: ${B:-hunter2}\n    build: {args: [C_SECRET=hunter2]}\n")
	n := 0
	for _, c := range Checks() {
		for _, h := range c.Look(f) {
			if strings.Contains(h.Where+h.Detail+h.Fix+h.Subject.Field, "hunter2") {
				t.Errorf("%s says it: %+v", c.ID, h)
			}
			if c.ID == "compose/secret-value" {
				n++
			}
		}
	}
	if n != 3 {
		t.Errorf("%d secrets are found, want 3", n)
	}
}
