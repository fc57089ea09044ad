package containerd_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

var cart = imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{
	{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}, Compression: imagetest.Gzip},
}}

// root keeps a layout as containerd would, with many other records around it; bbolt itself writes.
// The database stays open, and so locked, as in life.
func root(t *testing.T, l *imagetest.Layout, namespace string, others int) string {
	t.Helper()
	dir, db := write(t, l, namespace, others)
	t.Cleanup(func() { db.Close() })
	return dir
}

func write(t *testing.T, l *imagetest.Layout, namespace string, others int) (string, *bbolt.DB) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Rename(l.Folder(t), filepath.Join(dir, "io.containerd.content.v1.content")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "io.containerd.metadata.v1.bolt", "meta.db")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o644, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, d image.Descriptor) {
		err := db.Update(func(tx *bbolt.Tx) error {
			at, err := tx.CreateBucketIfNotExists([]byte("v1"))
			for _, next := range []string{namespace, "images", name, "target"} {
				if err != nil {
					return err
				}
				at, err = at.CreateBucketIfNotExists([]byte(next))
			}
			if err != nil {
				return err
			}
			size := binary.AppendVarint(nil, d.Size)
			return errors.Join(at.Put([]byte("digest"), []byte(d.Digest)), at.Put([]byte("mediatype"), []byte(d.MediaType)), at.Put([]byte("size"), size))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range others {
		put(fmt.Sprintf("docker.io/other/image-with-a-name-of-some-length-%04d:latest", i), image.Descriptor{Digest: image.DigestOf(nil)})
	}
	for _, d := range l.Index {
		put(d.Annotations["io.containerd.image.name"], d)
	}
	return dir, db
}

func TestOpen(t *testing.T) {
	for _, others := range []int{0, 3, 400} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			l := imagetest.New(cart)
			t.Setenv("CONTAINERD_ROOT", root(t, l, "k8s.io", others))
			t.Setenv("CONTAINERD_NAMESPACE", "")
			for _, name := range []string{"shop/cart:1.4", "docker.io/shop/cart:1.4"} {
				images, err := containerd.Open(t.Context(), name, image.Options{})
				if err != nil {
					t.Fatal(err)
				}
				img := images[0]
				if img.Name != "shop/cart:1.4" || img.Digest != l.Index[0].Digest || !img.Layers[0].Trusted {
					t.Errorf("image %+v", img)
				}
				b, err := img.Layers[0].Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := layer.Walk(t.Context(), b, layer.Options{Digest: img.Layers[0].Digest}, func(*layer.Entry) error { return nil }); err != nil {
					t.Error(err)
				}
				b.Close()
				img.Close()
			}
			var none *image.NotFoundError
			if err := containerd.Has(t.Context(), "none:1"); !errors.As(err, &none) {
				t.Errorf("an image that is not there: %v", err)
			}
			t.Setenv("CONTAINERD_NAMESPACE", "default")
			if err := containerd.Has(t.Context(), "shop/cart:1.4"); !errors.As(err, &none) {
				t.Errorf("an image of another namespace: %v", err)
			}
		})
	}
}

