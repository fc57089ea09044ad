package scan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/base"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

// The layers of the tests: what debian and node hold, and what an application adds.
var (
	debianLayer = imagetest.Layer{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\nVERSION_ID=12\n"}}}
	nodeLayer   = imagetest.Layer{Files: []imagetest.File{{Path: "usr/local/bin/node", Body: "node"}}}
	appLayer    = imagetest.Layer{Files: []imagetest.File{{Path: "app/main.js", Body: "main"}}}
)

func diffIDs(layers ...imagetest.Layer) (ids []string) {
	for _, l := range layers {
		ids = append(ids, image.DigestOf(imagetest.Tar(l.Files...)))
	}
	return ids
}

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

// made is provenance, of version 0.2, that names images as having gone into a build.
func made(of image.Descriptor, materials ...string) []byte {
	var list []string
	for _, m := range materials {
		name, d, _ := strings.Cut(m, " ")
		list = append(list, fmt.Sprintf(`{"uri":"pkg:docker/%s","digest":{"sha256":%q}}`, name, strings.TrimPrefix(d, "sha256:")))
	}
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
		"subject":[{"name":"_","digest":{"sha256":%q}}],"predicate":{"materials":[%s]}}`, strings.TrimPrefix(of.Digest, "sha256:"), strings.Join(list, ","))
}

// TestBase has every witness speak of the base: alone, of a base that is known or not, truly or not, and
// against each other.
func TestBase(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	debian := base.Entry{Name: "debian:12", Digest: digest("1"), IndexDigest: digest("2"), Platform: "linux/amd64", Created: day, DiffIDs: diffIDs(debianLayer)}
	node := base.Entry{Name: "node:22", Digest: digest("3"), Platform: "linux/amd64", Created: day, DiffIDs: diffIDs(debianLayer, nodeLayer)}
	alpine := base.Entry{Name: "alpine:3", Digest: digest("4"), Platform: "linux/amd64", Created: day, DiffIDs: []string{digest("5")}}
	annotation := func(name string) map[string]string {
		return map[string]string{"org.opencontainers.image.base.name": name}
	}
	for name, c := range map[string]struct {
		known       []base.Entry
		named       string
		annotations map[string]string
		labels      map[string]string
		materials   []string
		want        *finding.Base
	}{
		"nobody speaks":                   {known: []base.Entry{alpine}},
		"layers":                          {known: []base.Entry{debian, alpine}, want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "layers", Layers: 1}},
		"longest layers":                  {known: []base.Entry{debian, node, alpine}, want: &finding.Base{Name: "node:22", Digest: node.Digest, By: "layers", Layers: 2}},
		"the user":                        {known: []base.Entry{debian, node}, named: "debian:12", want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "flag", Layers: 1}},
		"the user is wrong":               {known: []base.Entry{debian, alpine}, named: "alpine:3", want: &finding.Base{Name: "alpine:3", By: "flag"}},
		"annotation":                      {known: []base.Entry{debian, node}, annotations: annotation("docker.io/library/debian:12"), want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "annotation", Layers: 1}},
		"annotation of what is not known": {known: []base.Entry{alpine}, annotations: annotation("corp/base:1"), want: &finding.Base{Name: "corp/base:1", By: "annotation"}},
		"annotation of what is not known, above layers that are": {
			known: []base.Entry{debian}, annotations: annotation("corp/base:1"),
			want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "layers", Layers: 1},
		},
		"annotation that the layers deny": {known: []base.Entry{alpine}, annotations: annotation("alpine:3"), want: &finding.Base{Name: "alpine:3", By: "annotation"}},
		"provenance by name":              {known: []base.Entry{debian, node}, materials: []string{"debian@12 " + digest("9")}, want: &finding.Base{Name: "debian:12", Digest: digest("9"), By: "provenance", Layers: 1}},
		"provenance by an index":          {known: []base.Entry{debian, node}, materials: []string{"mirror/debian@stable " + debian.IndexDigest}, want: &finding.Base{Name: "debian:12", Digest: debian.IndexDigest, By: "provenance", Layers: 1}},
		"provenance by a manifest":        {known: []base.Entry{debian}, materials: []string{"mirror/debian@stable " + debian.Digest}, want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "provenance", Layers: 1}},
		"provenance of several stages": {
			known: []base.Entry{alpine, debian}, materials: []string{"alpine@3 " + alpine.Digest, "golang@1.26 " + digest("8"), "debian@12 " + debian.Digest},
			want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "provenance", Layers: 1},
		},
		"provenance of several stages that fit": {
			known: []base.Entry{debian, node}, materials: []string{"debian@12 " + debian.Digest, "node@22 " + node.Digest},
			want: &finding.Base{Name: "node:22", Digest: node.Digest, By: "provenance", Layers: 2},
		},
		"provenance of one that is not known":  {materials: []string{"debian@12 " + debian.Digest}, want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "provenance"}},
		"provenance of several, none is known": {materials: []string{"debian@12 " + debian.Digest, "node@22 " + node.Digest}},
		"provenance that the layers deny":      {known: []base.Entry{alpine}, materials: []string{"alpine@3 " + alpine.Digest}, want: &finding.Base{Name: "alpine:3", Digest: alpine.Digest, By: "provenance"}},
		"provenance before an inherited label": {
			known: []base.Entry{debian, node}, labels: annotation("debian:12"), materials: []string{"node@22 " + node.Digest},
			want: &finding.Base{Name: "node:22", Digest: node.Digest, By: "provenance", Layers: 2},
		},
		"a proven label before provenance that is not": {
			known: []base.Entry{debian}, labels: annotation("debian:12"), materials: []string{"node@22 " + node.Digest},
			want: &finding.Base{Name: "debian:12", Digest: debian.Digest, By: "annotation", Layers: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := imagetest.New()
			d := l.Add(imagetest.Image{
				Platform: "linux/amd64", Layers: []imagetest.Layer{debianLayer, nodeLayer, appLayer},
				Annotations: c.annotations, Config: map[string]any{"Labels": c.labels},
			})
			list := []image.Descriptor{d}
			if c.materials != nil {
				list = append(list, l.Attest(d, "https://slsa.dev/provenance/v0.2", made(d, c.materials...)))
			}
			l.Tag("shop/cart:1.4", l.AddIndex(false, list...))
			for how, img := range everywhere(t, l) {
				r := scanned(t, img, scan.Bases{Known: c.known, Named: c.named})
				if diff := cmp.Diff(c.want, r.Targets[0].Base); diff != "" {
					t.Errorf("%s: %s", how, diff)
				}
				for _, g := range r.Coverage {
					if g.Class == "unreadable-provenance" {
						t.Errorf("%s: %s", how, g.What)
					}
				}
			}
		})
	}
}

// TestBaseInFlatLayout has the attestation beside the image in index.json, without an index of their own.
func TestBaseInFlatLayout(t *testing.T) {
	l := imagetest.New()
	d := l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{debianLayer, appLayer}})
	l.Tag("shop/cart:1.4", d)
	l.Index = append(l.Index, l.Attest(d, "https://slsa.dev/provenance/v0.2", made(d, "debian@12 "+digest("1"))))
	imgs, err := archive.Open(context.Background(), l.Folder(t), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	want := &finding.Base{Name: "debian:12", Digest: digest("1"), By: "provenance"}
	if diff := cmp.Diff(want, scanned(t, imgs[0], scan.Bases{}).Targets[0].Base); diff != "" {
		t.Error(diff)
	}
}

// everywhere opens the one image of a layout from a folder, an archive and a registry.
func everywhere(t *testing.T, l *imagetest.Layout) map[string]*image.Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.tar")
	if err := os.WriteFile(path, l.Tar(), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]*image.Image{}
	keep := func(how string, imgs []*image.Image, err error) {
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		t.Cleanup(func() { imgs[0].Close() })
		all[how] = imgs[0]
	}
	ctx, o := context.Background(), image.Options{Platform: "linux/amd64"}
	imgs, err := archive.Open(ctx, l.Folder(t), o)
	keep("folder", imgs, err)
	imgs, err = archive.Open(ctx, path, o)
	keep("archive", imgs, err)
	imgs, err = registry.Open(ctx, imagetest.Serve(t, l)+"/shop/cart:1.4", registry.Options{Options: o})
	keep("registry", imgs, err)
	return all
}

func scanned(t *testing.T, img *image.Image, b scan.Bases) *finding.Report {
	t.Helper()
	r, err := scan.Run(context.Background(), []scan.Subject{{Image: img}}, scan.Options{Kinds: all.Ecosystems(), Jobs: 2, Now: time.Now(), Bases: b})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Validate(t, out)
	return r
}

// TestBadProvenance has provenance that cannot be read, or is not what its digest says: a note, and the
// scan stands.
func TestBadProvenance(t *testing.T) {
	for name, spoil := range map[string]func(l *imagetest.Layout, attestation image.Descriptor, statement string){
		"not JSON": func(*imagetest.Layout, image.Descriptor, string) {},
		"a digest": func(l *imagetest.Layout, _ image.Descriptor, s string) { l.Blobs[s] = append(l.Blobs[s], ' ') },
		"too large": func(l *imagetest.Layout, _ image.Descriptor, s string) {
			l.Blobs[s] = make([]byte, image.MaxManifest+1)
		},
		"manifest": func(l *imagetest.Layout, a image.Descriptor, _ string) { l.Blobs[a.Digest] = []byte("{") },
	} {
		t.Run(name, func(t *testing.T) {
			l := imagetest.New()
			d := l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{debianLayer, appLayer}})
			bad := []byte(`{"predicateType":`)
			a := l.Attest(d, "https://slsa.dev/provenance/v1", bad)
			l.Tag("shop/cart:1.4", l.AddIndex(false, d, a))
			spoil(l, a, image.DigestOf(bad))
			imgs, err := archive.Open(context.Background(), l.Folder(t), image.Options{Platform: "linux/amd64"})
			if err != nil {
				t.Fatal(err)
			}
			defer imgs[0].Close()
			r := scanned(t, imgs[0], scan.Bases{})
			found := false
			for _, g := range r.Coverage {
				found = found || g.Class == "unreadable-provenance" && !g.Blocking && g.Target == "t1"
			}
			if !found || r.Targets[0].Base != nil {
				t.Errorf("base %+v, coverage %+v", r.Targets[0].Base, r.Coverage)
			}
		})
	}
	t.Run("not there", func(t *testing.T) { // engines keep images without their attestations
		l := imagetest.New()
		d := l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{debianLayer}})
		a := l.Attest(d, "https://slsa.dev/provenance/v1", []byte("{}"))
		l.Tag("shop/cart:1.4", l.AddIndex(false, d, a))
		delete(l.Blobs, a.Digest)
		imgs, err := archive.Open(context.Background(), l.Folder(t), image.Options{Platform: "linux/amd64"})
		if err != nil {
			t.Fatal(err)
		}
		defer imgs[0].Close()
		for _, g := range scanned(t, imgs[0], scan.Bases{}).Coverage {
			if g.Class == "unreadable-provenance" {
				t.Error(g.What)
			}
		}
	})
}
