package npm

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxLine = 1 << 20 // bytes; Yarn puts all ranges of a package on one line

// eachLine calls visit for each line that says something: its number, how far it is indented, and its
// text without comment lines, indentation and line end. Both Yarn's and pnpm's lock files are written by
// programs, with two blanks for each level: to read them by lines is exact, hundreds of times faster
// than YAML, and knows no aliases that could blow up.
func eachLine(r io.Reader, visit func(number, indent int, text string) error) error {
	lines := bufio.NewScanner(io.LimitReader(r, maxLock+1))
	lines.Buffer(make([]byte, 0, 16<<10), maxLine)
	var size int64
	for number := 1; lines.Scan(); number++ {
		if size += int64(len(lines.Bytes())) + 1; size > maxLock {
			return ecosystem.Limit("more than %d bytes", maxLock)
		}
		line := strings.TrimRight(lines.Text(), " \r\t")
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '#' {
			continue
		}
		if err := visit(number, len(line)-len(text), text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err == bufio.ErrTooLong {
		return ecosystem.Limit("a line of more than %d bytes", maxLine)
	} else if err != nil {
		return err
	}
	return nil
}

// unquoted is a scalar without its single or double quotes.
func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// keyValue parts "key: value", "'key': value" and Yarn's older "key value".
func keyValue(text string) (key, value string) {
	if text[0] == '"' || text[0] == '\'' {
		if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
			return text[1 : end+1], unquoted(strings.TrimLeft(text[end+2:], ": "))
		}
	}
	key, value, _ = strings.Cut(text, " ")
	return strings.TrimSuffix(key, ":"), unquoted(strings.TrimSpace(value))
}
