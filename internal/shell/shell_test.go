package shell

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is a script in few words: a line for each command, with what feeds and what runs it.
func told(s *Script) (lines []string) {
	for _, c := range s.Commands {
		var b strings.Builder
		fmt.Fprintf(&b, "%d:%d", c.Line, c.Column)
		for _, a := range c.Assigns {
			fmt.Fprintf(&b, " %s=%s", a.Name, a.Value.Text)
		}
		b.WriteString(" " + c.Name)
		for _, a := range c.Args {
			b.WriteString(" [" + a.Text + "]")
			if !a.Known {
				b.WriteString("?")
			}
			for _, f := range a.From {
				b.WriteString("<" + f.Name)
			}
		}
		for _, f := range c.From {
			b.WriteString(" from " + f.Name)
		}
		if c.Via != nil {
			b.WriteString(" via " + c.Via.Name)
		}
		lines = append(lines, b.String())
	}
	return lines
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"pipes", "a | b | c && d", []string{"1:1 a", "1:5 b from a", "1:9 c from a from b", "1:14 d"}},
		{"piped to a shell behind sudo", "curl -fsSL https://x/$V.sh | sudo -E bash -s -- --foo", []string{
			"1:1 curl [-fsSL] [https://x/$V.sh]?",
			"1:30 sudo [-E] [bash] [-s] [--] [--foo] from curl",
			"1:38 bash [-s] [--] [--foo] from curl via sudo",
		}},
		{"a file that is a command's output", "bash <(curl -s u)", []string{"1:1 bash [<(curl -s u)]?<curl", "1:8 curl [-s] [u]"}},
		{"a body that is a command's output", `sh -c "$(curl -fsSL u)"`, []string{
			`1:1 sh [-c] [$(curl -fsSL u)]?<curl`, "1:10 curl [-fsSL] [u]", "1:8  via sh",
		}},
		{"a body", `bash -c 'set -e; wget -qO- u | tar xz'`, []string{
			"1:1 bash [-c] [set -e; wget -qO- u | tar xz]",
			"1:10 set [-e] via bash", "1:18 wget [-qO-] [u] via bash", "1:32 tar [xz] from wget via bash",
		}},
		{"quotes", `apt-get install foo='1.*' "b a\$r" 'c'"d"\ e`, []string{`1:1 apt-get [install] [foo=1.*] [b a$r] [cd e]`}},
		{"asking is not running", "if ! command -v x; then y; fi", []string{"1:6 command [-v] [x]", "1:25 y"}},
		{"find", `find / -perm /6000 -exec chmod a-s {} \;`, []string{
			"1:1 find [/] [-perm] [/6000] [-exec] [chmod] [a-s] [{}] [;]", "1:26 chmod [a-s] [{}] via find",
		}},
		{"wrappers", "FOO=bar sudo -u root env X=1 nice -n 10 apt-get install x", []string{
			"1:9 FOO=bar sudo [-u] [root] [env] [X=1] [nice] [-n] [10] [apt-get] [install] [x]",
			"1:22 env [X=1] [nice] [-n] [10] [apt-get] [install] [x] via sudo",
			"1:30 X=1 nice [-n] [10] [apt-get] [install] [x] via env",
			"1:41 apt-get [install] [x] via nice",
		}},
		{"xargs", "cat list | xargs -n 1 -P4 gem install", []string{
			"1:1 cat [list]", "1:12 xargs [-n] [1] [-P4] [gem] [install] from cat", "1:27 gem [install] from cat via xargs",
		}},
		{"the folder of a program", "/usr/bin/apt-get update", []string{"1:1 apt-get [update]"}},
		{"an unknown program", "$TOOL install", []string{"1:1  [install]"}},
		{"export", "export A=1 && readonly B=2", []string{"1:1 A=1 export [A=1]", "1:15 B=2 readonly [B=2]"}},
		{"lines", "a &&\n  b\nc", []string{"1:1 a", "2:3 b", "3:1 c"}},
		{"a shell that reads a here-document", "bash <<'X'\nfoo bar\nX\n", []string{"1:1 bash", "2:1 foo [bar] via bash"}},
		{"what only bash knows, in sh", "[[ -f x ]] && a <(b)", []string{"1:15 a [<(b)]?<b", "1:19 b"}},
		{"a function", "f() { a; }; f", []string{"1:7 a", "1:13 f"}},
		{"a case", "case $A in x) b;; *) c;; esac", []string{"1:15 b", "1:22 c"}},
		{"conda", "conda run -n env pip install x", []string{"1:1 conda [run] [-n] [env] [pip] [install] [x]", "1:18 pip [install] [x] via conda"}},
		{"su", "su - app -c 'npm ci'", []string{"1:1 su [-] [app] [-c] [npm ci]", "1:14 npm [ci] via su"}},
	} {
		s, err := Parse(POSIX, Plain(c.text, Pos{1, 1}, 0))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, told(s)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestWhere(t *testing.T) {
	s, err := Parse(Bash, Plain("a | b; (c); for i in x; do d; done; if e; then f; fi; g || h; x=$(i); j & fn() { k; }", Pos{1, 1}, 0))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Where{
		"a": InPipe, "b": 0, "c": InSubshell, "d": InLoop, "e": InCondition, "f": InBranch, "g": 0, "h": InBranch,
		"": 0, "i": InSubstitution, "j": InBackground, "k": InFunction,
	}
	for _, c := range s.Commands {
		if c.Where != want[c.Name] {
			t.Errorf("%s stands in %b, want %b", c.Name, c.Where, want[c.Name])
		}
	}
}

func TestPipes(t *testing.T) {
	for text, want := range map[string][]Pipe{
		"a | b | c":                            {{Pos: Pos{1, 1}, First: "a", Last: "c"}},
		"set -o pipefail; a | b":               {{Pos: Pos{1, 18}, First: "a", Last: "b", Guarded: true}},
		"set -euo pipefail && a | b":           {{Pos: Pos{1, 22}, First: "a", Last: "b", Guarded: true}},
		"set -o pipefail; set +o pipefail;a|b": {{Pos: Pos{1, 34}, First: "a", Last: "b"}},
		"a || b":                               nil,
	} {
		s, err := Parse(Bash, Plain(text, Pos{1, 1}, 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.Pipes); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestRedirections(t *testing.T) {
	s, err := Parse(POSIX, Plain("cat <<EOF > /etc/x 2>&1\nfoo\nEOF\n{ a; b; } >> /log", Pos{3, 5}, 4))
	if err != nil {
		t.Fatal(err)
	}
	first := s.Commands[0].Redirs
	if len(first) != 3 || first[0].Body != "foo\n" || first[1].Op != ">" || first[1].To.Text != "/etc/x" || first[2].FD != "2" {
		t.Errorf("cat is redirected so: %+v", first)
	}
	for _, c := range s.Commands[1:] {
		if c.Line != 6 || len(c.Redirs) != 1 || c.Redirs[0].To.Text != "/log" {
			t.Errorf("%s on line %d is redirected so: %+v", c.Name, c.Line, c.Redirs)
		}
	}
}

func TestLanguages(t *testing.T) {
	for program, want := range map[string]Language{
		"/bin/sh": POSIX, "/bin/bash": Bash, "ash": POSIX, "ksh": Korn, "zsh": Zsh, "powershell": Other, `C:\Git\bin\bash.exe`: Bash, "cmd": Other, "python3": Other,
	} {
		if got := LanguageOf(program); got != want {
			t.Errorf("%s is %d, want %d", program, got, want)
		}
	}
	for text, want := range map[string]Language{"#!/usr/bin/env -S bash -e\nx": Bash, "#!/usr/bin/python3\n": Other, "#!/bin/sh": POSIX, "#!": Other} {
		if got, ok := Shebang(text); !ok || got != want {
			t.Errorf("%q is %d, %t, want %d", text, got, ok, want)
		}
	}
	if _, ok := Shebang("echo"); ok {
		t.Error("a script without one says its language")
	}
}

// TestHostile sees that what would take too long or too much is refused, and broken text named by line.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"deep":  strings.Repeat("(", 100000),
		"ifs":   strings.Repeat("if ", 100000),
		"large": strings.Repeat("a;", maxText),
		"many":  strings.Repeat("a;", maxCommands+1),
	} {
		if _, err := Parse(POSIX, Plain(text, Pos{7, 1}, 0)); !errors.Is(err, errTooMuch) || !strings.Contains(err.Error(), "line 7") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse(POSIX, Plain("a\nb 'c", Pos{7, 1}, 0)); err == nil || !strings.HasPrefix(err.Error(), "line 8: ") {
		t.Errorf("an open quote: %v", err)
	}
	if _, err := Parse(Other, Plain("Get-Item", Pos{1, 1}, 0)); err == nil {
		t.Error("another language is read")
	}
	nested := "a"
	for range 10 {
		nested = "sh -c " + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(nested) + `"`
	}
	if s, err := Parse(POSIX, Plain(nested, Pos{1, 1}, 0)); err != nil || len(s.Commands) != maxFollow+1 {
		t.Errorf("nested shells: %v", err)
	}
}

func TestExec(t *testing.T) {
	if diff := cmp.Diff([]string{"4:1 sh [-c] [a && b]", "4:1 a via sh", "4:1 b via sh"}, told(Exec([]string{"sh", "-c", "a && b"}, Pos{4, 1}))); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a | b && c || d; e &", "bash <(curl -s u)", "sh -c \"$(x 'y')\"", "cat <<E\n$A `b`\nE\n", "f(){ a;}", "x=${y:-$(z)} sudo -u a env B=c d",
		"case $a in b) c;; esac", "for i in $(a); do b; done", "echo $((1+(2))) $'a\\n'", "find . -exec a {} +", "eval \"$(a)\"", "[[ a =~ b ]] && ((c++))",
	} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, text string, of int) {
		s, err := Parse(Language(of&3+1), Plain(text, Pos{1, 1}, 0))
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, c := range s.Commands {
			if c.Line < 1 || c.Line > lines || c.Column < 1 {
				t.Fatalf("%q stands at %d:%d of %d lines", c.Name, c.Line, c.Column, lines)
			}
		}
	})
}

