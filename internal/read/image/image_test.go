package image_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

const hex64 = "6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b"

func TestParseReference(t *testing.T) {
	cases := []struct{ word, full, familiar string }{
		{"debian", "docker.io/library/debian:latest", "debian:latest"},
		{"debian:12", "docker.io/library/debian:12", "debian:12"},
		{"shop/cart:1.4", "docker.io/shop/cart:1.4", "shop/cart:1.4"},
		{"index.docker.io/shop/cart", "docker.io/shop/cart:latest", "shop/cart:latest"},
		{"localhost/cart", "localhost/cart:latest", "localhost/cart:latest"},
		{"registry:5000/a/b/c:x_1", "registry:5000/a/b/c:x_1", "registry:5000/a/b/c:x_1"},
		{"[::1]:5000/cart", "[::1]:5000/cart:latest", "[::1]:5000/cart:latest"},
		{"debian@sha256:" + hex64, "docker.io/library/debian@sha256:" + hex64, "debian@sha256:" + hex64},
		{"ghcr.io/a/b:1@sha256:" + hex64, "ghcr.io/a/b:1@sha256:" + hex64, "ghcr.io/a/b:1@sha256:" + hex64},
		{"a__b/c--d.e", "docker.io/a__b/c--d.e:latest", "a__b/c--d.e:latest"},
	}
	for _, c := range cases {
		r, err := image.ParseReference(c.word)
		if err != nil || r.String() != c.full || r.Familiar() != c.familiar {
			t.Errorf("%s: %s, %s, %v; want %s, %s", c.word, r, r.Familiar(), err, c.full, c.familiar)
		}
	}
	for _, word := range []string{
		"", "Shop", "shop//cart", "../etc", "a:b:c", "a@sha256:12", "a@md5:" + hex64, "a b", "-a", "a/", "a:" + strings.Repeat("x", 129),
		strings.Repeat("a", 256), "a___b", "host:port/x",
	} {
		if r, err := image.ParseReference(word); err == nil {
			t.Errorf("%q is taken for %s", word, r)
		}
	}
}

func TestChainIDs(t *testing.T) {
	// The chain of two layers as Docker 20.10 kept it in its layerdb.
	got := image.ChainIDs([]string{
		"sha256:118cdda224f7a31a8b92e0da111c832d34df6d3ec2926f40b311ca8f77b75013",
		"sha256:15aae7c5be962672c862d79c40b421ed8a267f788a4a3ce26d35a730daf198cb",
	})
	want := []string{
		"sha256:118cdda224f7a31a8b92e0da111c832d34df6d3ec2926f40b311ca8f77b75013",
		"sha256:427b5b180ad6345a6b6f11454e7348c3ae28f37e0f2c0d6b80a53a0ac77734c7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCloseTogether(t *testing.T) {
	closed := 0
	images := []*image.Image{{}, {}}
	image.CloseTogether(images, func() error { closed++; return errors.New("late") })
	if err := images[0].Close(); err != nil || closed != 0 {
		t.Errorf("closed with the first: %v", err)
	}
	images[0].Close()
	if err := images[1].Close(); err == nil || closed != 1 {
		t.Errorf("closed %d times, %v", closed, err)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"schemaVersion":1}`: "schema 1",
		`{"schemaVersion":3}`: "schema version 3",
		`[`:                   "parse manifest",
		`{"schemaVersion":2,"manifests":[{}],"layers":[{}]}`: "a manifest and an index at once",
		strings.Repeat(" ", image.MaxManifest+1):             "at most",
	} {
		if _, err := image.ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// Where several images of an index would do, the one for just that platform is taken, wherever it stands.
func TestChoose(t *testing.T) {
	of := func(platforms ...string) (all []image.Descriptor) {
		for i, name := range platforms {
			p, err := image.ParsePlatform(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, image.Descriptor{Digest: "sha256:" + strings.Repeat(string('a'+rune(i)), 64), Platform: &p})
		}
		return all
	}
	for _, c := range []struct {
		has  []string
		want string
		at   int // -1: none
	}{
		{[]string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v7"}, "linux/arm", 2},
		{[]string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v7"}, "linux/arm/v6", 1},
		{[]string{"linux/arm/v6", "linux/arm"}, "linux/arm/v7", 1},
		{[]string{"linux/arm/v6"}, "linux/arm", 0},
		{[]string{"linux/arm"}, "linux/arm/v6", 0},
		{[]string{"linux/arm/v6"}, "linux/arm/v7", -1},
		{[]string{"linux/amd64/v3", "linux/amd64"}, "linux/amd64", 1},
		{[]string{"linux/amd64", "linux/amd64/v3"}, "linux/amd64/v3", 1},
		{[]string{"linux/amd64"}, "linux/amd64/v3", 0},
		{[]string{"linux/arm64/v8"}, "arm64", 0},
		{[]string{"linux/arm64"}, "linux/arm64/v8", 0},
		{[]string{"linux/arm64/v8"}, "linux/arm64/v9", -1},
		{[]string{"windows/amd64"}, "linux/amd64", -1},
		{[]string{"linux/amd64", "linux/arm64/v8"}, "linux/aarch64", 1},
		{[]string{"linux/arm64", "linux/amd64"}, "x86_64", 1},
		{[]string{"linux/arm/v6", "linux/arm/v7"}, "linux/armhf", 1},
		{[]string{"linux/arm/v7", "linux/arm/v6"}, "Linux/ARM/6", 1},
		{[]string{"linux/amd64", "linux/386"}, "i386", 1},
	} {
		all := of(c.has...)
		got, err := image.Choose(all, c.want)
		switch {
		case c.at < 0 && err == nil:
			t.Errorf("%s of %q: %s", c.want, c.has, got[0].Platform)
		case c.at >= 0 && (err != nil || len(got) != 1 || got[0].Digest != all[c.at].Digest):
			t.Errorf("%s of %q: %v, %v, want %s", c.want, c.has, got, err, all[c.at].Platform)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"digest":"sha256:` + hex64 + `","platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}`))
	f.Add([]byte(`{"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"ExposedPorts":{"80/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:` + hex64 + `"]},"history":[{"created_by":"/bin/sh -c #(nop) CMD","empty_layer":true},{"created_by":"RUN x # buildkit"}]}`))
	f.Add([]byte("registry:5000/a/b:c@sha256:" + hex64))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := image.ParseManifest(b); err == nil {
			image.Choose(m.Manifests, "all")
			image.Choose(m.Manifests, "linux/arm/v7")
		}
		if c, err := image.ParseConfig(b); err == nil {
			img := &image.Image{Config: c, Layers: make([]image.Layer, len(c.DiffIDs))}
			img.Attribute()
		}
		if r, err := image.ParseReference(string(b)); err == nil {
			again, err := image.ParseReference(r.String())
			if err != nil || again != r {
				t.Errorf("%q reads as %+v, and that as %+v, %v", b, r, again, err)
			}
		}
	})
}

