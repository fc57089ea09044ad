package harden

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
)

// overlay is a root as it would be with some files more, or others.
type overlay struct {
	fs.FS
	files   map[string]*remedy.File
	folders map[string]bool // that come with them
	ended   map[string]bool // what the kernel says of processes that would be others
}

// over hides the processes of static pods: they would be started anew, by their manifests.
func over(root fs.FS, files []remedy.File, h *host.Host) *overlay {
	o := &overlay{FS: root, files: map[string]*remedy.File{}, folders: map[string]bool{}, ended: map[string]bool{}}
	for i := range files {
		name := strings.TrimPrefix(path.Clean("/"+files[i].Path), "/")
		o.files[name] = &files[i]
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			o.folders[dir] = true
		}
	}
	for _, c := range h.Components {
		if c.Manifest != "" && c.Process != 0 {
			o.ended["proc/"+strconv.Itoa(c.Process)] = true
		}
	}
	return o
}

func (o *overlay) hidden(name string) bool {
	parts := strings.SplitN(name, "/", 3)
	return len(parts) > 1 && o.ended[parts[0]+"/"+parts[1]]
}

func (o *overlay) Open(name string) (fs.File, error) {
	if f := o.files[name]; f != nil {
		return &opened{info{path.Base(name), f.Mode, int64(len(f.After))}, bytes.NewReader(f.After)}, nil
	}
	if o.hidden(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.FS.Open(name)
}

func (o *overlay) Lstat(name string) (fs.FileInfo, error) {
	if f := o.files[name]; f != nil {
		return info{path.Base(name), f.Mode, int64(len(f.After))}, nil
	}
	if o.hidden(name) {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	have, err := fs.Lstat(o.FS, name)
	if err != nil && o.folders[name] {
		return info{path.Base(name), fs.ModeDir | 0o700, 0}, nil
	}
	return have, err
}

func (o *overlay) Stat(name string) (fs.FileInfo, error) {
	if o.files[name] != nil || o.hidden(name) || o.folders[name] {
		return o.Lstat(name)
	}
	return fs.Stat(o.FS, name)
}

func (o *overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.FS, name) }

func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }

// info is what is known of a file that is not there yet: it will be root's.
type info struct {
	name string
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return host.Owned{} }

type opened struct {
	info
	io.Reader
}

func (o *opened) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *opened) Close() error               { return nil }
