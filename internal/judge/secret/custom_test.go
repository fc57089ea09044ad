package secret

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/gitleaks"
)

func custom1(t *testing.T, text string) *Engine {
	t.Helper()
	rules, err := gitleaks.Parse("rules.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const acme = "[[rules]]\nid='acme'\ndescription='token of acme'\nregex='''acme_([a-z0-9]{8,})'''\nkeywords=['acme_']\n"

func TestCustom(t *testing.T) {
	github := "T=" + resum("ghp_"+letters("custom", 36))
	for _, c := range []struct{ name, rules, file, text, want string }{
		{"alone", acme, "a.sh", "\nx=acme_k2j4h5g6\n" + github, "gitleaks/acme 2:8 high"},
		{"beside ours", "[extend]\nuseDefault=true\n" + acme, "a.sh", "x=acme_k2j4h5g6\n" + github, "gitleaks/acme 1:8 high,secret/github-token 2:3 high"},
		{"one of ours off", "[extend]\nuseDefault=true\ndisabledRules=['github-pat']\n" + acme, "a.sh", github, ""},
		{"entropy", acme + "entropy=3.0\n", "a.sh", "acme_aaaabbbb", ""},
		{"path", acme + "path='''\\.conf$'''\n", "a.sh", "acme_k2j4h5g6", ""},
		{"whole match", acme + "[[rules.allowlists]]\nregexTarget='match'\nregexes=['''^acme_k''']\n", "a.sh", "acme_k2j4h5g6", ""},
		{"line", acme + "[[rules.allowlists]]\nregexTarget='line'\nregexes=['''demo''']\n", "a.sh", "acme_k2j4h5g6 # demo\nacme_z2j4h5g6", "gitleaks/acme 2:6 high"},
		{"both conditions", acme + "[[rules.allowlists]]\ncondition='AND'\npaths=['''^lib/''']\nstopwords=['k2j4']\n", "a.sh", "acme_k2j4h5g6", "gitleaks/acme 1:6 high"},
		{"stop word", acme + "[[rules.allowlists]]\nstopwords=['K2J4']\n", "a.sh", "acme_k2j4h5g6", ""},
		{"path of all", acme + "[allowlist]\npaths=['''^vendor/''']\n", "vendor/a.sh", "acme_k2j4h5g6", ""},
		{"ours allowed", "[extend]\nuseDefault=true\n[[allowlists]]\nregexTarget='line'\nregexes=['''T=ghp''']\n", "a.sh", github, ""},
		{"comment", acme, "a.sh", "acme_k2j4h5g6 # plimsoll:allow", "gitleaks/acme 1:6 high allowed"},
		{"a file", "[[rules]]\nid='p12'\npath='''\\.p12\\.txt$'''\n", "a.p12.txt", "x", "gitleaks/p12 1:1 high"},
		{"as bad as ours", "[[rules]]\nid='generic-api-key'\nregex='''k=(\\w+)'''\n", "a.sh", "k=v1", "gitleaks/generic-api-key 1:3 low"},
		{"required is near", acme + "[[rules.required]]\nid='id'\nwithinLines=1\n[[rules]]\nid='id'\nregex='''id-\\d'''\nskipReport=true\n", "a.sh", "id-1\nacme_k2j4h5g6", "gitleaks/acme 2:6 high"},
		{"required is far", acme + "[[rules.required]]\nid='id'\nwithinLines=1\n[[rules]]\nid='id'\nregex='''id-\\d'''\nskipReport=true\n", "a.sh", "id-1\n\n\nacme_k2j4h5g6", ""},
		{"across pieces", acme, "a.sh", strings.Repeat(" ", piece-7) + "acme_k2j4h5g6", fmt.Sprintf("gitleaks/acme 1:%d high", piece-1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, h := range custom1(t, c.rules).Scan(c.file, []byte(c.text)).Hits {
				one := fmt.Sprintf("%s %d:%d %s", h.Rule, h.Line, h.Column, h.Severity)
				if h.Allowed {
					one += " allowed"
				}
				got = append(got, one)
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestGitleaksOwn loads the configuration that Gitleaks brings, from its module: PLIMSOLL_GITLEAKS names the
// file (go mod download github.com/zricethezav/gitleaks/v8@v8.30.1, config/gitleaks.toml).
func TestGitleaksOwn(t *testing.T) {
	name := os.Getenv("PLIMSOLL_GITLEAKS")
	if name == "" {
		return
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := gitleaks.Parse(name, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Rules) != 222 || len(rules.Allow) != 1 {
		t.Errorf("%d rules, %d allowlists", len(rules.Rules), len(rules.Allow))
	}
	e, err := New(rules)
	if err != nil {
		t.Fatal(err)
	}
	text := "T=" + resum("ghp_"+letters("own", 36)) + "\nK=" + letters("x", 3) + "\n" + exampleAWSPair() + "\n" + examplePrivateKey()
	found := map[string]bool{}
	for _, h := range e.Scan("srv/app.conf", []byte(text)).Hits {
		found[h.Rule] = true
	}
	for _, want := range []string{"gitleaks/github-pat", "gitleaks/aws-access-token", "gitleaks/private-key"} {
		if !found[want] {
			t.Errorf("%s is not found: %v", want, found)
		}
	}
}

// TestRedactCustom leaves nothing in a text that the user's rules take for a secret, or ours beside them.
func TestRedactCustom(t *testing.T) {
	e := custom1(t, acme+"[[rules]]\nid='wide'\nregex='cme_k2j4h5g6 x'\n")
	if got, want := e.Redact("RUN login acme_k2j4h5g6 x && acme_z9y8x7w6v5"), "RUN login a[secret] && acme_[secret]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRedactCommands leaves nothing in a text that a command is handed as a password.
func TestRedactCommands(t *testing.T) {
	e, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"RUN curl -fsS -u a:bare9f8e7d https://x", "curl --user=a:bare9f8e7d x", "sshpass -p bare9f8e7d ssh a@b", "docker login -u a -p bare9f8e7d reg", "az login --password 'bare9f8e7d'",
		"mysql -u root -pbare9f8e7d", "useradd -p bare9f8e7d bob", "echo \"root:bare9f8e7d\" | chpasswd",
	} {
		if got := e.Redact(text); strings.Contains(got, "bare") || !strings.Contains(got, "[secret]") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	for _, text := range []string{"mkdir -p /a && curl -u x https://y", "RUN apt-get update && apt-get install -y curl", "mysql -u root -e 'select 1'"} {
		if got := e.Redact(text); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}
