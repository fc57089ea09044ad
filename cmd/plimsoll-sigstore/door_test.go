package main

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestDoor runs testdata/door: rules of images with what Sigstore's own programs signed, by a certificate of Fulcio's and an
// entry of Rekor's (internal/read/attestation/keyless/testdata). The image that they speak of is cart, as the other tests make it.
func TestDoor(t *testing.T) {
	from := filepath.Join("..", "..", "internal", "read", "attestation", "keyless", "testdata")
	p := params(t, "door")
	plain := p.Setup
	p.Setup = func(e *testscript.Env) error {
		err := errors.Join(plain(e), os.CopyFS(filepath.Join(e.WorkDir, "roots"), os.DirFS(from)))
		for _, log := range []string{"v1", "v2"} {
			l := layout("cart")
			bundle, wrong := os.ReadFile(filepath.Join(from, "rekor-"+log+".sigstore.json"))
			err = errors.Join(err, wrong)
			beside(l, "cart:proof", l.Index[0].Digest, bundle)
			e.Setenv("REGISTRY_"+log, serve(t, l))
			e.Setenv("DIGEST", l.Index[0].Digest)
		}
		// Of another image there is what was signed of this one, which is no proof of it.
		other := layout("wine")
		bundle, wrong := os.ReadFile(filepath.Join(from, "rekor-v1.sigstore.json"))
		beside(other, "wine:proof", other.Index[0].Digest, bundle)
		e.Setenv("OTHER_HOST", serve(t, other))
		e.Setenv("OTHER", e.Getenv("OTHER_HOST")+"/wine@"+other.Index[0].Digest)
		return errors.Join(err, wrong)
	}
	p.Cmds["fill"] = func(ts *testscript.TestScript, _ bool, args []string) {
		for _, name := range args {
			ts.Check(os.WriteFile(ts.MkAbs(name), []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o600))
		}
	}
	testscript.Run(t, p)
}

// serve is a registry that tells what refers to what.
func serve(t *testing.T, l *imagetest.Layout) string {
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(s.Close)
	l.Push(t, s.URL)
	return strings.TrimPrefix(s.URL, "http://")
}

// beside puts a bundle beside an image, as its referrer.
func beside(l *imagetest.Layout, name, digest string, bundle []byte) {
	m := image.Manifest{
		MediaType: imagetest.ManifestType, ArtifactType: attestation.BundleV03, Config: l.Put("application/vnd.oci.empty.v1+json", []byte("{}")),
		Layers: []image.Descriptor{l.Put(attestation.BundleV03, bundle)}, Subject: &image.Descriptor{MediaType: imagetest.ManifestType, Digest: digest},
	}
	d := l.PutManifest(m)
	d.ArtifactType = m.ArtifactType
	l.Tag(name, d)
}
