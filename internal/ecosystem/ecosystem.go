// Package ecosystem says what a kind of package is: how its files are recognised in an image, how
// they are read, how versions are ordered and how advisories call it.
//
// Each kind is one [Ecosystem] value in a folder of its own; folder all lists them. A walk offers
// every regular file to Wants, hands the wanted ones to Read, and merges what comes back; nothing
// here opens a file, writes one or asks a network.
//
// What Read is given is hostile: it bounds every length, depth and count that it takes from the
// bytes, and returns an error, never a panic, when they make no sense.
package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Ecosystem is one kind of package.
type Ecosystem struct {
	// Name is the folder's name: deb, apk, rpm, golang, npm …
	Name string

	// Version counts up when Read's answer for the same bytes changes; cached layers follow it.
	Version int

	// Wants says whether Read is to see this file. It is asked for every file of an image, so it is
	// quick and looks at the name first.
	Wants func(Stat) bool

	// Read turns one wanted file into what it says. It reads no more than it needs. A file that turns
	// out to be something else gives an empty Found and no error; one that is what its name says but
	// broken gives an error, with what could be read before it.
	Read func(ctx context.Context, f *File) (Found, error)

	// Late is set when Read must see other wanted files of the same layer (through File.Sibling): the
	// walk then holds the files of this ecosystem until it has seen the whole layer.
	Late bool

	// Fixed are paths where the package manager itself looks. They are found through symbolic links too,
	// under which the walk would not meet them.
	Fixed []string

	// OneOf says that the Fixed paths are places and forms of one and the same database: the first of
	// them that the container sees with packages in it counts, and what others say is out of date.
	OneOf bool

	// Better names the file that says the same as a wanted one and more, empty when there is none: where the
	// container sees that one, the other does not count. Nil: every file counts.
	Better func(path string) string

	// Database says that each wanted file tells of the whole set of packages, so that the packages of
	// a layer are told by comparing the file with the one in the layer below.
	Database bool

	// OS is set for the package managers of distributions: they own files, and their packages are
	// matched against the distribution's advisories.
	OS bool

	// Advisories names the feeds' ecosystem for a package: "npm", "Go", "Debian:12". It is false when
	// no advisory could speak of such a package on this distribution. Release is zero where none is known.
	Advisories func(p Package, on Release) (string, bool)

	// ThirdParty says that a package was made by somebody other than the distribution, so that its
	// advisories do not speak of it, nor of what it brings. Nil: every package is the distribution's.
	ThirdParty func(p Package, on Release) bool

	// OtherRelease says that a package was built for a newer release of its distribution than the one it
	// stands on, or backported to it. Advisories for this release do not know it: they are compared all
	// the same, and a gap says so. Nil: never.
	OtherRelease func(p Package, on Release) bool

	// AdvisoryVersion is the version that advisories compare; nil: Package.Version. Distributions whose
	// advisories speak of source packages compare the source's version.
	AdvisoryVersion func(p Package) string

	// Compare orders two versions: negative when a is older than b. It is nil for kinds whose packages
	// are never matched.
	Compare func(a, b string) (int, error)

	// Key is the name under which advisories file a package, after the ecosystem's own rules for
	// equal names (PEP 503 for Python); nil when it is FullName.
	Key func(p Package) string
}

// Stat is what is known of a file before it is read.
type Stat struct {
	Path string      // relative to the root, clean, with slashes, no leading one
	Size int64       // bytes
	Mode fs.FileMode // permission bits and type
	Head []byte      // the first bytes, up to 64; fewer when the file is shorter
}

// Base is the last element of the path.
func (s Stat) Base() string { return s.Path[strings.LastIndexByte(s.Path, '/')+1:] }

// Under says whether the path is dir or lies below it.
func (s Stat) Under(dir string) bool {
	return len(s.Path) > len(dir) && s.Path[len(dir)] == '/' && s.Path[:len(dir)] == dir || s.Path == dir
}

// ELF, PE and Mach-O executables begin with these bytes.
const elfMagic = "\x7fELF"

// IsELF says whether the file begins as an ELF object.
func (s Stat) IsELF() bool { return strings.HasPrefix(string(s.Head), elfMagic) }

