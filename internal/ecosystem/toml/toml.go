// Package toml reads the manifests that projects write in TOML (https://toml.io/en/v1.0.0): pyproject.toml,
// Pipfile, Cargo.toml.
//
// Tables become map[string]any, arrays []any, strings of all four kinds string. Numbers, dates and truths are
// [Word]: as they are written. It takes what is not quite TOML where nothing hangs on it: a key that is
// given twice counts as its last value.
package toml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Word is a value without quotes.
type Word string

// Bounds on what a manifest may hold; those of large projects have some hundred values.
const (
	maxDepth  = 32
	maxValues = 100_000
)

// Parse reads a document. On an error the tables hold what was read before it.
func Parse(b []byte) (map[string]any, error) {
	p := &parser{s: strings.TrimPrefix(string(b), "\ufeff")}
	root := map[string]any{}
	if !utf8.ValidString(p.s) {
		return root, errors.New("it is not in UTF-8")
	}
	err := p.document(root)
	if err != nil {
		err = fmt.Errorf("line %d: %w", 1+strings.Count(p.s[:min(p.at, len(p.s))], "\n"), err)
	}
	return root, err
}

type parser struct {
	s      string
	at     int
	values int
}

func (p *parser) document(root map[string]any) error {
	table := root
	for {
		p.blank(true)
		if p.at == len(p.s) {
			return nil
		}
		var err error
		if p.s[p.at] == '[' {
			table, err = p.header(root)
		} else {
			err = p.pair(table, 0)
		}
		if err != nil {
			return err
		}
		p.blank(false)
		if p.at < len(p.s) && p.s[p.at] != '\n' {
			return errors.New("something follows on the line")
		}
	}
}

// blank passes over white space and comments, and ends of lines where they do not count.
func (p *parser) blank(lines bool) {
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == ' ', c == '\t', c == '\r', c == '\n' && lines:
			p.at++
		case c == '#':
			if n := strings.IndexByte(p.s[p.at:], '\n'); n >= 0 {
				p.at += n
			} else {
				p.at = len(p.s)
			}
		default:
			return
		}
	}
}

func (p *parser) take(what string) bool {
	if strings.HasPrefix(p.s[p.at:], what) {
		p.at += len(what)
		return true
	}
	return false
}

// header opens the table that [a.b] or [[a.b]] names.
func (p *parser) header(root map[string]any) (map[string]any, error) {
	array := p.take("[[")
	if !array {
		p.take("[")
	}
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	if end := map[bool]string{true: "]]", false: "]"}[array]; !p.take(end) {
		return nil, errors.New("a table's name does not end")
	}
	if !array {
		return p.below(root, keys)
	}
	above, err := p.below(root, keys[:len(keys)-1])
	if err != nil {
		return nil, err
	}
	table, last := map[string]any{}, keys[len(keys)-1]
	all, ok := above[last].([]any)
	if !ok && above[last] != nil {
		return nil, fmt.Errorf("%.80q is no array of tables", last)
	}
	above[last] = append(all, table)
	return table, p.count()
}

func (p *parser) count() error {
	if p.values++; p.values > maxValues {
		return fmt.Errorf("more than %d values", maxValues)
	}
	return nil
}

// below goes down from a table to the one that keys name, and makes what is missing.
func (p *parser) below(table map[string]any, keys []string) (map[string]any, error) {
	for _, k := range keys {
		switch next := table[k].(type) {
		case nil:
			made := map[string]any{}
			table[k] = made
			table = made
			if err := p.count(); err != nil {
				return nil, err
			}
		case map[string]any:
			table = next
		case []any:
			last, ok := map[string]any(nil), false
			if len(next) > 0 {
				last, ok = next[len(next)-1].(map[string]any)
			}
			if !ok {
				return nil, fmt.Errorf("%.80q is no table", k)
			}
			table = last
		default:
			return nil, fmt.Errorf("%.80q is no table", k)
		}
	}
	return table, nil
}

