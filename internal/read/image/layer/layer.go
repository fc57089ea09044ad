// Package layer walks the layers of an image: tars, compressed or not, and folders.
//
// [Walk] reads a layer once, from front to back, and hands each entry to a visitor as the container
// would come to see it: a clean path relative to the root, whiteouts and opaque folders told as such.
// An uncompressed tar with random access is skipped through: only headers are read, and the bodies
// that the visitor asks for. A compressed layer is inflated on a goroutine of its own while its
// entries are visited.
//
// Nothing is ever written under a name that comes from a layer. Bodies that need random access and
// come from a stream are copied into a bounded [Buffer].
package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
)

// Kind is what an entry is.
type Kind uint8

// The kinds of entry.
const (
	File Kind = iota
	Dir
	Symlink
	Hardlink // Link is another path of the image, relative to its root
	Device   // devices, pipes and sockets
	Whiteout // Path is removed from the layers below
	Opaque   // all that the layers below hold under Path is removed
)

// Entry is one entry of a layer. It and its body are valid until the visitor returns.
type Entry struct {
	Kind Kind
	Path string // clean, with slashes, relative to the root; "" is the root
	Link string // as written, for Symlink; clean and relative to the root, for Hardlink
	Size int64
	Mode fs.FileMode // permission, setuid, setgid and sticky bits; of a Device, also what kind it is
	UID  int
	GID  int

	capability string // the extended attribute, of a tar
	body       body
}

// body gives access to a file's bytes.
type body interface {
	// head returns the first bytes, at most n.
	head(n int) ([]byte, error)
	// reader returns the bytes from the front, once.
	reader() (io.Reader, error)
	// at returns random access where it costs nothing; nil otherwise.
	at() io.ReaderAt
}

// Head returns up to n of the first bytes of a file; n is at most 512.
func (e *Entry) Head(n int) ([]byte, error) {
	switch {
	case e.Size == 0:
		return nil, nil
	case e.body == nil:
		return nil, ErrNoBody
	}
	return e.body.head(min(n, 512))
}

// Open returns the bytes of a file as a stream. It can be called once.
func (e *Entry) Open() (io.Reader, error) {
	if e.body == nil {
		return nil, ErrNoBody
	}
	return e.body.reader()
}

// At returns random access to a file where its layer has it, nil where it is a stream.
func (e *Entry) At() io.ReaderAt {
	if e.body == nil {
		return nil
	}
	return e.body.at()
}

// Capability returns the extended attribute of a file that holds its capabilities (capabilities(7)), as it
// is stored; empty when it has none.
func (e *Entry) Capability() string {
	if b, ok := e.body.(*folderBody); ok {
		return b.capability()
	}
	return e.capability
}

// Errors that a caller tells apart.
var (
	// ErrNoBody says that a file's bytes cannot be had: it is sparse, or not a file.
	ErrNoBody = errors.New("it is stored sparse, and such files are not read")
	// ErrDigest says that bytes are not those that the manifest names.
	ErrDigest = errors.New("digest does not match")
	// ErrLimit says that a bound was reached and the rest was not read.
	ErrLimit = errors.New("limit reached")
	// ErrTotal says that the bytes of Options.Total were used up.
	ErrTotal = fmt.Errorf("%w: the layers of the image hold too many bytes", ErrLimit)
	// ErrTruncated says that a layer ends before its archive does.
	ErrTruncated = errors.New("the layer is cut short")
)

// Limits bound what one layer may cost.
type Limits struct {
	Entries      int   // entries of a tar or folder
	Uncompressed int64 // bytes of a layer that is read from front to back, as they come out of its compression
	PathLength   int   // bytes of a path or of a link's target; longer ones are passed over and counted
}

// maxNesting bounds how many folders a path may lead through. What lies deeper is passed over and
// counted, as what has too long a path is.
const maxNesting = 256

func (l Limits) tooLong(e *Entry) bool {
	return len(e.Path) > l.PathLength || len(e.Link) > l.PathLength || len(e.Path) > 2*maxNesting && strings.Count(e.Path, "/") >= maxNesting
}

// DefaultLimits are far above any honest image.
var DefaultLimits = Limits{Entries: 5_000_000, Uncompressed: 64 << 30, PathLength: 4096}

// Blob is a layer as it is stored. At and Size are set where it can be read at random.
type Blob struct {
	Stream io.ReadCloser // from the front; nil when At is set
	At     io.ReaderAt
	Size   int64 // bytes as stored; -1 when unknown
	Close  func() error
}

// Options of one walk.
type Options struct {
	Limits Limits
	// Digest and DiffID are what the manifest and the configuration claim, "sha256:HEX"; empty when
	// they claim nothing. What is read in full is held against them.
	Digest, DiffID string
	// Total is how many bytes more all layers of an image may hold together, of those that are read from
	// front to back; nil bounds nothing.
	Total *atomic.Int64
	// Verify reads and hashes every byte also where it could be skipped.
	Verify bool
}

// Result is what a walk found out of a layer as a whole.
type Result struct {
	Entries  int
	Size     int64  // bytes of all files
	Digest   string // as computed; empty where the layer was skipped through
	DiffID   string // as computed; empty where the layer was skipped through
	Verified bool   // every byte was read, and what was claimed held
	Skipped  int    // entries passed over for the length or depth of their path
	Streamed int64  // bytes that were read from front to back, as they came out of the compression
}

// Walk visits every entry of a blob in its order. It stops at the first error of the visitor or the
// archive; what was visited before stands.
func Walk(ctx context.Context, b Blob, o Options, visit func(*Entry) error) (Result, error) {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits
	}
	src, err := open(ctx, b, o)
	if err != nil {
		return Result{}, err
	}
	res, err := walkTar(ctx, src, o.Limits, visit)
	sums, closeErr := src.finish(err == nil)
	if err == nil {
		err = closeErr
	}
	res.Digest, res.DiffID, res.Streamed = sums.digest, sums.diffID, src.streamed()
	res.Verified = err == nil && sums.diffID != ""
	return res, err
}