// record puts values into a bucket below v1.
func record(t *testing.T, dir, path string, names []string, values map[string]string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, path), 0o644, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		at, err := tx.CreateBucketIfNotExists([]byte("v1"))
		for _, next := range names {
			if err == nil {
				at, err = at.CreateBucketIfNotExists([]byte(next))
			}
		}
		for k, v := range values {
			if err == nil {
				err = at.Put([]byte(k), []byte(v))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unpack adds what containerd and its snapshotter note of layers that are unpacked.
func unpack(t *testing.T, dir, namespace string, files ...imagetest.File) {
	t.Helper()
	diffID := image.DigestOf(imagetest.Tar(files...))
	name := namespace + "/7/" + diffID
	folder := filepath.Join(dir, "io.containerd.snapshotter.v1.overlayfs")
	for _, f := range files {
		at := filepath.Join(folder, "snapshots", "300", "fs", f.Path)
		os.MkdirAll(filepath.Dir(at), 0o755)
		os.WriteFile(at, []byte(f.Body), 0o644)
	}
	record(t, dir, "io.containerd.metadata.v1.bolt/meta.db", []string{namespace, "snapshots", "overlayfs", diffID}, map[string]string{"name": name})
	record(t, dir, "io.containerd.snapshotter.v1.overlayfs/metadata.db", []string{"snapshots", name},
		map[string]string{"id": string(binary.AppendUvarint(nil, 300)), "kind": "\x03"})
}

func TestUnpacked(t *testing.T) {
	l := imagetest.New(cart)
	dir, db := write(t, l, "moby", 1)
	db.Close()
	unpack(t, dir, "moby", cart.Layers[0].Files...)
	t.Setenv("CONTAINERD_ROOT", dir)
	t.Setenv("CONTAINERD_NAMESPACE", "")
	for way, open := range map[string]func(image.Options) ([]*image.Image, error){
		"by name": func(o image.Options) ([]*image.Image, error) { return containerd.Open(t.Context(), "shop/cart:1.4", o) },
		"by digest": func(o image.Options) ([]*image.Image, error) {
			return containerd.OpenDigest(t.Context(), l.Index[0].Digest, o)
		},
	} {
		for verify, folder := range map[bool]bool{false: true, true: false} {
			images, err := open(image.Options{Verify: verify})
			if err != nil {
				t.Fatal(err)
			}
			got := images[0].Layers[0]
			if (got.Folder != nil) != folder || got.Folder != nil && !strings.HasSuffix(got.Folder.Path, "/snapshots/300/fs") {
				t.Errorf("%s, verify %v: layer %+v", way, verify, got)
			}
			images[0].Close()
		}
	}
}

// start adds what is noted of a container whose snapshot stands on those of its image.
func start(t *testing.T, dir, namespace, id, number string, labels map[string]string, on string) {
	t.Helper()
	const meta, snapshots = "io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs"
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	name := namespace + "/" + number + "/" + id
	record(t, dir, meta, []string{namespace, "containers", id}, map[string]string{"image": "docker.io/shop/cart:1.4", "snapshotter": "overlayfs", "snapshotKey": id})
	record(t, dir, meta, []string{namespace, "containers", id, "labels"}, labels)
	record(t, dir, meta, []string{namespace, "snapshots", "overlayfs", id}, map[string]string{"name": name})
	record(t, dir, snapshots+"/metadata.db", []string{"snapshots", name},
		map[string]string{"id": string(binary.AppendUvarint(nil, n)), "kind": "\x02", "parent": on})
	if err := os.MkdirAll(filepath.Join(dir, snapshots, "snapshots", number, "fs"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A container is its image's layers with its own on top; it need not run.
func TestContainer(t *testing.T) {
	l := imagetest.New(cart)
	dir, db := write(t, l, "k8s.io", 1)
	db.Close()
	unpack(t, dir, "k8s.io", cart.Layers[0].Files...)
	on := "k8s.io/7/" + image.DigestOf(imagetest.Tar(cart.Layers[0].Files...))
	start(t, dir, "k8s.io", "1a2b3c4d5e", "301", map[string]string{"io.kubernetes.container.name": "cart"}, on)
	start(t, dir, "k8s.io", "1a2bffffff", "302", map[string]string{"io.kubernetes.container.name": "side"}, on)
	start(t, dir, "k8s.io", "99999", "303", map[string]string{"nerdctl/name": "alone"}, "")
	t.Setenv("CONTAINERD_ROOT", dir)
	t.Setenv("CONTAINERD_NAMESPACE", "")
	for _, name := range []string{"1a2b3c4d5e", "1a2b3", "cart"} {
		img, err := containerd.OpenContainer(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if img.Name != name || img.Origin != "container" || img.Digest != l.Index[0].Digest || len(img.Layers) != 2 ||
			img.Layers[0].DiffID == "" || img.Layers[1].DiffID != "" || img.Layers[1].Identity != "" ||
			!strings.HasSuffix(img.Layers[1].Folder.Path, "/snapshots/301/fs") {
			t.Errorf("%s: %+v", name, img)
		}
	}
	// What stands on other layers than its image's is not said to be that image.
	img, err := containerd.OpenContainer(t.Context(), "alone")
	if err != nil || len(img.Layers) != 1 || img.Digest != "" {
		t.Errorf("a container that stands on nothing: %+v, %v", img, err)
	}
	if _, err := containerd.OpenContainer(t.Context(), "1a2b"); err == nil || !strings.Contains(err.Error(), "1a2b3c4d5e, 1a2bffffff") {
		t.Errorf("two containers: %v", err)
	}
	var none *image.NotFoundError
	if _, err := containerd.OpenContainer(t.Context(), "nobody"); !errors.As(err, &none) {
		t.Errorf("no container: %v", err)
	}
}

func TestAbsentAndCorrupt(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CONTAINERD_ROOT", dir)
	if err := containerd.Has(t.Context(), "x"); !errors.Is(err, containerd.ErrAbsent) {
		t.Errorf("without containerd: %v", err)
	}
	path := filepath.Join(dir, "io.containerd.metadata.v1.bolt", "meta.db")
	os.MkdirAll(filepath.Dir(path), 0o755)
	os.WriteFile(path, make([]byte, 20000), 0o644)
	if err := containerd.Has(t.Context(), "x"); err == nil || errors.Is(err, containerd.ErrAbsent) {
		t.Errorf("with corrupt records: %v", err)
	}
}
