package deb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxStatus   = 512 << 20 // bytes of a status file; the largest in the field are near 10 MB
	maxLine     = 64 << 10  // bytes of one line
	maxField    = 1 << 20   // bytes of one field with its continuation lines
	maxPackages = 200_000
	maxDepends  = 2_000 // names in one package's dependencies
)

// readStatus reads paragraphs of the control format (deb822(5)) as they stream by: most of a status
// file is descriptions and lists of configuration files, which are passed over without a copy. With
// needStatus, only packages that dpkg says are on the disk count.
func readStatus(f *ecosystem.File, kind string, needStatus bool) (ecosystem.Found, error) {
	r := statusReader{kind: kind, needStatus: needStatus, names: map[string]string{}}
	err := r.read(io.LimitReader(f.Reader, maxStatus+1))
	switch {
	case err != nil:
	case r.bytes > maxStatus:
		err = ecosystem.Limit("more than %d bytes", maxStatus)
	case r.broken > 0:
		err = fmt.Errorf("%d lines or paragraphs that dpkg would not take, the first at line %d: %s", r.broken, r.brokenAt, r.brokenWhy)
	}
	if err != nil {
		err = fmt.Errorf("read the list of installed packages: %w", err)
	}
	found := ecosystem.Found{Packages: r.packages}
	if err == nil && needStatus && r.open && len(r.packages) > 0 {
		found.Notes = []ecosystem.Note{{
			Class: "unreadable-database",
			What:  "the list of installed packages ends within a line, where dpkg ends it with an empty one: packages may be cut off",
		}}
	}
	return found, err
}

// statusReader gathers one package after the other.
type statusReader struct {
	kind       string
	needStatus bool
	packages   []ecosystem.Package
	names      map[string]string // every text once: names and maintainers come again and again
	bytes      int64

	p        ecosystem.Package
	stated   bool // there is a Status field
	present  bool
	section  string
	depends  []string // a store that all packages' Depends are cut from
	from     int      // where in it those of p begin
	field    field
	value    []byte // of field, continuation lines joined by a blank
	cut      bool   // a line was longer than maxLine
	overlong bool

	open      bool // the last line has no end
	number    int  // of the line
	fields    int  // of the paragraph, kept or not
	broken    int  // places that are not of the format
	brokenAt  int
	brokenWhy string
}

// breaks notes a place that is not of the format. What else the file says is still read; the first
// place is told.
func (r *statusReader) breaks(why string) {
	if r.broken++; r.broken == 1 {
		r.brokenAt, r.brokenWhy = r.number, why
	}
}

func (r *statusReader) read(in io.Reader) error {
	b := bufio.NewReaderSize(in, maxLine)
	for {
		line, err := r.line(b)
		r.open = err == io.EOF && len(line) > 0
		if len(line) > 0 || err == nil {
			r.take(line)
		}
		switch {
		case err == io.EOF:
			r.finish()
			if r.overlong {
				return ecosystem.Limit("a field is longer than %d bytes", maxLine)
			}
			return nil
		case err != nil:
			r.finish()
			return err
		case len(r.packages) >= maxPackages:
			return ecosystem.Limit("more than %d packages", maxPackages)
		}
	}
}

// line returns the next line without its end. Of one that is too long it returns the beginning.
func (r *statusReader) line(b *bufio.Reader) ([]byte, error) {
	line, err := b.ReadSlice('\n')
	r.bytes += int64(len(line))
	r.cut = errors.Is(err, bufio.ErrBufferFull)
	if r.cut {
		line = bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			var rest []byte
			rest, err = b.ReadSlice('\n')
			r.bytes += int64(len(rest))
		}
	}
	return bytes.TrimRight(line, "\r\n"), err
}

func (r *statusReader) take(line []byte) {
	r.number++
	if bytes.IndexByte(line, 0) >= 0 {
		r.breaks("a zero byte, as in a file whose end or block was lost")
	}
	if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		if r.field != nothing && len(r.value)+len(line) < maxField {
			r.value = append(append(r.value, ' '), bytes.TrimSpace(line)...)
			r.overlong = r.overlong || r.cut
		}
		return
	}
	r.endField()
	if len(line) == 0 {
		r.finish()
		return
	}
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(name) == 0 {
		r.breaks("no field")
		return
	}
	r.fields++
	if r.field = fieldOf(name); r.field != nothing {
		r.value = append(r.value[:0], bytes.TrimSpace(value)...)
		r.overlong = r.overlong || r.cut
	}
}