// TestAttribute wants instructions only where history and layers agree in number.
func TestAttribute(t *testing.T) {
	type steps = []image.History
	run, copied, empty := image.History{CreatedBy: "/bin/sh -c apt-get update"}, image.History{CreatedBy: "COPY . /app # buildkit"}, image.History{CreatedBy: "CMD [\"sh\"]", EmptyLayer: true}
	for name, c := range map[string]struct {
		history steps
		want    []string
	}{
		"as Docker writes it":        {steps{empty, run, empty, copied}, []string{"RUN apt-get update", "COPY . /app"}},
		"none, as Bazel":             {nil, []string{"", ""}},
		"shorter, as Kaniko":         {steps{run}, []string{"", ""}},
		"longer":                     {steps{run, copied, run}, []string{"", ""}},
		"all empty":                  {steps{empty, empty}, []string{"", ""}},
		"equal with the empty ones":  {steps{run, empty}, []string{"", ""}},
		"without an instruction":     {steps{{Comment: "imported"}, copied}, []string{"", "COPY . /app"}},
		"the classic builder's nops": {steps{{CreatedBy: "/bin/sh -c #(nop) ADD file:1 in / "}, run}, []string{"ADD file:1 in /", "RUN apt-get update"}},
	} {
		img := image.Image{Config: image.Config{History: c.history}, Layers: make([]image.Layer, 2)}
		img.Attribute()
		if got := []string{img.Layers[0].CreatedBy, img.Layers[1].CreatedBy}; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestInstruction(t *testing.T) {
	for createdBy, want := range map[string]string{
		"/bin/sh -c apt-get update":                       "RUN apt-get update",
		"RUN /bin/sh -c apt-get update # buildkit":        "RUN apt-get update",
		"|1 VERSION=2 /bin/sh -c make":                    "RUN make",
		"RUN |2 A=b c TOKEN=x /bin/sh -c make # buildkit": "RUN make",
		"RUN |1 A=b /bin/bash -o pipefail -c make":        "RUN /bin/bash -o pipefail -c make",
		"|1 A=/bin/x y /bin/bash -ec make":                "RUN /bin/bash -ec make",
		"/bin/bash -c echo c":                             "RUN /bin/bash -c echo c",
		"/bin/bash -c #(nop)  USER root":                  "USER root",
		"/bin/bash":                                       "/bin/bash",
		"/bin/bash script -c x":                           "/bin/bash script -c x",
		"/bin/sh -c #(nop) COPY dir:1 in /app ":           "COPY dir:1 in /app",
		"COPY . /app # buildkit":                          "COPY . /app",
		"WORKDIR /app":                                    "WORKDIR /app",
		"ADD rootfs.tar.xz / # buildkit":                  "ADD rootfs.tar.xz /",
		"bazel build ...":                                 "bazel build ...",
		"":                                                "",
	} {
		if got := image.Instruction(createdBy); got != want {
			t.Errorf("%q is %q, want %q", createdBy, got, want)
		}
	}
}

// TestIsImage knows images among what an index lists: go-containerregistry calls them by the type of their
// configuration.
func TestIsImage(t *testing.T) {
	const manifest = "application/vnd.oci.image.manifest.v1+json"
	for artifact, want := range map[string]bool{
		"": true, "application/vnd.oci.image.config.v1+json": true, "application/vnd.docker.container.image.v1+json": true,
		"application/vnd.dev.sigstore.bundle.v0.3+json": false, "application/vnd.oci.empty.v1+json": false,
	} {
		if got := (image.Descriptor{MediaType: manifest, ArtifactType: artifact}).IsImage(); got != want {
			t.Errorf("%q is an image: %t", artifact, got)
		}
	}
}