// File is a wanted file. Read it as a stream, or ask for ReaderAt when random access is needed: where
// the bytes come from a compressed layer that makes a bounded copy. Do one or the other.
type File struct {
	Stat
	io.Reader

	// At gives random access to all Size bytes. It is never nil.
	At func() (io.ReaderAt, error)

	// Sibling opens another wanted file of the same layer by its path; only for Late ecosystems.
	Sibling func(path string) (*File, bool)
}

// ErrLimit is wrapped by errors that say a bound was reached: what was read is true but not all.
var ErrLimit = errors.New("limit reached")

// Limit is an error for a bound that was reached, which names the bound.
func Limit(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrLimit}, args...)...)
}

// ReadAll reads a whole stream of at most limit bytes.
func (f *File) ReadAll(limit int64) ([]byte, error) {
	if f.Size > limit {
		return nil, Limit("%d bytes, at most %d are read", f.Size, limit)
	}
	b, err := io.ReadAll(io.LimitReader(f.Reader, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = Limit("more than %d bytes", limit)
	}
	return b, err
}

// Found is what a file says.
type Found struct {
	Packages []Package
	Owned    []Owned
	Release  *Release
	Notes    []Note
	Origin   *Origin
	Asks     *Asks
	Includes []Include
}

// Asks is what a manifest asks for without saying which versions it gets, or those of what that needs in
// turn. It is answered by a lock file, or by the packages themselves where they are installed; else
// nobody knows what the project runs with. Where Locks are named, the packages of the manifest itself count
// only as long as nothing answers. Names are those that Ecosystem.Key gives.
type Asks struct {
	Names []string
	Maybe []string // asked for on some platforms only: they count when nothing else is installed either
	Locks []string // base names of the files that answer, beside the manifest or in a folder above it
	Local []string // folders of the project in which its packages are installed, all that it needs; nil: one place for all projects
	More  bool     // it asks for what cannot be told by name
}

// Include is another file whose words count as the file's own.
type Include struct {
	Path string // relative to the root
	As   string // the path under which Read knows what to do with it; in the same folder
	Only bool   // it only narrows what the file says itself: nothing is missed without it
}

// Origin is what a file says of where the packages of another file come from.
type Origin struct {
	Of         string   // the name of the other file, in the same folder and read by the same ecosystem
	Qualifiers []string // of their purls, KEY=VALUE
	Main       bool     // they are the project's own
}

// Owned lists files that a package manager installed. Paths are relative to the root. The same
// package may be told in several pieces.
type Owned struct {
	Package string // Package.Name, or NAME:ARCH where several architectures can be installed
	Paths   []string
}

// Note is something in a file that was not assessed: a class of gap and a sentence.
type Note struct {
	Class    string // limit-reached, unreadable-package, unknown-version …
	Blocking bool
	What     string
	Path     string // inside the file, when it is an archive
}

// Package is one package as a file tells of it.
type Package struct {
	Type       string // the purl type
	Namespace  string // the purl namespace: npm scope, Maven group, Go module prefix
	Name       string
	Version    string // as the package manager writes it; empty when unknown
	Arch       string
	SourceName string // what a distribution built it from; empty when it is Name
	SourceVer  string // empty when it is Version
	Module     string // rpm module stream, NAME:STREAM
	Vendor     string
	Maintainer string
	Licenses   []string // as declared; not always SPDX
	Digests    []string // ALGORITHM:HEX
	Qualifiers []string // further purl qualifiers, KEY=VALUE
	Depends    []string // names of packages of the same kind, as far as the file says
	Files      []string // the files it owns, when the same file says so; relative to the root
	Inner      string   // path inside the archive, nested archives parted by "!/"
	Line       int      // where the file declares it, from 1
	Declared   bool     // named by a lock file, not installed
	Dev        bool     // declared for development only
	Data       bool     // headers or data only, no code
	Heuristic  bool     // known by a version string or a file name only
	Main       bool     // the program or project itself and not one of its dependencies
}

// FullName is namespace and name as advisories write them: "@scope/name", "group:artifact",
// "github.com/x/y", "vendor/name".
func (p Package) FullName() string {
	if p.Namespace == "" {
		return p.Name
	}
	if p.Type == "maven" {
		return p.Namespace + ":" + p.Name
	}
	return p.Namespace + "/" + p.Name
}
