package dockerfile

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestHostile gives the reader what nobody writes: it answers soon, with a reading or an error.
func TestHostile(t *testing.T) {
	bomb := "ARG A0=" + strings.Repeat("x", 1000) + "\n"
	for i := range 60 {
		bomb += "ARG A" + itoa(i+1) + "=$A" + itoa(i) + "$A" + itoa(i) + "\n"
	}
	replace := "FROM scratch\nENV A=" + strings.Repeat("y", 60000) + "\n" + strings.Repeat("ENV B=${A//y/"+strings.Repeat("z", 900)+"}\n", 1000)
	for name, source := range map[string]string{
		"a long line":               "FROM scratch\nRUN " + strings.Repeat("a", 1<<20-100),
		"many stages":               strings.Repeat("FROM a AS b\n", 80_000),
		"stages of each other":      "FROM scratch AS s0\n" + chain(20_000),
		"many continuations":        "FROM scratch\nRUN a" + strings.Repeat(" \\\n b", 150_000),
		"many empty continuations":  "FROM scratch\nRUN a \\\n" + strings.Repeat("\n", 1<<20-100),
		"arguments that double":     bomb + "FROM $A60\n",
		"replacements":              replace[:min(len(replace), 1<<20)],
		"onbuild of onbuild":        "FROM scratch\n" + strings.Repeat("ONBUILD ", 120_000) + "RUN a",
		"onbuild over lines":        "FROM scratch\n" + strings.Repeat("ONBUILD \\\n", 90_000) + "RUN a",
		"braces in braces":          "FROM scratch\nRUN cat <<" + strings.Repeat("${a:-", 100_000),
		"braces over lines":         "FROM scratch\nENV A=" + strings.Repeat("${a:-\\\n", 100_000),
		"many here-documents":       "FROM scratch\nRUN cat" + strings.Repeat(" <<E", 10_000) + "\n" + strings.Repeat("E\n", 10_000),
		"a here-document that ends": "FROM scratch\nRUN <<E\n" + strings.Repeat("x\n", 500_000),
		"many variables":            "FROM scratch\n" + strings.Repeat("ENV A=$A\n", 100_000),
		"many in one":               "FROM scratch\nENV" + strings.Repeat(" A=$A", 10_000),
		"an array in arrays":        "FROM scratch\nCMD " + strings.Repeat("[", 60_000),
		"many mounts":               "FROM scratch\nRUN" + strings.Repeat(" --mount=type=cache,target=/a", 2000) + " true",
		"comments":                  "FROM scratch\n" + strings.Repeat("# plimsoll ignore=a,b,c\n", 40_000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := Parse("Dockerfile", []byte(source), Options{})
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v (%v)", took, err)
			}
			if err == nil {
				for _, in := range f.Instructions[:min(len(f.Instructions), 100)] {
					in.Script()
				}
			}
		})
	}
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + itoa(i%10)
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("FROM s" + itoa(i) + " AS s" + itoa(i+1) + "\nENV A=$B\n")
	}
	return b.String()
}

// FuzzParse wants every file to be read or refused, and what is read to stand where it is said to stand.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"FROM debian:12 AS a\nRUN --mount=type=secret,id=x \\\n # c\n\n cat <<E\nx\nE\nONBUILD RUN <<-E\n\tx\n\tE\nENV a b\nARG c=${d:-e} f\nCOPY --from=a <<F /b\ny\nF\n",
		"# escape=`\nFROM a\nRUN a `\n b\nSHELL [\"powershell\"]\nCMD [\"x\"]\nHEALTHCHECK --interval=1s CMD a\n", "\xef\xbb\xbfFROM a\r\nRUN b \\\r\n c\r\n",
		"ARG A=$B$B\nFROM ${A//x/y}\nFROM a\nWORKDIR b\nEXPOSE 1-2/udp\nLABEL a=\"b c\" d='e'\nUSER $A",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		file, err := Parse("Dockerfile", source, Options{})
		if err != nil {
			return
		}
		lines := bytes.Split(bytes.TrimPrefix(source, []byte("\xef\xbb\xbf")), []byte("\n"))
		for _, in := range file.Instructions {
			if in.Start < 1 || in.End < in.Start || in.End > len(lines) {
				t.Fatalf("%q stands on lines %d to %d of %d", in.Name, in.Start, in.End, len(lines))
			}
			for i := range len(in.Text) {
				if line, column := in.At(i); line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1]) || lines[line-1][column-1] != in.Text[i] {
					t.Fatalf("byte %d of %q is said to stand at %d:%d", i, in.Text, line, column)
				}
			}
			for _, a := range in.Args {
				in.Expand(a)
				in.Variables(a)
			}
			in.Summary()
			if s := in.Script(); s != nil {
				s.At(len(s.Text))
			}
			if in.Inner != nil {
				in.Inner.Script()
			}
		}
	})
}

// TestSummaryOfAddress shows neither who logs in at an address nor what is asked there, which may be a token.
func TestSummaryOfAddress(t *testing.T) {
	f, err := Parse("Dockerfile", []byte("FROM a\nADD https://u:bare@x.io/a.tgz?token=bare#bare /a\nADD https://x.io?t=bare /b\nADD https://x.io/c.tgz /c\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"ADD https://x.io/a.tgz /a", "ADD https://x.io /b", "ADD https://x.io/c.tgz /c"} {
		if got := f.Instructions[i+1].Summary(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
