package dockerfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

func TestMend(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"nothing to do", "FROM debian:12\nCMD a\n", "FROM debian:12\nCMD a\n"},
		{"words", "FROM a:1 as Build\nrun true\nFROM --platform=$TARGETPLATFORM Build\r\n", "FROM a:1 AS build\nRUN true\nFROM Build\r\n"},
		{"lower", "from a:1 AS b\nrun true\n", "from a:1 as b\nrun true\n"},
		{"maintainer", "FROM a:1\nMAINTAINER Me <me@example.com>  \n", "FROM a:1\nLABEL org.opencontainers.image.authors=\"Me <me@example.com>\"  \n"},
		{"maintainer with quotes", "FROM a:1\nMAINTAINER \"Me\"\n", "FROM a:1\nMAINTAINER \"Me\"\n"},
		{"pairs", "FROM a:1\nENV A b\nENV  C  d e\nLABEL f g\nENV H \"i j\"\nENV K \\\n l\n", "FROM a:1\nENV A=b\nENV  C=\"d e\"\nLABEL f=g\nENV H \"i j\"\nENV K \\\n l\n"},
		{"add", "FROM a:1\nADD x.conf /x\nADD . /src\nADD binary /b\nADD a.tar /\nADD --checksum=x y.conf /y\n", "FROM a:1\nCOPY x.conf /x\nCOPY . /src\nADD binary /b\nADD a.tar /\nADD --checksum=x y.conf /y\n"},
		{"apt", "FROM a:1\nRUN apt update && \\\n  apt -y install curl && echo apt install\nRUN apt list\n", "FROM a:1\nRUN apt-get update && \\\n  apt-get -y install curl && echo apt install\nRUN apt list\n"},
		{"let pass", "FROM a:1\n# hadolint ignore=DL4000\nMAINTAINER me\n", "FROM a:1\n# hadolint ignore=DL4000\nMAINTAINER me\n"},
		{"in a heredoc", "FROM a:1\nRUN <<E\nADD x.conf /x\nE\nADD y.conf /y", "FROM a:1\nRUN <<E\nADD x.conf /x\nE\nCOPY y.conf /y"},
		{"byte order mark", "\xef\xbb\xbfFROM a:1 as b\n", "\xef\xbb\xbfFROM a:1 AS b\n"},
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte(c.before), dockerfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.after, string(Mend(f, dockerfile.Options{}))); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestMendTwice wants what was mended to stay as it is.
func TestMendTwice(t *testing.T) {
	files, _ := filepath.Glob("testdata/buildkit/*.Dockerfile")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dockerfile.Parse(file, source, dockerfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		once := Mend(f, dockerfile.Options{})
		if f, err = dockerfile.Parse(file, once, dockerfile.Options{}); err != nil {
			t.Errorf("%s: %v", file, err)
		} else if again := Mend(f, dockerfile.Options{}); !bytes.Equal(once, again) {
			t.Errorf("%s: %s", file, cmp.Diff(string(once), string(again)))
		}
	}
}
