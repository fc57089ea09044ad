package archive_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

func osRelease(id string) imagetest.File {
	return imagetest.File{Path: "etc/os-release", Body: "ID=" + id + "\n"}
}

var (
	base = imagetest.Layer{Files: []imagetest.File{osRelease("debian")}, CreatedBy: "/bin/sh -c #(nop) ADD file:1 in / "}
	app  = imagetest.Layer{Files: []imagetest.File{{Path: "app/main", Body: "x"}}, CreatedBy: "/bin/sh -c make", Compression: imagetest.Gzip}
	cart = imagetest.Image{
		Name: "shop/cart:1.4", Layers: []imagetest.Layer{base, app}, Config: map[string]any{"User": "app"},
		Annotations: map[string]string{"org.opencontainers.image.base.name": "debian:12"},
	}
	till = imagetest.Image{Name: "registry.example:5000/till:2", Layers: []imagetest.Layer{base}}
)

// paths walks all layers of an image and says what they hold; every byte is verified.
func paths(t *testing.T, img *image.Image) (all []string) {
	t.Helper()
	for _, l := range img.Layers {
		b, err := l.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o := layer.Options{Digest: l.Digest, DiffID: l.DiffID, Verify: true}
		_, err = layer.Walk(t.Context(), b, o, func(e *layer.Entry) error {
			all = append(all, e.Path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if b.Close != nil {
			b.Close()
		}
	}
	return all
}

func openOne(t *testing.T, word string, o image.Options) *image.Image {
	t.Helper()
	images, err := archive.Open(t.Context(), word, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 1 {
		t.Fatalf("%s: %d images, want 1", word, len(images))
	}
	t.Cleanup(func() { images[0].Close() })
	return images[0]
}

func TestEveryFormGivesTheSameImage(t *testing.T) {
	l := imagetest.New(cart)
	old := imagetest.OldDockerTar(cart)
	cases := []struct {
		name, path, origin, digest string
	}{
		{"oci folder", l.Folder(t), "oci", l.Index[0].Digest},
		{"oci archive", imagetest.WriteFile(t, "x.tar", l.Tar()), "oci", l.Index[0].Digest},
		{"docker save since 25", imagetest.WriteFile(t, "x.tar", l.DockerTar()), "oci", l.Index[0].Digest},
		{"docker save before", imagetest.WriteFile(t, "x.tar", old), "archive", image.DigestOf(cart.ConfigJSON())},
		{"gzip", imagetest.WriteFile(t, "x.tgz", imagetest.Compress(old, imagetest.Gzip)), "archive", image.DigestOf(cart.ConfigJSON())},
		{"zstd", imagetest.WriteFile(t, "x.tar.zst", imagetest.Compress(l.Tar(), imagetest.Zstd)), "oci", l.Index[0].Digest},
	}
	// What pzstd writes: a frame that is passed over, and then several.
	half := len(old) / 2
	frames := append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00size"), imagetest.Compress(old[:half], imagetest.Zstd)...)
	frames = append(frames, imagetest.Compress(old[half:], imagetest.Zstd)...)
	cases = append(cases, struct{ name, path, origin, digest string }{"pzstd", imagetest.WriteFile(t, "y.tar.zst", frames), "archive", image.DigestOf(cart.ConfigJSON())})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			img := openOne(t, c.path, image.Options{})
			if img.Name != "shop/cart:1.4" || img.Origin != c.origin || img.Digest != c.digest {
				t.Errorf("name %q, origin %q, digest %q; want shop/cart:1.4, %q, %q", img.Name, img.Origin, img.Digest, c.origin, c.digest)
			}
			if img.Platform != image.HostPlatform().String() || img.Config.User != "app" {
				t.Errorf("platform %q, user %q", img.Platform, img.Config.User)
			}
			if diff := cmp.Diff([]string{"etc/os-release", "app/main"}, paths(t, img)); diff != "" {
				t.Error(diff)
			}
			if got := img.Layers[1].CreatedBy; got != "RUN make" {
				t.Errorf("layer 1 was created by %q", got)
			}
			if c.origin == "oci" && img.Annotations["org.opencontainers.image.base.name"] != "debian:12" {
				t.Errorf("annotations: %v", img.Annotations)
			}
		})
	}
}

func TestOneOfSeveral(t *testing.T) {
	l := imagetest.New(cart, till)
	for form, path := range map[string]string{
		"oci":   imagetest.WriteFile(t, "images.tar", l.Tar()),
		"old":   imagetest.WriteFile(t, "images.tar", imagetest.OldDockerTar(cart, till)),
		"colon": imagetest.WriteFile(t, "im:ag@es.tar", l.Tar()),
	} {
		t.Run(form, func(t *testing.T) {
			for _, want := range []string{":registry.example:5000/till:2", ":2"} {
				if img := openOne(t, path+want, image.Options{}); img.Name != till.Name || len(img.Layers) != 1 {
					t.Errorf("%s is %s", want, img.Name)
				}
			}
			img := openOne(t, path+":docker.io/shop/cart:1.4", image.Options{})
			if again := openOne(t, path+"@"+img.Digest, image.Options{}); again.Name != cart.Name {
				t.Errorf("@%s is %s", img.Digest, again.Name)
			}
			paths(t, img)
			_, err := archive.Open(t.Context(), path, image.Options{})
			wantError(t, err, "holds 2 images, name one as", "shop/cart:1.4, registry.example:5000/till:2")
			_, err = archive.Open(t.Context(), path+":none", image.Options{})
			wantError(t, err, `no image "none", only shop/cart:1.4`)
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
}

func TestPlatforms(t *testing.T) {
	l := imagetest.New()
	on := func(platform, id string) image.Descriptor {
		return l.Add(imagetest.Image{Platform: platform, Layers: []imagetest.Layer{{Files: []imagetest.File{osRelease(id)}}}})
	}
	amd, arm, riscv := on("linux/amd64", "amd"), on("linux/arm64/v8", "arm"), on("linux/riscv64", "riscv")
	nested := l.AddIndex(true, arm, riscv)
	index := l.AddIndex(true, nested, amd)
	l.Tag("shop/cart:1", index)
	path := imagetest.WriteFile(t, "x.tar", l.Tar())
	for platform, want := range map[string]string{"linux/amd64": amd.Digest, "arm64": arm.Digest, "linux/riscv64": riscv.Digest} {
		if img := openOne(t, path, image.Options{Platform: platform}); img.Digest != want || img.IndexDigest != index.Digest {
			t.Errorf("%s: digest %s of index %s", platform, img.Digest, img.IndexDigest)
		}
	}
	_, err := archive.Open(t.Context(), path, image.Options{Platform: "linux/s390x"})
	wantError(t, err, "no image for linux/s390x, only for linux/arm64/v8, linux/riscv64, linux/amd64")
	if img := openOne(t, path+"@"+arm.Digest, image.Options{}); img.Platform != "linux/arm64/v8" {
		t.Errorf("by digest: %s", img.Platform)
	}

	all, err := archive.Open(t.Context(), path, image.Options{Platform: "all"})
	if err != nil || len(all) != 3 {
		t.Fatalf("all: %d images, %v", len(all), err)
	}
	for _, img := range all { // each can be closed while the others are read
		paths(t, img)
		img.Close()
	}

	// An engine's store may hold one platform of many: what is absent is told.
	delete(l.Blobs, riscv.Digest)
	path = imagetest.WriteFile(t, "x.tar", l.Tar())
	_, err = archive.Open(t.Context(), path, image.Options{Platform: "linux/riscv64"})
	wantError(t, err, "lists linux/riscv64, but its manifest "+riscv.Digest+" is missing")
	all, err = archive.Open(t.Context(), path, image.Options{Platform: "all"})
	if err != nil || len(all) != 2 || len(all[0].Gaps) != 1 || all[0].Gaps[0].Class != "platform-missing" {
		t.Errorf("with one absent: %d images, %v", len(all), err)
	}
}

// TestPlatformsNotWhole asks for all platforms where of one a part is missing: the others are read, and
// what is missing is told. Asked for alone, it is an error.
func TestPlatformsNotWhole(t *testing.T) {
	for _, named := range []bool{true, false} {
		for _, part := range []string{"manifest", "image configuration", "layer 0"} {
			l := imagetest.New()
			add := func(platform string) image.Descriptor {
				return l.Add(imagetest.Image{Platform: platform, Layers: []imagetest.Layer{{Files: []imagetest.File{osRelease(platform)}}}})
			}
			amd, arm := add("linux/amd64"), add("linux/arm64")
			if !named {
				amd.Platform, arm.Platform = nil, nil
			}
			l.Tag("shop/cart:1", l.AddIndex(false, arm, amd))
			m, err := image.ParseManifest(l.Blobs[arm.Digest])
			if err != nil {
				t.Fatal(err)
			}
			lost := map[string]string{"manifest": arm.Digest, "image configuration": m.Config.Digest, "layer 0": m.Layers[0].Digest}[part]
			delete(l.Blobs, lost)
			path := imagetest.WriteFile(t, "x.tar", l.Tar())
			all, err := archive.Open(t.Context(), path, image.Options{Platform: "all"})
			if err != nil || len(all) != 1 || all[0].Digest != amd.Digest || len(all[0].Gaps) != 1 {
				t.Errorf("%s of one of the platforms, named %v: %d images, %v", part, named, len(all), err)
				continue
			}
			if g := all[0].Gaps[0]; g.Class != "platform-missing" || !strings.Contains(g.What, part+" "+lost+" is missing") {
				t.Errorf("%s: gap %+v", part, g)
			}
			if named {
				_, err = archive.Open(t.Context(), path, image.Options{Platform: "linux/arm64"})
				wantError(t, err, part+" "+lost+" is missing")
			}
			delete(l.Blobs, amd.Digest)
			_, err = archive.Open(t.Context(), imagetest.WriteFile(t, "y.tar", l.Tar()), image.Options{Platform: "all"})
			wantError(t, err, " is missing")
		}
	}
}

func TestPlatformsOfAPlainIndex(t *testing.T) {
	// Some tools list the platforms of one image straight in index.json, without saying which is which.
	l := imagetest.New()
	for _, p := range []string{"linux/arm64", "linux/amd64"} {
		d := l.Add(imagetest.Image{Platform: p, Layers: []imagetest.Layer{base}})
		l.Tag("", d)
	}
	path := imagetest.WriteFile(t, "x.tar", l.Tar())
	if img := openOne(t, path, image.Options{Platform: "linux/amd64"}); img.Platform != "linux/amd64" {
		t.Error(img.Platform)
	}
}

func TestForeignLayersAreGaps(t *testing.T) {
	img := cart
	img.Layers = []imagetest.Layer{{Files: []imagetest.File{osRelease("windows")}, Foreign: true, CreatedBy: "base"}, base, app}
	img.Layers[1].CreatedBy = "COPY a b"
	got := openOne(t, imagetest.WriteFile(t, "x.tar", imagetest.New(img).Tar()), image.Options{})
	if len(got.Layers) != 2 || len(got.Gaps) != 1 || got.Gaps[0].Class != "foreign-layer" {
		t.Errorf("%d layers, gaps %v", len(got.Layers), got.Gaps)
	}
	if got.Layers[0].CreatedBy != "COPY a b" {
		t.Errorf("layer 1 was created by %q", got.Layers[0].CreatedBy)
	}
}

func TestIdentity(t *testing.T) {
	path := imagetest.WriteFile(t, "x.tar", imagetest.New(cart, till).Tar())
	settle()
	a, b := openOne(t, path+":1.4", image.Options{}), openOne(t, path+":2", image.Options{})
	if a.Layers[0].Identity == "" || a.Layers[0].Identity != b.Layers[0].Identity || a.Layers[0].Identity == a.Layers[1].Identity {
		t.Errorf("identities %q, %q, %q", a.Layers[0].Identity, b.Layers[0].Identity, a.Layers[1].Identity)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte{0}, 0)
	f.Close()
	f, _ = os.OpenFile(path, os.O_WRONLY, 0)
	f.WriteAt([]byte{'o'}, 0) // as it was
	f.Close()
	settle()
	if c := openOne(t, path+":1.4", image.Options{}); c.Layers[0].Identity == a.Layers[0].Identity {
		t.Error("a rewritten file has kept its identity")
	}
}

// settle waits until what was written can have an identity.
func settle() { time.Sleep(30 * time.Millisecond) }

func TestStream(t *testing.T) {
	images, err := archive.OpenStream(t.Context(), strings.NewReader(string(imagetest.OldDockerTar(cart))), "the export", image.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got := paths(t, images[0]); len(got) != 2 || images[0].Layers[0].Identity != "" {
		t.Errorf("paths %v, identity %q", got, images[0].Layers[0].Identity)
	}
	if err := images[0].Close(); err != nil {
		t.Error(err)
	}
	_, err = archive.OpenStream(t.Context(), strings.NewReader(string(imagetest.OldDockerTar(cart))), "the export", image.Options{MaxSpool: 1000})
	if !errors.Is(err, layer.ErrLimit) {
		t.Errorf("past the limit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = archive.OpenStream(ctx, endless{}, "the export", image.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

var _ io.Reader = endless{}

// What is piped in by mistake is told as what it is.
func TestStreamOfSomethingElse(t *testing.T) {
	two := imagetest.OldDockerTar(imagetest.Image{Name: "a:1", Layers: cart.Layers}, imagetest.Image{Name: "b:1", Layers: cart.Layers[:1]})
	for text, want := range map[string]string{
		"":                        "it is empty",
		"  {\"bomFormat\":":       "an SBOM is read as sbom:-",
		"<?xml version=\"1.0\"?>": "an SBOM is read as sbom:-",
		"SPDXVersion: SPDX-2.3":   "an SBOM is read as sbom:-",
		"hello":                   "no tar archive",
		string(two):               "standard input: it holds 2 images, name one as archive:-:NAME or archive:-@DIGEST: a:1, b:1",
	} {
		_, err := archive.OpenStream(t.Context(), strings.NewReader(text), "standard input", image.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func TestBroken(t *testing.T) {
	tarOf := func(files ...imagetest.File) []byte { return imagetest.Tar(files...) }
	good := imagetest.New(cart)
	edit := func(f func(l *imagetest.Layout)) []byte {
		l := imagetest.New(cart)
		f(l)
		return l.Tar()
	}
	loop := []imagetest.File{
		{Path: "c.json", Body: string(till.ConfigJSON())},
		{Path: "a/layer.tar", Type: tar.TypeSymlink, Link: "../b/layer.tar"},
		{Path: "b/layer.tar", Type: tar.TypeSymlink, Link: "../a/layer.tar"},
		{Path: "manifest.json", Body: `[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar"]}]`},
	}
	outside := append([]imagetest.File{}, loop...)
	outside[1].Link = "../../../../../../etc/passwd"
	manifest := strings.TrimPrefix(good.Index[0].Digest, "sha256:")
	app := image.DigestOf(imagetest.Compress(imagetest.Tar(app.Files...), imagetest.Gzip))
	cases := []struct {
		name string
		b    []byte
		want []string
	}{
		{"empty", nil, []string{"holds no image"}},
		{"text", []byte(strings.Repeat("no tar at all\n", 100)), []string{"no tar archive"}},
		{"any tar", tarOf(osRelease("x")), []string{"neither index.json (OCI layout) nor manifest.json"}},
		{"before 1.10", tarOf(imagetest.File{Path: "repositories", Body: "{}"}), []string{"older than 1.10"}},
		{"cut", good.Tar()[:3000], []string{"cut short"}},
		{"cut gzip", imagetest.Compress(good.Tar(), imagetest.Gzip)[:300], []string{"cut short"}},
		{"manifest.json is no JSON", tarOf(imagetest.File{Path: "manifest.json", Body: "{"}), []string{"parse manifest.json"}},
		{"index.json names a path", tarOf(imagetest.File{Path: "index.json", Body: `{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}`}), []string{"is no digest"}},
		{"link loop", tarOf(loop...), []string{"layer 0", "leads back to itself"}},
		{"link outside", tarOf(outside...), []string{"layer 0", "missing"}},
		{"config missing", tarOf(imagetest.File{Path: "manifest.json", Body: `[{"Config":"../c.json","Layers":[]}]`}), []string{"image configuration"}},
		{"too few layers", tarOf(loop[0], imagetest.File{Path: "manifest.json", Body: `[{"Config":"c.json","Layers":[]}]`}), []string{"lists 0 layers, the image configuration 1"}},
		{
			"config is another", tarOf(imagetest.File{Path: manifest + ".json", Body: "{}"}, imagetest.File{Path: "manifest.json", Body: `[{"Config":"` + manifest + `.json","Layers":[]}]`}),
			[]string{"digest does not match"},
		},
		{"manifest missing", edit(func(l *imagetest.Layout) { delete(l.Blobs, l.Index[0].Digest) }), []string{"manifest sha256:" + manifest + " is missing"}},
		{"manifest changed", edit(func(l *imagetest.Layout) { l.Blobs[l.Index[0].Digest] = []byte("{}") }), []string{"manifest", "digest does not match"}},
		{"layer missing", edit(func(l *imagetest.Layout) { delete(l.Blobs, app) }), []string{"layer 1 " + app + " is missing"}},
		{"layer of another size", edit(func(l *imagetest.Layout) { l.Blobs[app] = l.Blobs[app][1:] }), []string{"layer 1", "the manifest says"}},
		{"artifact", edit(func(l *imagetest.Layout) {
			config := l.Put("application/vnd.oci.empty.v1+json", []byte("{}"))
			l.Index = nil
			l.Tag("chart:1", l.PutManifest(image.Manifest{MediaType: imagetest.ManifestType, ArtifactType: "application/vnd.example", Config: config}))
		}), []string{"OCI artifact (application/vnd.example)"}},
		{"index in itself", edit(func(l *imagetest.Layout) {
			d := l.Index[0]
			for range 10 {
				d = l.AddIndex(false, d)
			}
			l.Index = nil
			l.Tag("x:1", d)
		}), []string{"nested deeper"}},
		{"index bomb", edit(func(l *imagetest.Layout) {
			d := l.Index[0]
			for range 3 {
				d = l.AddIndex(false, slices.Repeat([]image.Descriptor{d}, 1000)...)
			}
			l.Index = nil
			l.Tag("x:1", d)
		}), []string{"limit reached", "more than 20000 manifests"}},
		{"schema 1", edit(func(l *imagetest.Layout) {
			l.Index = nil
			l.Tag("x:1", l.Put("", []byte(`{"schemaVersion":1,"name":"x"}`)))
		}), []string{"schema 1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := archive.Open(t.Context(), imagetest.WriteFile(t, "x.tar", c.b), image.Options{})
			wantError(t, err, append(c.want, "x.tar")...)
		})
	}
}

func TestFolderStaysInside(t *testing.T) {
	l := imagetest.New(till)
	dir := l.Folder(t)
	name := filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(l.Index[0].Digest, "sha256:"))
	outside := imagetest.WriteFile(t, "manifest", l.Blobs[l.Index[0].Digest])
	os.Remove(name)
	if err := os.Symlink(outside, name); err != nil {
		t.Skip(err)
	}
	if _, err := archive.Open(t.Context(), dir, image.Options{}); err == nil {
		t.Error("a blob was read from outside of the layout")
	}
}

func TestSplit(t *testing.T) {
	path := imagetest.WriteFile(t, "a:b@c.tar", nil)
	for word, want := range map[string]string{
		path: "", path + ":x:1": "x:1", path + "@sha256:ab": "sha256:ab", path + ":x@sha256:ab": "x@sha256:ab",
	} {
		p, name, ok := archive.Split(word)
		if p != path || name != want || !ok {
			t.Errorf("%s: %q, %q, %v", word, p, name, ok)
		}
	}
	if _, _, ok := archive.Split(path + "x"); ok {
		t.Error("a file that is not there was found")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(imagetest.OldDockerTar(cart, till))
	f.Add(imagetest.New(cart).DockerTar())
	f.Add(imagetest.New(cart, till).Tar())
	f.Add(imagetest.Compress(imagetest.New(till).Tar(), imagetest.Gzip))
	f.Fuzz(func(t *testing.T, b []byte) {
		images, err := archive.OpenStream(t.Context(), strings.NewReader(string(b)), "fuzz", image.Options{Platform: "all", MaxSpool: 1 << 20})
		if err != nil {
			return
		}
		for _, img := range images {
			for _, l := range img.Layers {
				if blob, err := l.Open(t.Context()); err == nil {
					layer.Walk(t.Context(), blob, layer.Options{}, func(*layer.Entry) error { return nil })
				}
			}
			img.Close()
		}
	})
}