// keys reads a.b."c d".
func (p *parser) keys() (keys []string, err error) {
	for {
		p.blank(false)
		k, err := p.key()
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > maxDepth {
			return nil, errors.New("too deep")
		}
		p.blank(false)
		if !p.take(".") {
			return keys, nil
		}
	}
}

func (p *parser) key() (string, error) {
	if p.at < len(p.s) && (p.s[p.at] == '"' || p.s[p.at] == '\'') {
		return p.text()
	}
	begin := p.at
	for p.at < len(p.s) && isBare(p.s[p.at]) {
		p.at++
	}
	if p.at == begin {
		return "", errors.New("no key")
	}
	return p.s[begin:p.at], nil
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func (p *parser) pair(table map[string]any, depth int) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	if !p.take("=") {
		return errors.New("a key without a value")
	}
	p.blank(false)
	v, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	if table, err = p.below(table, keys[:len(keys)-1]); err == nil {
		table[keys[len(keys)-1]] = v
	}
	return err
}

func (p *parser) value(depth int) (any, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errors.New("too deep")
	}
	if p.at == len(p.s) {
		return nil, errors.New("no value")
	}
	switch p.s[p.at] {
	case '"', '\'':
		return p.text()
	case '[':
		return p.array(depth)
	case '{':
		return p.inline(depth)
	}
	begin := p.at
	for p.at < len(p.s) && (isBare(p.s[p.at]) || strings.IndexByte("+.:", p.s[p.at]) >= 0) {
		p.at++
	}
	if p.at == begin {
		return nil, errors.New("no value")
	}
	return Word(p.s[begin:p.at]), nil
}

func (p *parser) array(depth int) (any, error) {
	p.at++
	all := []any{}
	for {
		p.blank(true)
		if p.take("]") {
			return all, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		p.blank(true)
		if !p.take(",") && !strings.HasPrefix(p.s[p.at:], "]") {
			return nil, errors.New("an array does not end")
		}
	}
}

func (p *parser) inline(depth int) (any, error) {
	p.at++
	table := map[string]any{}
	for {
		p.blank(true)
		if p.take("}") {
			return table, nil
		}
		if err := p.pair(table, depth); err != nil {
			return nil, err
		}
		p.blank(true)
		if !p.take(",") && !strings.HasPrefix(p.s[p.at:], "}") {
			return nil, errors.New("an inline table does not end")
		}
	}
}

// text reads a string of any kind. One on several lines loses a first line that is empty.
func (p *parser) text() (string, error) {
	quote := p.s[p.at : p.at+1]
	until, long := quote, false
	if p.take(strings.Repeat(quote, 3)) {
		until, long = strings.Repeat(quote, 3), true
		_ = p.take("\r\n") || p.take("\n")
	} else {
		p.at++
	}
	begin := p.at
	for p.at < len(p.s) {
		switch {
		case strings.HasPrefix(p.s[p.at:], until):
			raw := p.s[begin:p.at]
			p.at += len(until)
			for range 2 { // of the quotes at an end the last three count as it
				if long && p.take(quote) {
					raw += quote
				}
			}
			if quote == "'" {
				return raw, nil
			}
			return unescaped(raw), nil
		case p.s[p.at] == '\\' && quote == `"`:
			p.at++
		case p.s[p.at] == '\n' && !long:
			return "", errors.New("a string does not end")
		}
		p.at++
	}
	p.at = len(p.s)
	return "", errors.New("a string does not end")
}

// unescaped resolves what backslashes stand for; one that means nothing stays.
func unescaped(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for len(raw) > 0 {
		if raw[0] == '\\' {
			if trimmed := strings.TrimLeft(raw[1:], " \t\r\n"); len(trimmed) < len(raw)-1 {
				raw = trimmed // the line goes on
				continue
			}
		}
		c, _, rest, err := strconv.UnquoteChar(raw, '"')
		if err != nil {
			c, rest = rune(raw[0]), raw[1:]
			b.WriteByte(byte(c))
		} else {
			b.WriteRune(c)
		}
		raw = rest
	}
	return b.String()
}
