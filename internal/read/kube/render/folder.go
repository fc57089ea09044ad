package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// IsRoot says that a file of this name makes its folder a chart or an overlay.
func IsRoot(name string) bool { return IsChart(name) || IsOverlay(name) }

// IsChart says that a file of this name makes its folder a chart.
func IsChart(name string) bool { return path.Base(name) == "Chart.yaml" }

// IsOverlay says that a file of this name makes its folder one that Kustomize builds.
func IsOverlay(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(name))
}

// IsPacked says that a file is a packed chart, by what it begins with: the first file of the archive lies in the one
// folder of the chart, and Helm packs Chart.yaml first.
func IsPacked(head []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return false
	}
	t := tar.NewReader(z)
	for range 64 {
		h, err := t.Next()
		if err != nil {
			return false
		}
		if _, inner, _ := strings.Cut(h.Name, "/"); inner == "Chart.yaml" {
			return true
		}
	}
	return false
}

// ChartFiles reads all files of a chart that lies in a folder of root, by their paths below that folder. Links are
// followed as long as they stay within root.
func ChartFiles(root *os.Root, dir string) ([]File, error) {
	g := gathering{root: root}
	err := g.walk(dir, "", 0)
	return g.files, err
}

// gathering is files as they are read.
type gathering struct {
	root  *os.Root
	files []File
	size  int64
	kept  *Project // nil: nothing is kept
}

// maxLinked bounds how often links to folders lead to links to folders.
const maxLinked = 8

var errTooLarge = fmt.Errorf("it has more than %d MiB or %d files, and so is not rendered", MaxInput>>20, MaxFiles)

func (g *gathering) walk(dir, below string, linked int) error {
	if linked > maxLinked {
		return fmt.Errorf("%s: links lead to folders more than %d times", dir, maxLinked)
	}
	d, err := g.root.Open(dir)
	if err != nil {
		return outside(err)
	}
	entries, err := d.ReadDir(-1)
	d.Close()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		at, name, deeper := path.Join(dir, e.Name()), path.Join(below, e.Name()), linked
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			info, err := g.root.Stat(at)
			if err != nil {
				return outside(err)
			}
			mode, deeper = info.Mode().Type(), linked+1
		}
		switch {
		case mode.IsDir() && e.Name() != ".git":
			err = g.walk(at, name, deeper)
		case mode.IsRegular():
			err = g.read(at, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outside says of a link what keeps it from being followed.
func outside(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s leads out of the folder that is scanned, where nothing is read", p.Path)
	}
	return err
}

func (g *gathering) read(at, name string) (err error) {
	var b []byte
	if g.kept != nil {
		if g.kept.files++; g.kept.files > maxReached {
			return fmt.Errorf("the overlays of the folder are made of more than %d files: scan them one by one", maxReached)
		}
		b, _ = g.kept.take(at, nil)
	}
	if b == nil {
		if b, err = g.open(at); err == nil && g.kept != nil {
			b, err = g.kept.take(at, b)
		}
		if err != nil {
			return err
		}
	}
	if g.size += int64(len(b)); g.size > MaxInput || len(g.files) == MaxFiles {
		return errTooLarge
	}
	g.files = append(g.files, File{Path: name, Bytes: b})
	return nil
}

func (g *gathering) open(at string) ([]byte, error) {
	f, err := g.root.Open(at)
	if err != nil {
		return nil, outside(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxInput-g.size+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	return b, nil
}
