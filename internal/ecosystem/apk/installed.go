package apk

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxDatabase = 512 << 20 // bytes of a database; a large image's is 5 MB
	maxLine     = 1 << 20
	maxPackages = 100_000
	maxFiles    = 5_000_000 // over all packages
	maxDepends  = 2_000     // of one package
)

// readInstalled reads paragraphs of lines "X:value", one for each package
// (https://wiki.alpinelinux.org/wiki/Apk_spec, "Installed Database V2").
func readInstalled(f *ecosystem.File) (ecosystem.Found, error) {
	r := reader{provided: map[string]string{}}
	in := &io.LimitedReader{R: f.Reader, N: maxDatabase}
	err := r.read(in)
	if err == nil && in.N == 0 {
		err = ecosystem.Limit("more than %d bytes", maxDatabase)
	}
	r.resolve()
	if err != nil {
		err = fmt.Errorf("read the apk database: %w", err)
	}
	return ecosystem.Found{Packages: r.packages}, err
}

type reader struct {
	packages []ecosystem.Package
	provided map[string]string // what a package provides, so:libc.musl-x86_64.so.1 → its name
	files    int

	p        ecosystem.Package
	folder   string
	provides []string
	broken   error // what first made no sense
}

func (r *reader) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for number := 1; lines.Scan(); number++ {
		switch line := lines.Bytes(); {
		case len(line) == 0:
			r.finish()
		case len(line) < 2 || line[1] != ':':
			r.breaks("line %d is no field: %.60q", number, line)
		case strings.IndexByte(fields, line[0]) >= 0:
			r.field(line[0], string(line[2:]))
		}
		if len(r.packages) >= maxPackages || r.files >= maxFiles {
			return ecosystem.Limit("more than %d packages or %d files", maxPackages, maxFiles)
		}
	}
	r.finish()
	if err := lines.Err(); err != nil {
		return err
	}
	return r.broken
}

// breaks keeps the first thing that makes no sense; apk itself would refuse the database. What can be
// read is read all the same.
func (r *reader) breaks(format string, args ...any) {
	if r.broken == nil {
		r.broken = fmt.Errorf(format, args...)
	}
}

// fields are the keys that are read. Others are passed over without a copy.
const fields = "PVAomLCDpFR"

func (r *reader) field(key byte, v string) {
	switch key {
	case 'P':
		r.p.Name = v
	case 'V':
		r.p.Version = v
	case 'A':
		r.p.Arch = v
	case 'o':
		r.p.SourceName = v
	case 'm':
		r.p.Maintainer = v
	case 'L':
		r.p.Licenses = []string{v}
	case 'C':
		r.p.Digests = digest(v)
	case 'D':
		r.p.Depends = strings.Fields(v)
	case 'p':
		r.provides = strings.Fields(v)
	case 'F':
		r.folder = strings.Trim(v, "/")
	case 'R':
		r.files++
		r.p.Files = append(r.p.Files, strings.TrimPrefix(r.folder+"/"+v, "/"))
	}
}

// finish ends a paragraph. Virtual packages, which "apk add --virtual" makes, begin with a dot and
// have nothing in them.
func (r *reader) finish() {
	if p := r.p; p.Name != "" && p.Name[0] != '.' && p.Version != "" {
		p.Type = "apk"
		r.packages = append(r.packages, p)
		for _, v := range r.provides {
			r.provided[capability(v)] = p.Name
		}
	}
	if (r.p.Name == "") != (r.p.Version == "") {
		r.breaks("a package lacks its name or version: %.100q %.100q", r.p.Name, r.p.Version)
	}
	r.p, r.folder, r.provides = ecosystem.Package{}, "", nil
}

// resolve turns what packages ask for into the names of the installed packages that give it. What
// nobody gives stays out: conflicts ("!x"), paths, and what was removed by force.
func (r *reader) resolve() {
	for i := range r.packages {
		r.provided[r.packages[i].Name] = r.packages[i].Name
	}
	for i := range r.packages {
		p := &r.packages[i]
		var names []string
		seen := map[string]bool{p.Name: true}
		for _, want := range p.Depends {
			if by := r.provided[capability(want)]; by != "" && !seen[by] && len(names) < maxDepends {
				seen[by] = true
				names = append(names, by)
			}
		}
		p.Depends = names
	}
}

// capability is a dependency or provision without its version and repository: "so:libz.so.1=1.3",
// "busybox>=1.36@edge".
func capability(s string) string {
	if i := strings.IndexAny(s, "=<>~@"); i >= 0 {
		return s[:i]
	}
	return s
}

// digest reads a checksum: Q and a digit for the algorithm, then base64.
func digest(v string) []string {
	algorithm, size := "sha1", 20
	switch {
	case strings.HasPrefix(v, "Q1"):
	case strings.HasPrefix(v, "Q2"):
		algorithm, size = "sha256", 32
	default:
		return nil
	}
	sum, err := base64.StdEncoding.DecodeString(v[2:])
	if err != nil || len(sum) != size {
		return nil
	}
	return []string{algorithm + ":" + hex.EncodeToString(sum)}
}
