package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// A tree is the files of an archive or a folder. No name leads out of it.
type tree interface {
	// find returns a file; its error wraps fs.ErrNotExist when there is none.
	find(name string) (file, error)
	close() error
}

type file struct {
	size     int64
	identity string // as in image.Layer
	open     func() (layer.Blob, error)
}

// readAll returns a small file.
func (f file) readAll() ([]byte, error) {
	if f.size > image.MaxManifest {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", layer.ErrLimit, f.size, image.MaxManifest)
	}
	b, err := f.open()
	if err != nil {
		return nil, err
	}
	if b.Close != nil {
		defer b.Close()
	}
	return io.ReadAll(io.NewSectionReader(b.At, 0, b.Size))
}

func openTree(ctx context.Context, path string, o image.Options) (tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, bare(err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, bare(err)
		}
		return folder{root}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	return indexFile(ctx, f, o)
}

// bare takes the path from an error whose reader will name it.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// folder is a tree that lies unpacked.
type folder struct{ root *os.Root }

func (d folder) close() error { return d.root.Close() }

func (d folder) find(name string) (file, error) {
	info, err := d.root.Stat(name)
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, fmt.Errorf("%s is no file", name)
	}
	return file{size: info.Size(), identity: image.FileIdentity(info), open: func() (layer.Blob, error) {
		f, err := d.root.Open(name)
		if err != nil {
			return layer.Blob{}, err
		}
		return layer.Blob{At: f, Size: info.Size(), Close: f.Close}, nil
	}}, nil
}

// tarball is a tree inside a tar.
type tarball struct {
	f        *os.File
	identity string // of the file as a whole
	entries  map[string]entry
}

type entry struct {
	link    string // of another entry, clean; empty for files
	content *io.SectionReader
}

// indexLimits are far above what an archive of images holds: a few files for each layer.
var indexLimits = layer.Limits{Entries: 200_000, PathLength: 1024, Uncompressed: 1}

var (
	errCut   = errors.New("the archive is cut short")
	errNoTar = errors.New("it is no tar archive, nor one compressed with gzip or zstd")
)

// indexTar notes where the files of a tar lie; it reads their headers only. It owns f when it
// succeeds.
func indexTar(ctx context.Context, f *os.File, identity string) (*tarball, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, bare(err)
	}
	t := &tarball{f: f, identity: identity, entries: map[string]entry{}}
	blob := layer.Blob{At: f, Size: info.Size()}
	res, err := layer.Walk(ctx, blob, layer.Options{Limits: indexLimits}, func(e *layer.Entry) error {
		t.note(e)
		return nil
	})
	switch {
	case errors.Is(err, layer.ErrTruncated) && res.Entries > 0:
		return nil, errCut
	case err != nil && res.Entries == 0 && ctx.Err() == nil:
		return nil, errNoTar
	}
	return t, err
}

// note keeps the last of several entries of one name, as unpacking would.
func (t *tarball) note(e *layer.Entry) {
	switch e.Kind {
	case layer.File:
		content, _ := e.At().(*io.SectionReader)
		t.entries[e.Path] = entry{content: content}
	case layer.Hardlink:
		t.entries[e.Path] = entry{link: e.Link}
	case layer.Symlink:
		target := e.Link
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(e.Path), target)
		}
		t.entries[e.Path] = entry{link: layer.Clean(path.Join("/", target))}
	}
}

func (t *tarball) close() error { return t.f.Close() }

// maxLinks is how many links are followed to a file, as in the kernel's path walk.
const maxLinks = 40

func (t *tarball) find(name string) (file, error) {
	at := layer.Clean(name)
	for range maxLinks {
		e, ok := t.entries[at]
		if !ok {
			return file{}, fmt.Errorf("%.200q: %w", name, fs.ErrNotExist)
		}
		if e.link != "" {
			at = e.link
			continue
		}
		if e.content == nil {
			return file{}, fmt.Errorf("%.200q is stored sparse, which cannot be read in place", name)
		}
		return t.file(e), nil
	}
	return file{}, fmt.Errorf("%.200q is a link that leads back to itself", name)
}

func (t *tarball) file(e entry) file {
	_, off, size := e.content.Outer()
	f := file{size: size, open: func() (layer.Blob, error) { return layer.Blob{At: e.content, Size: size}, nil }}
	if t.identity != "" {
		f.identity = fmt.Sprintf("%s,at=%d,length=%d", t.identity, off, size)
	}
	return f
}
