package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
)

// TestImage makes the image twice, from two places: the same bytes, of a valid layout, for a user who is
// not root.
func TestImage(t *testing.T) {
	digest, last := "", ""
	for range 2 {
		dir := t.TempDir()
		var programs []string
		for _, name := range []string{"plimsoll-sigstore", "plimsoll"} {
			programs = append(programs, filepath.Join(dir, name))
			if err := os.WriteFile(programs[len(programs)-1], []byte(name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		ca := filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(ca, []byte("pem"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		last = filepath.Join(dir, "layout")
		args := append([]string{"--to", last, "--name", "plimsoll:0.1.0", "--ca", ca, "--revision", "abc"}, programs...)
		if err := run(args, "1700000000", &out); err != nil {
			t.Fatal(err)
		}
		if digest != "" && digest != out.String() {
			t.Errorf("two images differ: %s and %s", digest, out.String())
		}
		digest = out.String()
	}
	index, err := layout.ImageIndexFromPath(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	images, err := archive.Open(t.Context(), last, image.Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	c := images[0].Config
	if images[0].Digest != strings.TrimSpace(digest) || c.User != "65532:65532" || c.Entrypoint[0] != "/usr/bin/plimsoll" || c.Labels["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("%s: %+v", images[0].Digest, c)
	}
}

// TestWholeLayer wants the tar to end as one does.
func TestWholeLayer(t *testing.T) {
	b, err := files(time.Unix(0, 0), "", nil)
	if err != nil || !bytes.HasSuffix(b, make([]byte, 1024)) {
		t.Errorf("%d bytes, %v: the end of the archive is missing", len(b), err)
	}
}

// TestWrongCalls says what is missing.
func TestWrongCalls(t *testing.T) {
	for _, args := range [][]string{nil, {"--to", t.TempDir()}, {"--to", t.TempDir(), "/nowhere/plimsoll"}, {"--to", t.TempDir(), "--platform", "linux", os.Args[0]}} {
		if err := run(args, "", new(bytes.Buffer)); err == nil {
			t.Errorf("%q makes an image", args)
		}
	}
	if err := run([]string{"--to", t.TempDir(), os.Args[0]}, "yesterday", new(bytes.Buffer)); err == nil {
		t.Error("a date that is none is taken")
	}
}
