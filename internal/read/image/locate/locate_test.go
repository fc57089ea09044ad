package locate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

var cart = imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}}}}

// inFolder puts the test into an empty folder that is also the user's own.
func inFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestParse(t *testing.T) {
	inFolder(t)
	write(t, "cart.tar", imagetest.OldDockerTar(cart))
	write(t, "cart.tgz", imagetest.Compress(imagetest.New(cart).Tar(), imagetest.Gzip))
	write(t, "cart.tar.zst", append([]byte("\x5f\x2a\x4d\x18\x01\x00\x00\x00x"), imagetest.Compress(nil, imagetest.Zstd)...))
	write(t, "with:colon.tar", imagetest.OldDockerTar(cart))
	write(t, "Dockerfile", []byte("FROM debian\n"))
	write(t, "layout/oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	write(t, "root/etc/os-release", nil)
	write(t, "src/etc/app.conf", nil)
	write(t, "src/bin/run.sh", nil)
	cases := []struct {
		word string
		kind Kind
		rest string
	}{
		{"docker:shop/cart:1.4", Docker, "shop/cart:1.4"},
		{"registry:debian", Registry, "debian"},
		{"sbom:x.json", SBOM, "x.json"},
		{"archive:nowhere.tar", Archive, "nowhere.tar"},
		{"rootfs:~/root", Rootfs, filepath.Join(os.Getenv("HOME"), "root")},
		{"container:cart-1", Container, "cart-1"},
		{"-", Archive, "-"},
		{"-:shop/cart:1.4", Archive, "-:shop/cart:1.4"},
		{"cart.tar", Archive, "cart.tar"},
		{"./cart.tgz", Archive, "./cart.tgz"},
		{"cart.tar.zst", Archive, "cart.tar.zst"},
		{"cart.tar:shop/cart:1.4", Archive, "cart.tar:shop/cart:1.4"},
		{"with:colon.tar", Archive, "with:colon.tar"},
		{"layout", OCI, "layout"},
		{"layout:latest", OCI, "layout:latest"},
		{"root", Rootfs, "root"},
		{"src", Source, "src"},
		{"Dockerfile", File, "Dockerfile"},
		{"src:1", Image, "src:1"},
		{"shop/cart:1.4", Image, "shop/cart:1.4"},
		{"localhost:5000/cart", Image, "localhost:5000/cart"},
	}
	for _, c := range cases {
		kind, rest, err := Parse(c.word)
		if kind != c.kind || rest != c.rest || err != nil {
			t.Errorf("%s: %q, %q, %v; want %q, %q", c.word, kind, rest, err, c.kind, c.rest)
		}
	}
	for _, word := range []string{"", "docker:", "./none", "/none/at/all", "~/none"} {
		if kind, _, err := Parse(word); err == nil {
			t.Errorf("%q is taken for %q", word, kind)
		}
	}
}

// keeps is an engine that keeps one image, or whose answer is err.
func keeps(scheme Kind, name string, err error) engine {
	find := func(_ context.Context, asked string, _ image.Options) error {
		switch {
		case err != nil:
			return err
		case asked != name:
			return &image.NotFoundError{Name: asked, Where: string(scheme)}
		}
		return nil
	}
	return engine{
		scheme: scheme, find: find,
		names: func(context.Context, image.Options) ([]string, error) { return []string{name}, err },
		open: func(ctx context.Context, asked string, o image.Options) ([]*image.Image, error) {
			if err := find(ctx, asked, o); err != nil {
				return nil, err
			}
			return []*image.Image{{Name: asked, Origin: string(scheme)}}, nil
		},
		container: func(_ context.Context, asked string) (*image.Image, error) {
			if err := find(context.Background(), asked, image.Options{}); err != nil {
				return nil, err
			}
			return &image.Image{Name: asked, Origin: "container"}, nil
		},
	}
}

func TestOrder(t *testing.T) {
	inFolder(t)
	host := imagetest.Serve(t, imagetest.New(cart))
	write(t, "cart.tar", imagetest.OldDockerTar(cart))
	write(t, "root/etc/os-release", nil)
	remote := host + "/shop/cart:1.4"
	gone := fmt.Errorf("%w: no socket", daemon.ErrAbsent)
	cases := []struct {
		name, word, origin string
		engines            []engine
	}{
		{"first engine", remote, "docker", []engine{keeps(Docker, remote, nil), keeps(Podman, remote, nil)}},
		{"second engine", remote, "podman", []engine{keeps(Docker, "", gone), keeps(Podman, remote, nil)}},
		{"an engine that fails", remote, "podman", []engine{keeps(Docker, "", errors.New("it hangs")), keeps(Podman, remote, nil)}},
		{"registry", remote, "registry", []engine{keeps(Docker, "", nil)}},
		{"named registry", "registry:" + remote, "registry", []engine{keeps(Docker, remote, nil)}},
		{"named engine", "podman:" + remote, "podman", []engine{keeps(Docker, remote, nil), keeps(Podman, remote, nil)}},
		{"archive", "cart.tar", "archive", []engine{keeps(Docker, "", nil)}},
		{"root", "./root", "rootfs", []engine{keeps(Docker, "root", nil)}},
		{"container", "container:c1", "container", []engine{keeps(Docker, "", gone), keeps(Podman, "c1", nil)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			images, err := world{c.engines}.open(t.Context(), c.word, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer images[0].Close()
			if said := strings.Join(images[0].Notice, "; "); strings.Contains(said, "Docker could not be asked (it hangs)") != (c.name == "an engine that fails") {
				t.Errorf("said %q", said)
			}
			if images[0].Origin != c.origin {
				t.Errorf("taken from %s, want %s", images[0].Origin, c.origin)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	inFolder(t)
	host := imagetest.Serve(t, imagetest.New(cart))
	write(t, "debian/etc/passwd", nil)
	write(t, "notes.txt", []byte("hello"))
	running := keeps(Docker, "debian", nil)
	running.container = keeps(Docker, "web-1", nil).container
	engines := []engine{running, keeps(Podman, "", fmt.Errorf("%w: no socket", daemon.ErrAbsent))}
	cases := []struct {
		word    string
		offline bool
		want    []string
	}{
		{"debian", false, []string{`"debian" is both a path and an image in Docker: write ./debian or docker:debian`}},
		{host + "/shop/cart:9", false, []string{"cannot find", "registry " + host, "no file or folder", "Docker has no such image", "Podman does not run here"}},
		{"shop/cart:9", true, []string{"cannot find", "Docker has no such image", "--offline"}},
		{"registry:debian", true, []string{"--offline"}},
		{"Not A Name", false, []string{"no file or folder here, and no name of an image"}},
		{"nosuch.tar", false, []string{"nosuch.tar: no such file or folder", "write registry:nosuch.tar"}},
		{"out/report.json", true, []string{"out/report.json: no such file or folder"}},
		{"./none", false, []string{"./none: no such file or folder"}},
		{"docker:27", false, []string{`docker has no image "27"`, "write registry:docker:27"}},
		{"container:none", false, []string{`cannot find container "none": Docker has no such container; Podman does not run here`}},
		{"docker:debain", false, []string{`docker has no image "debain"; did you mean docker:debian:latest?`}},
		{"docker:debian:12", false, []string{"did you mean docker:debian:latest?"}},
		{"debain", true, []string{"cannot find", "did you mean docker:debian"}},
		{"web-1", true, []string{"cannot find", "did you mean container:web-1?"}},
		{"docker:web-1", true, []string{`docker has no image "web-1"; did you mean container:web-1?`}},
		{"dokcer:shop/cart:1", false, []string{"did you mean docker:shop/cart:1?"}},
		{"dokcer:shop/Cart:1", false, []string{`"dokcer:shop/Cart:1": there is no scheme dokcer:, and no such file; did you mean docker:shop/Cart:1?`}},
		{"docker-archive:cart.tar", true, []string{"cannot find", "did you mean archive:cart.tar?"}},
		{"https://" + host + "/shop/cart:1", false, []string{"did you mean registry:" + host + "/shop/cart:1?"}},
		{"docker://debian", false, []string{"write docker:debian, or registry:debian"}},
		{"notes.txt", false, []string{"notes.txt is neither an archive"}},
		{"sbom:x.json", false, []string{"is taken for an SBOM"}},
	}
	for _, c := range cases {
		o := Options{Options: image.Options{Offline: c.offline}}
		_, err := world{engines}.open(t.Context(), c.word, o)
		if err == nil {
			t.Errorf("%s: no error", c.word)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %q lacks %q", c.word, err, part)
			}
		}
	}
	var kind *KindError
	if _, err := (world{engines}).open(t.Context(), "notes.txt", Options{}); !errors.As(err, &kind) || kind.Kind != File {
		t.Errorf("a file that is no archive: %v", err)
	}
}

// With Offline nothing is listened to but sockets of this host.
func TestOfflineAsksNoNetwork(t *testing.T) {
	inFolder(t)
	t.Setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
	t.Setenv("CONTAINER_HOST", "tcp://192.0.2.1:2375")
	for _, word := range []string{"shop/cart:1.4", "docker:shop/cart:1.4", "registry:shop/cart:1.4"} {
		o := Options{Options: image.Options{Offline: true}, Registry: registry.Options{Mirrors: map[string][]string{"docker.io": {"192.0.2.1"}}}}
		if _, err := Open(t.Context(), word, o); err == nil || !strings.Contains(err.Error(), "--offline") {
			t.Errorf("%s: %v", word, err)
		}
	}
}