// TestAddress shows nobody's login, and wants the host where a shell's own address is told.
func TestAddress(t *testing.T) {
	for of, want := range map[string][2]string{
		"https://u:bare@x.io:8443/a.tgz?t=bare#bare": {"https://x.io:8443/a.tgz", "x.io:8443"},
		"https://x.io?t=bare":                        {"https://x.io", "x.io"},
		"https://${U}:${P}@x.io/$V/a%20b":            {"https://x.io/$V/a%20b", "x.io"},
		"https://u:ba@re@x.io/@scope/a":              {"https://x.io/@scope/a", "x.io"},
		"u:bare@x.io/a":                              {"x.io/a", "x.io"},
		"ssh://git@x.io/o/r.git":                     {"ssh://x.io/o/r.git", "x.io"},
		"git@x.io:o/r.git":                           {"git@x.io:o/r.git", "x.io:o"},
		"@scope/name":                                {"@scope/name", "scope"},
		"":                                           {"", ""},
	} {
		if got := [2]string{Address(of), Host(of)}; got != want {
			t.Errorf("%s: %q, want %q", of, got, want)
		}
	}
	for of, want := range map[string]bool{
		"http://localhost:8080/x": true, "localhost/x": true, "http://u@127.0.0.1/": true, "http://[::1]/": true, "file:///x": true, "/x": true, "http://x.io/localhost": false, "x.io": false,
	} {
		if got := Local(of); got != want {
			t.Errorf("%s: local %t", of, got)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := strings.Repeat("set -eux; apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*; "+
		"curl -fsSL \"https://example.org/$VERSION.tar.gz\" -o x.tgz && echo \"$SUM  x.tgz\" | sha256sum -c - && tar xf x.tgz\n", 4)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(POSIX, Plain(text, Pos{1, 1}, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
