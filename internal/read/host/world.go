package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what is read of a host.
const (
	maxFile      = 4 << 20
	maxFiles     = 20_000 // looked at
	maxBelow     = 2_000  // in one folder, with all below it
	maxLinks     = 40     // that one path may follow, as in Linux
	maxArguments = 1 << 20
	maxProcesses = 200_000
)

// world is a root with what was looked at in it. It is filled by a reader, and asked by judges.
type world struct {
	fs            fs.FS
	files         map[string]*File
	users, groups map[int]string
	full          bool     // maxFiles were looked at
	cut           []string // folders of which not all was looked at
}

func newWorld(fsys fs.FS) *world {
	w := &world{fs: fsys, files: map[string]*File{}}
	w.users, w.groups = w.ids("/etc/passwd"), w.ids("/etc/group")
	return w
}

func (w *world) known(name string) *File { return w.files[path.Clean("/"+name)] }

func (w *world) below(folder string) (all []*File) {
	prefix := strings.TrimSuffix(path.Clean("/"+folder), "/") + "/"
	for name, f := range w.files {
		if strings.HasPrefix(name, prefix) && f.Is() {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// ids are the names of users or groups by number.
func (w *world) ids(file string) map[int]string {
	names := map[int]string{}
	b, err := w.read(file)
	if err != nil {
		return names
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 {
			continue
		}
		if id, err := strconv.Atoi(fields[2]); err == nil && names[id] == "" {
			names[id] = fields[0]
		}
	}
	return names
}

// resolve follows the links of a path as a process would whose root this is: none leads out of it.
func (w *world) resolve(name string) (string, fs.FileInfo, error) {
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	at, links := ".", 0
	var info fs.FileInfo
	for len(rest) > 0 {
		step := rest[0]
		rest = rest[1:]
		if step == "" || step == "." {
			continue
		}
		if step == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, step)
		var err error
		if info, err = fs.Lstat(w.fs, next); err != nil {
			return "", nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, fmt.Errorf("%s: too many links", name)
		}
		to, err := fs.ReadLink(w.fs, next)
		if err != nil {
			return "", nil, err
		}
		if path.IsAbs(to) {
			at = "."
		}
		rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
	}
	info, err := fs.Stat(w.fs, at)
	return at, info, err
}

// isLink says that the last step of a path is a link.
func (w *world) isLink(name string) bool {
	name = path.Clean("/" + name)
	dir, _, err := w.resolve(path.Dir(name))
	if err != nil {
		return false
	}
	info, err := fs.Lstat(w.fs, path.Join(dir, path.Base(name)))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// read is what a regular file holds.
func (w *world) read(name string) ([]byte, error) {
	at, info, err := w.resolve(name)
	if err != nil {
		return nil, err
	}
	return w.readAt(at, info)
}

func (w *world) readAt(at string, info fs.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := w.fs.Open(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		return nil, fmt.Errorf("it is larger than the %d MiB that are read", maxFile>>20)
	}
	return b, err
}

// list are the names in a folder.
func (w *world) list(name string) ([]fs.DirEntry, error) {
	at, _, err := w.resolve(name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(w.fs, at)
}

// look looks at a file or a folder, and reads a file whose contents are understood.
func (w *world) look(name string) *File { return w.lookAs(name, nil) }

// lookAs reads a file by a way of its own, whatever it is called.
func (w *world) lookAs(name string, as func(name string, b []byte) (*Contents, error)) *File {
	name = path.Clean("/" + name)
	if f := w.files[name]; f != nil {
		return f
	}
	if len(w.files) >= maxFiles {
		w.full = true
		return &File{Path: name, Why: "more files are named than are looked at"}
	}
	f := &File{Path: name, UID: -1, GID: -1}
	w.files[name] = f
	at, info, err := w.resolve(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Missing = true
		return f
	case err != nil:
		f.Why = cause(err)
		return f
	}
	f.Mode, f.Size = info.Mode(), info.Size()
	if uid, gid, ok := ownerOf(info); ok {
		f.UID, f.GID, f.Owner, f.Group = uid, gid, named(w.users, uid), named(w.groups, gid)
	}
	if as == nil && understood(name, info.Size()) {
		as = contents
	}
	if info.Mode().IsRegular() && as != nil {
		b, err := w.readAt(at, info)
		if err != nil {
			f.Why = cause(err)
			return f
		}
		f.Contents, err = as(name, b)
		if err != nil {
			f.Why = cause(err)
		}
	}
	return f
}

// lookBelow looks at all of a folder.
func (w *world) lookBelow(folder string) {
	if w.known(folder) != nil && w.known(folder).Missing {
		return
	}
	w.look(folder)
	todo := []string{path.Clean("/" + folder)}
	for n := 0; len(todo) > 0 && n <= maxBelow; {
		dir := todo[0]
		todo = todo[1:]
		entries, err := w.list(dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				w.look(dir).Why = cause(err)
			}
			continue
		}
		for _, e := range entries {
			n++
			name := path.Join(dir, e.Name())
			w.look(name)
			if e.IsDir() {
				todo = append(todo, name)
			}
		}
	}
	if len(todo) > 0 {
		w.cut = append(w.cut, path.Clean("/"+folder))
	}
}

func named(names map[int]string, id int) string {
	if n := names[id]; n != "" {
		return n
	}
	return strconv.Itoa(id)
}

// cause is an error without the path, which stands beside it.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
