package secret

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

func engine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestExamples has each kind find its own example, and nothing in its good one. An example is made when it
// is wanted: none stands in the source.
func TestExamples(t *testing.T) {
	e := engine(t)
	all := kinds()
	if len(all) < 60 {
		t.Errorf("%d kinds", len(all))
	}
	for i := range all {
		k := &all[i]
		t.Run(k.name, func(t *testing.T) {
			text := sampleOf(k)
			file := "srv/app/settings.conf"
			if k.only != nil {
				file = "root/.pgpass"
			}
			var rules []string
			for _, h := range e.Scan(file, []byte(text+"\n")).Hits {
				rules = append(rules, h.Rule)
				if strings.Contains(fmt.Sprintf("%+v", h), secretIn(e, file, text)) {
					t.Errorf("the hit holds the secret: %+v", h)
				}
			}
			if len(rules) != 1 || rules[0] != "secret/"+k.name {
				t.Errorf("found %v in %q", rules, text)
			}
			card := k.card()
			if hits := e.Scan("srv/app/settings.conf", []byte(card.Page.Good)).Hits; len(hits) > 0 {
				t.Errorf("its good example is found: %v", hits)
			}
			if hits := e.Scan("srv/app/settings.conf", []byte(card.Page.Bad)).Hits; len(hits) > 0 {
				t.Errorf("its page holds a secret: %v", hits)
			}
		})
	}
}

// secretIn is the secret of an example.
func secretIn(e *Engine, file, text string) string {
	s := e.find(file, natureOf(file), []byte(text))
	if len(s.raw) == 0 {
		return "\x00"
	}
	return string(s.raw[0].secret())
}

// TestWritten holds the engine against what others wrote: forms of the services' own documentation, and
// values that everybody knows.
func TestWritten(t *testing.T) {
	e := engine(t)
	join := func(parts ...string) string { return strings.Join(parts, "") }
	for _, c := range []struct {
		name, file, text string
		want             string // RULE LINE:COLUMN SEVERITY, by comma
	}{
		// The token of GitHub's own article on its checksum, which was withdrawn in 2021.
		{"checksum that holds", "a.sh", join("\n  export T=", "ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"), "secret/github-token 2:12 high"},
		{"checksum that does not", "a.sh", join("ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq18"), ""},
		{"within a word", "a.sh", join("xghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"), ""},
		{"after an escape", "a.json", join(`"x\n`, "ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", `0mLq17"`), "secret/github-token 1:5 high"},
		{"AWS of the manual", ".aws/credentials", join("aws_access_key_id = AKIA", "IOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "EXAMPLEKEY\n"), ""},
		{"token of jwt.io", "a.conf", join("t=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.", "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"), ""},
		{"emulator's key", "a.conf", join("AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", "/K1SZFPTOtr/KBHBeksoGMGw=="), ""},
		{"variable", ".env", "DB_PASSWORD=${PW}\nDB2_PASSWORD=$PW\nAPI_TOKEN={{ .Values.token }}\n", ""},
		{"placeholder", ".env", "DB_PASSWORD=changeme\nX_PASSWORD=<your password>\nY_PASSWORD=xxxxxxxxxxx\nZ_PASSWORD=password\n", ""},
		{"environment", ".env", "DB_PASSWORD=hunter2\n", "secret/password 1:13 medium"},
		{"code", "a.go", "password := os.Getenv(\"DB_PASSWORD\")\nif token == \"identifier\" {\n", ""},
		{"types", "api.yaml", "password: string\ntoken: required\nsecretName: my-tls\n", ""},
		{"hash", "a.yaml", "token_hash: 5f4dcc3b5aa765d61d8327deb882cf99\nintegrity: sha512-abc\n", ""},
		{"in a test", "src/tests/test_db.py", `URL = "postgres://cart:Xk29dkK2lw@db.acme.io/cart"`, ""},
		{"in settings", "app/config.yaml", `url: "postgres://cart:Xk29dkK2lw@db.acme.io/cart"`, "secret/database-url 1:23 high"},
		{"address of a manual", "app/config.yaml", "url: postgres://user:password@localhost/db", ""},
		{"allowed", "a.sh", join("T=", "ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17 # gitleaks:allow"), "secret/github-token 1:3 high allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, h := range e.Scan(c.file, []byte(c.text)).Hits {
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

func TestExpiry(t *testing.T) {
	e := engine(t)
	text := "SESSION=" + token(map[string]any{"sub": "cart", "exp": 1700000000})
	hits := e.Scan("a.conf", []byte(text)).Hits
	if len(hits) != 1 || !hits[0].Until.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%+v", hits)
	}
}

// TestRedact leaves nothing of a secret in a text that is shown.
func TestRedact(t *testing.T) {
	e := engine(t)
	pw := letters("redact", 14)
	got := e.Redact("RUN |2 VERSION=2 NPM_TOKEN=" + resum("npm_"+letters("npm", 36)) + " /bin/sh -c curl -u x https://robot:" + pw + "@git.acme.io/x && make")
	if strings.Contains(got, pw) || strings.Contains(got, "npm_") || !strings.Contains(got, "VERSION=2") || !strings.Contains(got, "[secret]@git.acme.io/x && make") {
		t.Errorf("%s", got)
	}
	if plain := "RUN apt-get install -y curl"; e.Redact(plain) != plain {
		t.Error("a command without a secret is changed")
	}
}

// TestHostile has texts that cost much: each ends soon, with what was not looked at told.
func TestHostile(t *testing.T) {
	e := engine(t)
	for name, text := range map[string]string{
		"many words":   strings.Repeat("eyJ", MaxFile/3),
		"many keys":    strings.Repeat("-----BEGIN PRIVATE KEY-----", MaxFile/27),
		"many secrets": strings.Repeat("A_PASSWORD=Xk29dkK2lwQ\n", MaxFile/23),
		"many names":   strings.Repeat("token=", MaxFile/6),
		"many hosts":   strings.Repeat("x://a:b", MaxFile/7),
		"one line":     strings.Repeat("a", MaxFile),
	} {
		start := time.Now()
		res := e.Scan("a.env", []byte(text))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if len(res.Hits) > maxHits {
			t.Errorf("%s: %d hits", name, len(res.Hits))
		}
		t.Logf("%s: %v, %d hits, %s", name, time.Since(start), len(res.Hits), res.Cut)
	}
}

func TestUTF16(t *testing.T) {
	text := []byte{0xff, 0xfe}
	for _, c := range "DB_PASSWORD=hunter2\r\n" {
		text = append(text, byte(c), 0)
	}
	if !IsText(text) || IsText([]byte("a\x00b")) {
		t.Error("text is not known")
	}
	if hits := engine(t).Scan(".env", text).Hits; len(hits) != 1 || hits[0].Severity != finding.Medium {
		t.Errorf("%+v", hits)
	}
}

func FuzzScan(f *testing.F) {
	all := kinds()
	for i := range all {
		f.Add("etc/app.conf", []byte(sampleOf(&all[i])))
	}
	e := engine(f)
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		e.Scan(path, text)
		e.Settings(string(text))
		e.Redact(string(text))
	})
}

func TestWorst(t *testing.T) {
	e, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]finding.Severity{
		"LOG_LEVEL=debug":                         "",
		"DB_PASSWORD=Tr0ub4dor":                   finding.High,
		"A_PORT=1\nB=postgres://u:Tr0ub4dor@db/x": finding.High,
	} {
		if what, got := e.Worst(text); got != want || (what == "") != (want == "") || strings.Contains(what, "Tr0ub4dor") {
			t.Errorf("%s: %q, %s, want %s", text, what, got, want)
		}
	}
}
