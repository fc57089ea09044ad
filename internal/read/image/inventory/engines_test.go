//go:build linux

package inventory

import (
	"archive/tar"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// A pile is made of random layers that engines accept: it keeps what a container would see, to know
// what can be replaced, linked to or removed. Names are few, so that entries meet.
type pile struct {
	r      *rand.Rand
	layers []imagetest.Layer
	sees   map[string]imagetest.File // by path, folders without a slash; links are not followed
	here   map[string]bool           // what the present layer wrote: Docker takes no path twice
	files  []imagetest.File
	links  bool // also write below symbolic links of the same layer
}

func newPile(seed uint64, links bool) []imagetest.Layer {
	p := &pile{r: rand.New(rand.NewPCG(seed, 1)), sees: map[string]imagetest.File{}, links: links}
	for n := range 2 + p.r.IntN(3) {
		p.files, p.here = nil, map[string]bool{}
		for i := range 2 + p.r.IntN(8) {
			p.add(n, fmt.Sprintf("%d.%d", n, i))
		}
		if len(p.files) > 0 {
			p.layers = append(p.layers, imagetest.Layer{Files: p.files, CreatedBy: "RUN x"})
		}
	}
	return p.layers
}

func (p *pile) pick(of []string) string { return of[p.r.IntN(len(of))] }

func (p *pile) add(layer int, body string) {
	folder := p.pick([]string{"a", "b", "a/c", "b/c", "a/c/d", "l"})
	place := folder + "/" + p.pick([]string{"x.pkg", "y.pkg", "data"})
	switch k := p.r.IntN(20); {
	case k < 8:
		p.write(imagetest.File{Path: place, Body: body})
	case k < 10:
		p.write(imagetest.File{Path: folder, Type: tar.TypeDir})
	case k < 12:
		p.write(imagetest.File{Path: folder, Link: p.pick([]string{"/a", "/b/c", "c", "../b"}), Type: tar.TypeSymlink})
	case k < 14:
		var have []string
		for at := range p.here {
			if f := p.sees[at]; f.Path != "" && f.Type != tar.TypeDir && f.Path != place {
				have = append(have, at)
			}
		}
		if slices.Sort(have); len(have) > 0 {
			p.write(imagetest.File{Path: place, Link: p.pick(have), Type: tar.TypeLink})
		}
	case k < 17 && layer > 0:
		if p.r.IntN(3) == 0 {
			place = folder
		}
		p.remove(place)
	case k < 18 && layer > 0:
		if p.folders(folder) && !p.here[folder+"/.wh..wh..opq"] {
			p.here[folder+"/.wh..wh..opq"] = true
			p.files = append(p.files, imagetest.File{Path: folder + "/.wh..wh..opq"})
			p.drop(folder, false)
		}
	default:
		p.write(imagetest.File{Path: folder, Body: body})
	}
}

// folders says whether a path may be a folder in the present layer, and makes it one.
func (p *pile) folders(path string) bool {
	if path == "." {
		return true
	}
	f, ok := p.sees[path]
	if p.here[path] && ok && f.Type == tar.TypeSymlink {
		return p.links && !p.loops(path)
	}
	if p.here[path] && (!ok || f.Type != tar.TypeDir) || !p.folders(filepath.Dir(path)) {
		return false
	}
	if f.Type != tar.TypeDir { // of a lower layer: the folder takes its place
		p.drop(path, true)
		p.sees[path] = imagetest.File{Path: path, Type: tar.TypeDir}
	}
	p.here[path] = true
	return true
}

// loops is a guess that errs on the safe side: links that lead to links are left alone.
func (p *pile) loops(path string) bool {
	for at, f := range p.sees {
		if f.Type == tar.TypeSymlink && at != path {
			return true
		}
	}
	return false
}

func (p *pile) write(f imagetest.File) {
	if p.here[f.Path] || !p.folders(filepath.Dir(f.Path)) {
		return
	}
	if f.Type != tar.TypeDir || p.sees[f.Path].Type != tar.TypeDir {
		p.drop(f.Path, true)
	}
	p.here[f.Path], p.sees[f.Path] = true, f
	if f.Type == tar.TypeDir {
		f.Path += "/"
	}
	p.files = append(p.files, f)
}

// remove whites out a path that the present layer has nothing of.
func (p *pile) remove(path string) {
	white := filepath.Dir(path) + "/.wh." + filepath.Base(path)
	if p.here[path] || p.here[white] || !p.folders(filepath.Dir(path)) {
		return
	}
	p.drop(path, true)
	p.here[white] = true
	p.files = append(p.files, imagetest.File{Path: white})
}

// drop forgets what stood below a path in lower layers, and the path too when whole is set.
func (p *pile) drop(path string, whole bool) {
	for at := range p.sees {
		if strings.HasPrefix(at, path+"/") && !p.here[at] || at == path && whole {
			delete(p.sees, at)
		}
	}
}

// described writes layers down as the other tests do.
func described(layers []imagetest.Layer) string {
	var s strings.Builder
	for i, l := range layers {
		fmt.Fprintf(&s, "layer %d:", i)
		for _, f := range l.Files {
			switch f.Type {
			case tar.TypeSymlink:
				fmt.Fprintf(&s, " [%s -> %s]", f.Path, f.Link)
			case tar.TypeLink:
				fmt.Fprintf(&s, " [%s => %s]", f.Path, f.Link)
			case tar.TypeDir:
				fmt.Fprintf(&s, " [%s]", f.Path)
			default:
				fmt.Fprintf(&s, " [%s=%s]", f.Path, f.Body)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func shell(t *testing.T, script string) error {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// packagesBelow lists the packages of a file system, as PATH=VERSION.
func packagesBelow(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(at, ".pkg") {
			return err
		}
		b, err := os.ReadFile(at)
		name, _ := filepath.Rel(root, at)
		all = append(all, name+"="+string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// packagesOf lists what Plimsoll sees, likewise.
func packagesOf(t *testing.T, img *image.Image) (all []string) {
	t.Helper()
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	var contents []*Contents
	for _, l := range img.Layers {
		c, err := r.Layer(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, c)
	}
	for _, p := range Squash(contents, kinds).Packages {
		for _, at := range p.Places {
			if strings.HasSuffix(at.Path, ".pkg") { // other names of its file are places, too
				all = append(all, at.Path+"="+p.Version)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// engine unpacks an image and shows its file system in a folder; it is asked for its own copy after.
type engine struct {
	load, drop string // with ARCHIVE and ROOT
	open       func(ctx context.Context) ([]*image.Image, error)
}

func engines(t *testing.T, name string) map[string]engine {
	t.Helper()
	docker, err := daemon.Docker()
	if err != nil {
		t.Fatal(err)
	}
	podman, err := daemon.Podman()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]engine{
		"docker": {
			load: "/usr/bin/docker load -q -i ARCHIVE; id=$(/usr/bin/docker create " + name + " /x); /usr/bin/docker export $id | tar -x -C ROOT; /usr/bin/docker rm $id",
			drop: "/usr/bin/docker rmi " + name,
			open: func(ctx context.Context) ([]*image.Image, error) { return docker.Open(ctx, name, image.Options{}) },
		},
		"podman": {
			load: "podman load -q -i ARCHIVE; id=$(podman create " + name + " /x); podman export $id | tar -x -C ROOT; podman rm $id",
			drop: "podman rmi " + name,
			open: func(ctx context.Context) ([]*image.Image, error) { return podman.Open(ctx, name, image.Options{}) },
		},
		"containerd": {
			load: "ctr -n plimsoll-test images import ARCHIVE; ctr -n plimsoll-test images mount docker.io/" + name + " ROOT",
			drop: "ctr -n plimsoll-test images unmount --rm ROOT; ctr -n plimsoll-test images rm --sync docker.io/" + name,
			open: func(ctx context.Context) ([]*image.Image, error) {
				return containerd.Open(ctx, name, image.Options{})
			},
		},
	}
}

// TestEngines piles up random layers and wants what the container of a real engine sees: from the
// layers' tars, and from where the engine keeps them unpacked.
func TestEngines(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root, Docker, Podman and containerd: set PLIMSOLL_TEST=all")
	}
	const piles = 16
	image := fmt.Sprintf("plimsoll-test/pile:%d", os.Getpid()) // tests may run beside each other
	for name, e := range engines(t, image) {
		t.Run(name, func(t *testing.T) {
			refused := 0
			for seed := range uint64(piles) {
				if !onePile(t, e, image, newPile(seed, seed%4 == 3)) {
					refused++
				}
			}
			t.Logf("%d of %d piles were refused", refused, piles)
			if refused > piles/2 {
				t.Errorf("%d of %d piles were refused", refused, piles)
			}
		})
	}
}

// onePile says whether the engine took the layers.
func onePile(t *testing.T, e engine, name string, layers []imagetest.Layer) bool {
	img := imagetest.Image{Name: name, Layers: layers, Config: map[string]any{"Cmd": []string{"/x"}}}
	path, root := imagetest.WriteFile(t, "pile.tar", imagetest.New(img).DockerTar()), t.TempDir()
	in := strings.NewReplacer("ARCHIVE", path, "ROOT", root).Replace
	defer shell(t, in(e.drop))
	if err := shell(t, in(e.load)); err != nil {
		return false
	}
	want := packagesBelow(t, root)
	fromTar, err := archive.Open(t.Context(), path, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer fromTar[0].Close()
	inPlace, err := e.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer inPlace[0].Close()
	if inPlace[0].Layers[0].Folder == nil {
		t.Errorf("the engine's folders are not read in place")
	}
	for how, imgs := range map[string][]*image.Image{"tar": fromTar, "folders": inPlace} {
		if diff := cmp.Diff(want, packagesOf(t, imgs[0])); diff != "" {
			t.Errorf("%s of\n%s%s", how, described(layers), diff)
		}
	}
	return true
}
