package composer

import (
	"bufio"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxLine = 64 << 10 // bytes

// readPHP reads vendor/composer/installed.php, which Composer 2 writes beside installed.json for the
// program itself to ask: where the latter was removed, it is what is left. It is PHP, but written by a
// program from one array, one key on a line:
//
//	'versions' => array(
//	    'acme/a' => array(
//	        'pretty_version' => '1.2.0',
//	        'dev_requirement' => false,
//
// What is only replaced or provided by another package has no version there.
func readPHP(f *ecosystem.File) (ecosystem.Found, error) {
	limited := &io.LimitedReader{R: f.Reader, N: maxFile}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	var r phpReader
	for number := 1; lines.Scan(); number++ {
		if len(r.found.Packages) >= maxPackages {
			return r.found, ecosystem.Limit("more than %d packages in one file", maxPackages)
		}
		r.line(number, lines.Text())
	}
	r.flush()
	if err := lines.Err(); err != nil {
		return r.found, err
	}
	if limited.N <= 0 {
		return r.found, ecosystem.Limit("more than %d bytes", maxFile)
	}
	return r.found, nil
}

type phpReader struct {
	found   ecosystem.Found
	section string // root or versions
	root    string // the project's name
	start   int    // the line of the open package
	entry   entry
	dev     bool
}

// line takes one line by its indentation: 4 for the two sections, 8 for a package, 12 for its fields.
func (r *phpReader) line(number int, line string) {
	text := strings.TrimLeft(line, " ")
	key, value, ok := strings.Cut(text, " => ")
	key, value = phpString(key), strings.TrimSuffix(strings.TrimSpace(value), ",")
	switch indent := len(line) - len(text); {
	case !ok:
	case indent == 4:
		r.flush()
		r.section = key
	case indent == 8 && r.section == "root" && key == "name":
		r.root = phpString(value)
	case indent == 8 && r.section == "versions":
		r.flush()
		r.entry, r.start = entry{Name: key}, number
	case indent == 12 && r.entry.Name != "":
		switch key {
		case "pretty_version":
			r.entry.Version = phpString(value)
		case "dev_requirement":
			r.dev = value == "true"
		}
	}
}

// flush adds the package that has ended. The project itself is listed among its packages, and left out
// as it is from installed.json.
func (r *phpReader) flush() {
	p := r.entry.found()
	p.Line, p.Dev = r.start, r.dev
	if p.Name != "" && !strings.EqualFold(r.entry.Name, r.root) {
		r.found.Packages = append(r.found.Packages, p)
	}
	r.entry, r.dev = entry{}, false
}

// phpString is what a string in single quotes says.
func phpString(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return ""
	}
	return strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(s[1 : len(s)-1])
}
