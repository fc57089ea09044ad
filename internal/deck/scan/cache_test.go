package scan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/tell/layercache"
)

func npm(name string, c imagetest.Compression) imagetest.Layer {
	return imagetest.Layer{Compression: c, CreatedBy: "RUN npm install " + name, Files: []imagetest.File{
		{Path: "app/node_modules/" + name + "/package.json", Body: `{"name": "` + name + `", "version": "1.0.0"}`},
	}}
}

// file writes an archive, and waits until its identity can be relied on.
func file(t *testing.T, b []byte) string {
	t.Helper()
	path := imagetest.WriteFile(t, "image.tar", b)
	time.Sleep(30 * time.Millisecond)
	return path
}

// found scans an image with a cache and returns its npm packages and classes of gaps.
func found(t *testing.T, imgs []*image.Image, err error, o scan.Options) (names, gaps []string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	r := report(t, imgs[0], o)
	for _, p := range r.Packages {
		names = append(names, p.Name)
	}
	for _, g := range r.Coverage {
		gaps = append(gaps, g.Class)
	}
	return names, gaps
}

func report(t *testing.T, img *image.Image, o scan.Options) *finding.Report {
	t.Helper()
	o.Kinds, o.Now, o.Jobs = all.Ecosystems(), time.Unix(1_800_000_000, 0), max(o.Jobs, 2)
	r, err := scan.Run(context.Background(), []scan.Subject{{Image: img}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openCache(t *testing.T) scan.Cache {
	t.Helper()
	c, err := layercache.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCacheIsNotPoisoned has images that claim another's layers. Whether they are scanned before or after
// the other, with or without verification, each is seen as what it is.
func TestCacheIsNotPoisoned(t *testing.T) {
	ctx := context.Background()
	type opener func(*testing.T) ([]*image.Image, error)
	honest := func(c imagetest.Compression) *imagetest.Layout {
		return imagetest.New(imagetest.Image{Name: "shop/honest:1", Layers: []imagetest.Layer{npm("honest", c)}})
	}
	fromFile := func(b []byte) opener {
		return func(t *testing.T) ([]*image.Image, error) { return archive.Open(ctx, file(t, b), image.Options{}) }
	}
	victims := map[string]opener{
		"docker save": fromFile(imagetest.OldDockerTar(imagetest.Image{Name: "shop/honest:1", Layers: []imagetest.Layer{npm("honest", imagetest.None)}})),
		"layout":      fromFile(honest(imagetest.None).Tar()),
		"gzip layout": fromFile(honest(imagetest.Gzip).Tar()),
		"registry": func(t *testing.T) ([]*image.Image, error) {
			return registry.Open(ctx, imagetest.Serve(t, honest(imagetest.Gzip))+"/shop/honest:1", registry.Options{})
		},
	}
	// Each liar takes the honest image and exchanges the bytes of its layer for as many others.
	swap := func(c imagetest.Compression) []byte {
		l := honest(c)
		for digest, b := range l.Blobs {
			if bytes.Equal(b, bytesOf("honest", c)) {
				l.Blobs[digest] = liarOf(len(b), c)
			}
		}
		return l.Tar()
	}
	saved := imagetest.OldDockerTar(imagetest.Image{Name: "shop/honest:1", Layers: []imagetest.Layer{npm("honest", imagetest.None)}})
	saved = bytes.ReplaceAll(saved, bytesOf("honest", imagetest.None), liarOf(len(bytesOf("honest", imagetest.None)), imagetest.None))
	liars := map[string]opener{"docker save": fromFile(saved), "layout": fromFile(swap(imagetest.None)), "gzip layout": fromFile(swap(imagetest.Gzip))}
	for liarName, liar := range liars {
		for victimName, victim := range victims {
			for _, verify := range []bool{false, true} {
				t.Run(liarName+" lies about "+victimName+map[bool]string{true: ", verified"}[verify], func(t *testing.T) {
					o := scan.Options{Cache: openCache(t), Verify: verify}
					for range 2 { // before the victim was seen, and after
						imgs, err := liar(t)
						names, gaps := found(t, imgs, err, o)
						if slices.Contains(names, "honest") {
							t.Error("the liar's layer is taken for the honest one")
						}
						if mismatch := verify || liarName == "gzip layout"; slices.Contains(gaps, "digest-mismatch") != mismatch {
							t.Errorf("the liar's gaps are %v", gaps)
						}
						for range 2 {
							imgs, err = victim(t)
							if names, gaps := found(t, imgs, err, o); !slices.Equal(names, []string{"honest"}) || slices.Contains(gaps, "digest-mismatch") {
								t.Errorf("the honest image has %v, gaps %v", names, gaps)
							}
						}
					}
				})
			}
		}
	}
}

func bytesOf(name string, c imagetest.Compression) []byte {
	return imagetest.Compress(imagetest.Tar(npm(name, c).Files...), c)
}

// liarOf is a layer of so many bytes.
func liarOf(size int, c imagetest.Compression) []byte {
	for i := range 1000 {
		if b := bytesOf(fmt.Sprintf("liar%d", i), c); len(b) == size {
			return b
		}
	}
	panic("no liar is that long")
}

// TestClaimedDiffID has an image in a registry whose layer is well known, and whose configuration claims
// another diff ID for it. It is found out with the layer in the cache as without.
func TestClaimedDiffID(t *testing.T) {
	honest := npm("honest", imagetest.Gzip)
	l := imagetest.New(imagetest.Image{Name: "shop/honest:1", Layers: []imagetest.Layer{honest}})
	blob := imagetest.Compress(imagetest.Tar(honest.Files...), imagetest.Gzip)
	liar := imagetest.Image{Layers: []imagetest.Layer{npm("other", imagetest.Gzip)}}
	d := l.PutManifest(image.Manifest{
		MediaType: imagetest.ManifestType, Config: l.Put(imagetest.ConfigType, liar.ConfigJSON()),
		Layers: []image.Descriptor{{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Digest: image.DigestOf(blob), Size: int64(len(blob))}},
	})
	l.Tag("shop/liar:1", d)
	host, o := imagetest.Serve(t, l), scan.Options{Cache: openCache(t)}
	for _, name := range []string{"liar", "honest", "liar"} {
		imgs, err := registry.Open(context.Background(), host+"/shop/"+name+":1", registry.Options{})
		if _, gaps := found(t, imgs, err, o); slices.Contains(gaps, "digest-mismatch") != (name == "liar") {
			t.Errorf("%s: gaps %v", name, gaps)
		}
	}
}

// TestChangedFile has the bytes of an archive exchanged under the same name, size and time.
func TestChangedFile(t *testing.T) {
	tarOf := func(name string) []byte {
		return imagetest.New(imagetest.Image{Name: "shop:1", Layers: []imagetest.Layer{npm(name, imagetest.None)}}).Tar()
	}
	o := scan.Options{Cache: openCache(t)}
	path := file(t, tarOf("first"))
	info, _ := os.Stat(path)
	for _, name := range []string{"first", "other", "first"} {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(tarOf(name))
		f.Close()
		os.Chtimes(path, info.ModTime(), info.ModTime())
		time.Sleep(30 * time.Millisecond)
		imgs, err := archive.Open(context.Background(), path, image.Options{})
		if names, _ := found(t, imgs, err, o); !slices.Equal(names, []string{name}) {
			t.Errorf("found %v, want %s", names, name)
		}
	}
}

// TestSecondScanReadsNothing scans images twice, and another on the same base, and counts what is opened.
// Every run gives the same bytes, whatever was kept, however many layers are read at a time.
func TestSecondScanReadsNothing(t *testing.T) {
	layersOf := func(c imagetest.Compression, top string) []imagetest.Layer {
		return []imagetest.Layer{{Compression: c, Files: debianLayer.Files}, npm("a", c), npm("b", c), npm(top, c)}
	}
	layout := func(c imagetest.Compression) *imagetest.Layout {
		return imagetest.New(imagetest.Image{Name: "shop/cart:1", Layers: layersOf(c, "cart")}, imagetest.Image{Name: "shop/till:1", Layers: layersOf(c, "till")})
	}
	plain, packed := file(t, layout(imagetest.None).Tar()), file(t, layout(imagetest.Zstd).Tar())
	host := imagetest.Serve(t, layout(imagetest.Gzip))
	for how, open := range map[string]func(name string) ([]*image.Image, error){
		"plain": func(name string) ([]*image.Image, error) {
			return archive.Open(context.Background(), plain+":shop/"+name+":1", image.Options{})
		},
		"packed": func(name string) ([]*image.Image, error) {
			return archive.Open(context.Background(), packed+":shop/"+name+":1", image.Options{})
		},
		"registry": func(name string) ([]*image.Image, error) {
			return registry.Open(context.Background(), host+"/shop/"+name+":1", registry.Options{})
		},
	} {
		t.Run(how, func(t *testing.T) {
			run := func(name string, o scan.Options) (string, int) {
				imgs, err := open(name)
				if err != nil {
					t.Fatal(err)
				}
				defer imgs[0].Close()
				opened := count(imgs[0])
				b, err := json.Marshal(report(t, imgs[0], o))
				if err != nil {
					t.Fatal(err)
				}
				return string(b), int(opened.Load())
			}
			cache := openCache(t)
			want, n := run("cart", scan.Options{Jobs: 1})
			if n != 4 {
				t.Errorf("%d layers were read without a cache", n)
			}
			run("cart", scan.Options{Cache: cache, Verify: true}) // leaves no trace in what others are told
			for i, c := range []struct {
				o     scan.Options
				reads int
			}{
				{scan.Options{Jobs: 8}, 4},
				{scan.Options{Cache: cache, Jobs: 8}, -1},
				{scan.Options{Cache: cache, Jobs: 1}, 0},
				{scan.Options{Cache: openCache(t), Jobs: 8}, 4},
			} {
				got, n := run("cart", c.o)
				if got != want {
					t.Errorf("run %d differs:\n%s\n%s", i, want, got)
				}
				if c.reads >= 0 && n != c.reads {
					t.Errorf("run %d read %d layers, want %d", i, n, c.reads)
				}
			}
			if _, n := run("till", scan.Options{Cache: cache}); n != 1 {
				t.Errorf("another image on the same base read %d layers, want its own", n)
			}
			if how != "registry" { // what lies here is read when it is to be verified, whatever was kept
				if got, n := run("cart", scan.Options{Cache: cache, Verify: true}); n != 4 || strings.Contains(got, `"verified":false`) {
					t.Errorf("verification read %d of 4 layers", n)
				}
			}
		})
	}
}

// count counts how often the layers of an image are opened.
func count(img *image.Image) *atomic.Int32 {
	var n atomic.Int32
	for i := range img.Layers {
		open := img.Layers[i].Open
		img.Layers[i].Open = func(ctx context.Context) (layer.Blob, error) {
			n.Add(1)
			return open(ctx)
		}
	}
	return &n
}

// TestDamagedCache has every entry cut, emptied or changed.
func TestDamagedCache(t *testing.T) {
	path := file(t, imagetest.New(imagetest.Image{Name: "shop:1", Layers: []imagetest.Layer{npm("a", imagetest.None), npm("b", imagetest.Gzip)}}).Tar())
	for how, damage := range map[string]func(b []byte) []byte{
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
		"zeros":     func(b []byte) []byte { return make([]byte, len(b)) },
		"a bit off": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			cache, err := layercache.Open(dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				imgs, err := archive.Open(context.Background(), path, image.Options{})
				if names, gaps := found(t, imgs, err, scan.Options{Cache: cache}); !slices.Equal(names, []string{"a", "b"}) || !slices.Equal(gaps, []string{"unknown-distribution"}) { // it names none
					t.Errorf("found %v, gaps %v", names, gaps)
				}
				filepath.WalkDir(dir, func(at string, d os.DirEntry, err error) error {
					if b, err := os.ReadFile(at); err == nil && len(b) > 0 {
						os.WriteFile(at, damage(b), 0o600)
					}
					return nil
				})
			}
		})
	}
}