// text keeps a copy of b, one for all equal ones.
func (r *statusReader) text(b []byte) string {
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	s := string(b)
	r.names[s] = s
	return s
}

func (r *statusReader) endField() {
	v := r.value
	switch r.field {
	case packageField:
		if r.p.Name != "" {
			r.breaks(fmt.Sprintf("two packages in one paragraph: %.80q and %.80q", r.p.Name, v))
		}
		r.p.Name = r.text(v)
	case versionField:
		r.p.Version = r.text(v)
	case archField:
		r.p.Arch = r.text(v)
	case maintainerField:
		r.p.Maintainer = r.text(v)
	case sectionField:
		r.section = r.text(v)
	case statusField:
		var known bool
		if r.present, known = onDisk(v); !known {
			r.breaks(fmt.Sprintf("an unknown status, %.80q", v))
		}
		r.stated = true
	case sourceField:
		name, version, _ := bytes.Cut(v, []byte{'('})
		r.p.SourceName = r.text(bytes.TrimSpace(name))
		r.p.SourceVer = r.text(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(version), []byte{')'})))
	case dependsField:
		r.addDepends(v)
	}
	r.field = nothing
}

// finish ends a paragraph.
func (r *statusReader) finish() {
	r.endField()
	switch p := r.p; {
	case p.Name == "" && r.fields > 0:
		r.breaks("a package without a name")
	case r.fields == 0:
	case r.needStatus && !r.stated:
		r.breaks(fmt.Sprintf("package %.80q without a status", p.Name))
	case r.needStatus && !r.present: // removed, or never there
	case p.Version == "":
		r.breaks(fmt.Sprintf("package %.80q without a version", p.Name))
	default:
		p.Type = r.kind
		p.Data = isData(p.Name, r.section)
		p.Depends = r.depends[r.from:len(r.depends):len(r.depends)]
		if len(p.Depends) == 0 {
			p.Depends = nil
		}
		r.packages = append(r.packages, p)
	}
	r.p, r.section = ecosystem.Package{}, ""
	r.stated, r.present, r.from, r.fields = false, false, len(r.depends), 0
}

// addDepends keeps the names of "libc6 (>= 2.36), debconf | debconf-2.0, python3:any": of
// alternatives all, because the file does not say here which one is installed.
func (r *statusReader) addDepends(v []byte) {
	for len(v) > 0 && len(r.depends)-r.from < maxDepends {
		end := bytes.IndexAny(v, ",|")
		one := v
		if end >= 0 {
			one, v = v[:end], v[end+1:]
		} else {
			v = nil
		}
		one = bytes.TrimLeft(one, " ")
		if i := bytes.IndexAny(one, " (:["); i >= 0 {
			one = one[:i]
		}
		if len(one) > 0 {
			r.depends = append(r.depends, r.text(one))
		}
	}
}

// onDisk reads the third word of a Status field (dpkg-query(1)): true for all states in which the files
// of the package are there, also when its configuration failed or waits.
func onDisk(status []byte) (there, known bool) {
	i := bytes.LastIndexByte(status, ' ')
	switch string(status[i+1:]) {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending", "post-inst-failed", "removal-failed": // the last two are opkg's
		return true, true
	case "not-installed", "config-files", "half-installed":
		return false, true
	}
	return false, false
}

// isData knows packages of which no file is code, as far as their name and section tell. The file
// lists tell it of others.
func isData(name, section string) bool {
	switch section[strings.LastIndexByte(section, '/')+1:] {
	case "doc", "fonts", "localization":
		return true
	}
	switch name {
	case "linux-libc-dev", "tzdata", "media-types", "mime-support", "netbase", "iso-codes":
		return true
	}
	return strings.HasSuffix(name, "-doc") || strings.HasPrefix(name, "linux-headers-") && strings.HasSuffix(name, "-common")
}
