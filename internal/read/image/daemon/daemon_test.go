package daemon

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

var cart = imagetest.Image{Name: "shop/cart:1.4", Platform: "linux/amd64", Layers: []imagetest.Layer{
	{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}, CreatedBy: "base"},
	{Files: []imagetest.File{{Path: "app", Body: "x"}}, CreatedBy: "/bin/sh -c make"},
}}

func diffIDs(img imagetest.Image) (all []string) {
	for _, l := range img.Layers {
		all = append(all, image.DigestOf(imagetest.Tar(l.Files...)))
	}
	return all
}

// write makes a file with the folders above it.
func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// dockerRoot keeps an image as Docker's overlay2 driver does, and says what inspect would.
func dockerRoot(t *testing.T, img imagetest.Image) (root string, i inspected) {
	root = t.TempDir()
	config := img.ConfigJSON()
	i = inspected{
		ID: image.DigestOf(config), RepoTags: []string{img.Name}, OS: "linux", Architecture: "amd64",
		GraphDriver: graphDriver{Name: "overlay2", Data: map[string]string{}},
	}
	i.RootFS.Layers = diffIDs(img)
	hex := func(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
	write(t, filepath.Join(root, "image/overlay2/imagedb/content/sha256", hex(i.ID)), config)
	chain := image.ChainIDs(diffIDs(img))
	var folders []string
	for n := range img.Layers {
		id := string(rune('a'+n)) + "folder"
		write(t, filepath.Join(root, "image/overlay2/layerdb/sha256", hex(chain[n]), "cache-id"), []byte(id))
		for _, f := range img.Layers[n].Files {
			write(t, filepath.Join(root, "overlay2", id, "diff", f.Path), []byte(f.Body))
		}
		folders = append([]string{filepath.Join(root, "overlay2", id, "diff")}, folders...)
	}
	i.GraphDriver.Data["UpperDir"], i.GraphDriver.Data["LowerDir"] = folders[0], strings.Join(folders[1:], ":")
	return root, i
}

// engineOf answers as a Docker that keeps one image would.
func engineOf(t *testing.T, i inspected, export []byte) *Engine {
	t.Helper()
	mux := http.NewServeMux()
	known := func(name string) bool { return name == i.RepoTags[0] || strings.HasPrefix(i.ID, "sha256:"+name) }
	mux.HandleFunc("GET /images/{name...}", func(w http.ResponseWriter, r *http.Request) {
		name, action := r.PathValue("name"), ""
		if at := strings.LastIndexByte(name, '/'); at >= 0 {
			name, action = name[:at], name[at+1:]
		}
		switch {
		case !known(name):
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"message":"No such image"}`))
		case action == "json":
			json.NewEncoder(w).Encode(i)
		case action == "get" && export != nil:
			w.Write(export)
		default:
			w.WriteHeader(http.StatusInternalServerError)
			w.Write([]byte(`{"message":"the disk is full"}`))
		}
	})
	server := httptest.NewUnstartedServer(mux)
	server.Start()
	t.Cleanup(server.Close)
	e, err := At("docker", "tcp://"+strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	e.endpoint.network = false
	return e
}

func TestOpenInPlace(t *testing.T) {
	_, i := dockerRoot(t, cart)
	i.RepoDigests = []string{"shop/cart@sha256:ab"}
	time.Sleep(30 * time.Millisecond) // what was written just now has no identity
	images, err := engineOf(t, i, nil).Open(t.Context(), "shop/cart:1.4", image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	img := images[0]
	if img.Digest != i.ID || img.Origin != "docker" || img.Platform != "linux/amd64" || len(img.RepoDigests) != 1 {
		t.Errorf("image %+v", img)
	}
	for n, want := range []string{"etc/os-release", "app"} {
		l := img.Layers[n]
		if _, err := os.Stat(filepath.Join(l.Folder.Path, want)); err != nil || !l.Folder.Overlay || l.Identity == "" || l.DiffID != diffIDs(cart)[n] {
			t.Errorf("layer %d: %+v, %v", n, l, err)
		}
	}
	if img.Layers[1].CreatedBy != "RUN make" {
		t.Errorf("layer 1 was created by %q", img.Layers[1].CreatedBy)
	}
	if images, err = engineOf(t, i, nil).Open(t.Context(), i.ID[7:19], image.Options{}); err != nil || images[0].Name != "shop/cart:1.4" {
		t.Errorf("by id: %v", err)
	}
	_, err = engineOf(t, i, nil).Open(t.Context(), "shop/cart:1.4", image.Options{Platform: "linux/arm64"})
	if err == nil || !strings.Contains(err.Error(), "is for linux/amd64, not for linux/arm64") {
		t.Errorf("of another platform: %v", err)
	}
}

// What does not provably belong to the image is not read in place, but exported.
func TestOpenExports(t *testing.T) {
	cases := map[string]func(root string, i *inspected){
		"no folders named":    func(_ string, i *inspected) { i.GraphDriver.Data = nil },
		"another driver":      func(_ string, i *inspected) { i.GraphDriver.Name = "btrfs" },
		"folder not readable": func(root string, _ *inspected) { os.RemoveAll(filepath.Join(root, "overlay2/afolder")) },
		"no configuration":    func(root string, _ *inspected) { os.RemoveAll(filepath.Join(root, "image/overlay2/imagedb")) },
		"other configuration": func(root string, i *inspected) {
			write(t, filepath.Join(root, "image/overlay2/imagedb/content/sha256", i.ID[7:]), []byte("{}"))
		},
		"another machine's id": func(root string, _ *inspected) { os.RemoveAll(filepath.Join(root, "image/overlay2/layerdb")) },
		"folders in disorder": func(_ string, i *inspected) {
			d := i.GraphDriver.Data
			d["UpperDir"], d["LowerDir"] = d["LowerDir"], d["UpperDir"]
		},
		"folder outside": func(_ string, i *inspected) { i.GraphDriver.Data["UpperDir"] = "/etc" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			root, i := dockerRoot(t, cart)
			change(root, &i)
			e := engineOf(t, i, imagetest.OldDockerTar(cart))
			images, err := e.Open(t.Context(), "shop/cart:1.4", image.Options{TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer images[0].Close()
			if l := images[0].Layers; len(l) != 2 || l[0].Folder != nil || images[0].Origin != "docker" {
				t.Errorf("layers %+v", l)
			}
		})
	}
}

// To be verified, an image must be bytes that can be hashed: folders cannot.
// Where Docker keeps images in containerd's store, the id is the digest of an index, of which often one
// platform alone was pulled.
func TestContainerdStore(t *testing.T) {
	l := imagetest.New()
	here, far := cart, cart
	here.Platform, far.Platform = "linux/amd64", "linux/s390x"
	near, gone := l.Add(here), l.Add(far)
	index := l.AddIndex(true, near, gone)
	l.Tag("shop/cart:1.4", index)
	delete(l.Blobs, gone.Digest)
	root := t.TempDir()
	if err := os.Rename(l.Folder(t), filepath.Join(root, "io.containerd.content.v1.content")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERD_ROOT", root)
	e := engineOf(t, inspected{ID: index.Digest, RepoTags: []string{"shop/cart:1.4"}, GraphDriver: graphDriver{Name: "overlayfs"}}, nil)
	for _, verify := range []bool{false, true} {
		images, err := e.Open(t.Context(), "shop/cart:1.4", image.Options{Verify: verify, Platform: "linux/amd64"})
		if err != nil {
			t.Fatal(err)
		}
		if img := images[0]; img.Digest != near.Digest || img.IndexDigest != index.Digest || img.Origin != "docker" || !img.Layers[0].Trusted {
			t.Errorf("verify %v: %+v", verify, img)
		}
		images[0].Close()
	}
	_, err := e.Open(t.Context(), "shop/cart:1.4", image.Options{Platform: "linux/s390x"})
	if err == nil || !strings.Contains(err.Error(), "the index lists linux/s390x") || !strings.Contains(err.Error(), "pull it for that platform") {
		t.Errorf("a platform that was not pulled: %v", err)
	}
}

func TestVerifyExports(t *testing.T) {
	_, i := dockerRoot(t, cart)
	images, err := engineOf(t, i, imagetest.OldDockerTar(cart)).Open(t.Context(), "shop/cart:1.4", image.Options{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if images[0].Layers[0].Folder != nil {
		t.Error("a folder was given, which cannot be verified")
	}
}

func TestErrors(t *testing.T) {
	_, i := dockerRoot(t, cart)
	i.GraphDriver = graphDriver{}
	e := engineOf(t, i, nil)
	_, err := e.Open(t.Context(), "shop/till:1", image.Options{})
	if notFound := (*image.NotFoundError)(nil); !errors.As(err, &notFound) {
		t.Errorf("unknown image: %v", err)
	}
	if _, err = e.Open(t.Context(), "shop/cart:1.4", image.Options{}); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("export refused: %v", err)
	}
	e = engineOf(t, i, imagetest.OldDockerTar(cart)[:4000])
	if _, err = e.Open(t.Context(), "shop/cart:1.4", image.Options{}); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("export cut: %v", err)
	}
	gone, err := At("docker", "unix:///nowhere/docker.sock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = gone.Open(t.Context(), "x", image.Options{}); err == nil || strings.Contains(err.Error(), "http") {
		t.Errorf("no socket: %v", err)
	}
	// One that takes connections and says nothing.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	hangs, err := At("docker", "tcp://"+mute.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err = hangs.Has(short, "x"); err == nil || !strings.Contains(err.Error(), "it does not answer") {
		t.Errorf("one that hangs: %v", err)
	}
	// TLS on one side only.
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	for host, want := range map[string]string{
		"tcp://" + secure.Listener.Addr().String():                    "it speaks TLS: DOCKER_TLS_VERIFY=1",
		"https://" + secure.Listener.Addr().String():                  "an authority that is not known here: put ca.pem",
		strings.Replace(engineOf(t, i, nil).base, "http", "https", 1): "it speaks without TLS: unset DOCKER_CERT_PATH",
	} {
		wrong, err := At("docker", host)
		if err != nil {
			t.Fatal(err)
		}
		if err := wrong.Has(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
	for _, path := range []string{"../../etc", "a?b#c"} {
		if p := pathOf(path); strings.ContainsAny(p, "?#") || strings.Contains(p, "..") {
			t.Errorf("%q becomes %q", path, p)
		}
	}
}

func TestStorage(t *testing.T) {
	root := filepath.Join(t.TempDir(), "containers", "storage")
	config := cart.ConfigJSON()
	id, ids := image.DigestOf(config)[7:], diffIDs(cart)
	images, _ := json.Marshal([]storedImage{{ID: id, Names: []string{"localhost/shop/cart:1.4"}, Layer: strings.Repeat("b", 64)}})
	layers, _ := json.Marshal([]map[string]string{
		{"id": strings.Repeat("a", 64), "diff-digest": ids[0]},
		{"id": strings.Repeat("b", 64), "diff-digest": ids[1], "parent": strings.Repeat("a", 64)},
	})
	write(t, filepath.Join(root, "overlay-images/images.json"), images)
	write(t, filepath.Join(root, "overlay-layers/layers.json"), layers)
	write(t, filepath.Join(root, "overlay-images", id, "="+base64.StdEncoding.EncodeToString([]byte("sha256:"+id))), config)
	write(t, filepath.Join(root, "overlay", strings.Repeat("a", 64), "diff/etc/os-release"), nil)
	write(t, filepath.Join(root, "overlay", strings.Repeat("b", 64), "diff/app"), nil)
	t.Setenv("XDG_DATA_HOME", filepath.Dir(filepath.Dir(root)))

	for _, name := range []string{"shop/cart:1.4", "localhost/shop/cart:1.4", id[:12]} {
		got, err := OpenStorage(name, image.Options{})
		if !ownedByRoot(root) {
			if err == nil {
				t.Error("a user's storage was read in place")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var folders []string
		for _, l := range got[0].Layers {
			folders = append(folders, filepath.Base(filepath.Dir(l.Folder.Path))[:1])
		}
		if diff := cmp.Diff([]string{"a", "b"}, folders); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := OpenStorage("none", image.Options{}); err == nil {
		t.Error("an image that is not there was found")
	}
}

// At is an engine, "docker" or "podman", at unix://PATH or tcp://HOST:PORT.
func At(kind, host string) (*Engine, error) {
	e, err := parseHost(host, "", host)
	return newEngine(kind, strings.ToUpper(kind[:1])+kind[1:], e, err)
}
