package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Folder is a layer that lies unpacked on this host: a root file system, or the folder that a
// container engine keeps for a layer.
type Folder struct {
	Path string
	// Overlay says that the folder is an upper directory of overlayfs: character devices 0:0 are
	// whiteouts, and an extended attribute marks opaque folders.
	Overlay bool
	// Skip is asked for each path; what it skips is not looked at, nor what is below. Nil skips none. /proc
	// and /sys of a live system, say.
	Skip func(path string) bool
}

// WalkFolder visits everything below a folder, in the order of names. Symbolic links are told and never followed,
// and a folder that is swapped for a link while the walk goes on leads nowhere outside.
func WalkFolder(ctx context.Context, f Folder, limits Limits, visit func(*Entry) error) (Result, error) {
	if limits == (Limits{}) {
		limits = DefaultLimits
	}
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return Result{}, fmt.Errorf("open folder %s: %w", f.Path, err)
	}
	defer root.Close()
	w := &folderWalk{ctx: ctx, folder: f, limits: limits, visit: visit}
	err = w.walk(root, "")
	if err == nil && w.unread.Count > 0 {
		return w.res, &w.unread
	}
	if w.unread.Count > 0 {
		err = errors.Join(err, &w.unread)
	}
	return w.res, err
}

type folderWalk struct {
	ctx    context.Context
	folder Folder
	limits Limits
	visit  func(*Entry) error
	res    Result
	unread UnreadError
}

// UnreadError tells of folders and files of a folder that could not be read: what lies in them is not
// known, all else is.
type UnreadError struct {
	Count int
	Path  string // of the first, inside the folder
	Err   error  // why that one was not
}

func (e *UnreadError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("%s could not be read: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%d folders or files could not be read, the first: %s: %v", e.Count, e.Path, e.Err)
}

func (e *UnreadError) Unwrap() error { return e.Err }

// deny counts what could not be read, and keeps the first; it returns the error with the path inside the
// folder, in place of the single name that was opened.
func (w *folderWalk) deny(at string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	if at == "" {
		at = w.folder.Path
	}
	if w.unread.Count++; w.unread.Err == nil {
		w.unread.Path, w.unread.Err = at, err
	}
	return &fs.PathError{Op: "read", Path: at, Err: err}
}

func (w *folderWalk) walk(dir *os.Root, at string) error {
	if w.folder.Overlay && isOpaque(dir) {
		if err := w.visit(&Entry{Kind: Opaque, Path: at}); err != nil {
			return err
		}
	}
	names, err := list(dir, w.limits.Entries+1)
	if err != nil {
		w.deny(at, err) // of a folder that breaks off, what came before stands
	}
	for _, name := range names {
		if err := w.one(dir, name, at); err != nil {
			return err
		}
	}
	return nil
}

// list gives the names in a folder, at most so many. Names alone: a folder may hold millions.
func list(dir *os.Root, most int) ([]string, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(most)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

func (w *folderWalk) one(dir *os.Root, name, at string) error {
	if w.res.Entries++; w.res.Entries > w.limits.Entries {
		return fmt.Errorf("%w: more than %d entries in one folder", ErrLimit, w.limits.Entries)
	}
	if w.res.Entries%256 == 0 && w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	e := Entry{Path: strings.TrimPrefix(at+"/"+name, "/")}
	if w.limits.tooLong(&e) {
		w.res.Skipped++
		return nil
	}
	if w.folder.Skip != nil && w.folder.Skip(e.Path) {
		return nil // not even asked for: a file system of another machine may not answer
	}
	info, err := dir.Lstat(name)
	if err != nil {
		w.deny(e.Path, err)
		return nil
	}
	e.Mode, e.Size = info.Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky), 0
	e.UID, e.GID = owner(info)
	switch mode := info.Mode(); {
	case mode.IsRegular():
		e.Kind, e.Size = File, info.Size()
		b := &folderBody{dir: dir, name: name, size: e.Size, deny: func(err error) error { return w.deny(e.Path, err) }}
		defer b.close()
		e.body = b
		w.res.Size += e.Size
		return w.visit(&e)
	case mode.IsDir():
		e.Kind = Dir
		if err := w.visit(&e); err != nil {
			return err
		}
		return w.descend(dir, name, e.Path)
	case mode&fs.ModeSymlink != 0:
		e.Kind = Symlink
		if e.Link, err = dir.Readlink(name); err != nil {
			w.deny(e.Path, err)
			return nil
		}
	case w.folder.Overlay && isWhiteout(info):
		e.Kind = Whiteout
	default:
		e.Kind = Device
		e.Mode |= mode & fs.ModeType
	}
	return w.visit(&e)
}

func (w *folderWalk) descend(dir *os.Root, name, at string) error {
	sub, err := dir.OpenRoot(name)
	if err != nil {
		w.deny(at, err)
		return nil
	}
	defer sub.Close()
	return w.walk(sub, at)
}

// folderBody opens its file when it is first asked.
type folderBody struct {
	dir  *os.Root
	name string
	size int64
	deny func(error) error
	f    *os.File
	err  error // why it cannot be opened
	buf  []byte
}

func (b *folderBody) open() error {
	if b.f != nil || b.err != nil {
		return b.err
	}
	// Not blocking, in case the file has become a pipe since it was listed.
	f, err := b.dir.OpenFile(b.name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		b.err = b.deny(err)
		return b.err
	}
	b.f = f
	return nil
}

func (b *folderBody) close() {
	if b.f != nil {
		b.f.Close()
	}
}

func (b *folderBody) head(n int) ([]byte, error) {
	if err := b.open(); err != nil {
		return nil, err
	}
	b.buf = make([]byte, n)
	m, err := b.f.ReadAt(b.buf, 0)
	if err == io.EOF {
		err = nil
	}
	return b.buf[:m], err
}

func (b *folderBody) reader() (io.Reader, error) {
	if err := b.open(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(b.f, 0, b.size), nil
}

func (b *folderBody) at() io.ReaderAt {
	if b.open() != nil {
		return nil
	}
	return io.NewSectionReader(b.f, 0, b.size)
}
