package apk

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
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
	switch {
	case err != nil:
	case in.N == 0:
		err = ecosystem.Limit("more than %d bytes", maxDatabase)
	case r.broken > 0:
		err = fmt.Errorf("%d lines or packages that apk would not take, the first at line %d: %s", r.broken, r.brokenAt, r.brokenWhy)
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
	virtual  bool
	begun    bool // the paragraph has a line

	number    int // of the line
	broken    int // places that are not of the format
	brokenAt  int
	brokenWhy string
}

// breaks notes a place that is not of the format. What else the file says is still read.
func (r *reader) breaks(why string) {
	if r.broken++; r.broken == 1 {
		r.brokenAt, r.brokenWhy = r.number, why
	}
}

func (r *reader) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		line := lines.Bytes()
		r.number++
		r.begun = r.begun || len(line) > 0
		if bytes.IndexByte(line, 0) >= 0 {
			r.breaks("a zero byte, as in a file whose end or block was lost")
		}
		switch {
		case len(line) == 0:
			r.finish()
		case len(line) < 2 || line[1] != ':':
			if r.number == 1 && bytes.HasPrefix(line, []byte(adbMagic)) {
				return errors.New("apk 3's own format (ADB) is not read as a list of installed packages")
			}
			r.breaks("no field")
		case strings.IndexByte(fields, line[0]) >= 0:
			r.field(line[0], string(line[2:]))
		}
		if len(r.packages) >= maxPackages || r.files >= maxFiles {
			return ecosystem.Limit("more than %d packages or %d files", maxPackages, maxFiles)
		}
	}
	r.finish()
	return lines.Err()
}

// fields are the keys that are read. Others are passed over without a copy.
const fields = "PVAoTmLCDpFR"

// adbMagic begins the format in which apk 3 keeps indexes and packages. What is installed it still
// lists as text.
const adbMagic = "ADB"

// virtualText is how apk describes what "apk add --virtual" makes.
const virtualText = "virtual meta package"

func (r *reader) field(key byte, v string) {
	switch key {
	case 'P':
		if r.p.Name != "" {
			r.breaks(fmt.Sprintf("two packages in one paragraph: %.80q and %.80q", r.p.Name, v))
		}
		r.p.Name = v
	case 'V':
		r.p.Version = v
	case 'A':
		r.p.Arch = v
	case 'o':
		r.p.SourceName = v
	case 'T':
		r.virtual = v == virtualText
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

// finish ends a paragraph. Virtual packages, which "apk add --virtual" makes, are called by a name of
// the user's own, mostly with a dot before it, and have nothing in them.
func (r *reader) finish() {
	switch p := r.p; {
	case !r.begun:
	case p.Name == "" || p.Version == "":
		r.breaks(fmt.Sprintf("package %.80q without a name or a version", p.Name))
	case p.Name[0] != '.' && !r.virtual:
		p.Type = "apk"
		r.packages = append(r.packages, p)
		for _, v := range r.provides {
			r.provided[capability(v)] = p.Name
		}
	}
	r.p, r.folder, r.provides, r.virtual = ecosystem.Package{}, "", nil, false
	r.begun = false
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
