package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestCosign runs testdata/cosign with Cosign itself, the program that PLIMSOLL_TEST_COSIGN names: once with a
// registry that lists referrers, and once with the testbed's, which does not. The scripts have the image
// $IMAGE, the digest $DIGEST, $OTHER, an image in the same repository, and the time $NOW.
func TestCosign(t *testing.T) {
	program := os.Getenv("PLIMSOLL_TEST_COSIGN")
	if program == "" {
		t.Skip("needs Cosign: go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3, and PLIMSOLL_TEST_COSIGN for its place")
	}
	folder := t.TempDir()
	if err := os.Symlink(program, filepath.Join(folder, "cosign")); err != nil {
		t.Fatal(err)
	}
	img := func(word string) imagetest.Image {
		return imagetest.Image{Name: word, Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "word", Body: word}}}}}
	}
	for name, registry := range map[string]string{"referrers": imagetest.Serve(t, imagetest.New()), "tags": os.Getenv("PLIMSOLL_TEST_REGISTRY")} {
		if registry == "" {
			continue // there is no testbed
		}
		t.Run(name, func(t *testing.T) {
			p := params(t, "cosign")
			plain := p.Setup
			p.Setup = func(e *testscript.Env) error {
				repository := path.Join("cosign-test", strings.ToLower(filepath.Base(e.WorkDir)), time.Now().Format("150405.000000000"))
				l := imagetest.New(img(repository+":1"), img(repository+":2"))
				l.Push(t, "http://"+registry)
				e.Setenv("IMAGE", registry+"/"+repository+":1")
				e.Setenv("OTHER", registry+"/"+repository+":2")
				e.Setenv("DIGEST", registry+"/"+repository+"@"+l.Index[0].Digest)
				e.Setenv("NOW", time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC).Format(time.RFC3339))
				e.Setenv("COSIGN_PASSWORD", "pass")
				e.Setenv("PATH", folder+string(filepath.ListSeparator)+e.Getenv("PATH"))
				return plain(e)
			}
			testscript.Run(t, p)
		})
	}
}
