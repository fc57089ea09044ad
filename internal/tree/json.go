package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// isJSON says that a file is JSON, which YAML nearly is: but it does not know \/, nor characters that are written
// in two halves.
func isJSON(source []byte) bool {
	start := bytes.TrimLeft(source, " \t\r\n")
	return len(start) > 0 && strings.IndexByte("{[", start[0]) >= 0 && json.Valid(source)
}

// jsonReader turns tokens of valid JSON into values. Nothing in it grows, so only depth is bounded.
type jsonReader struct {
	path         string
	source       []byte
	tokens       *json.Decoder
	at           int // the offset of line and column
	line, column int
}

func parseJSON(path string, source []byte) (*Value, error) {
	r := jsonReader{path: path, source: source, tokens: json.NewDecoder(bytes.NewReader(source)), line: 1, column: 1}
	r.tokens.UseNumber()
	return r.value(0)
}

// next is the next token, and what it says begins at line and column.
func (r *jsonReader) next() (json.Token, error) {
	begins := int(r.tokens.InputOffset())
	for begins < len(r.source) && strings.IndexByte(" \t\r\n,:", r.source[begins]) >= 0 {
		begins++
	}
	for ; r.at < begins; r.at++ {
		switch b := r.source[r.at]; {
		case b == '\n':
			r.line, r.column = r.line+1, 1
		case b < 0x80 || b >= 0xC0: // the first byte of a character
			r.column++
		}
	}
	token, err := r.tokens.Token()
	if err != nil {
		return nil, &Error{r.path, r.line, err.Error()}
	}
	return token, nil
}

func (r *jsonReader) value(depth int) (*Value, error) {
	token, err := r.next()
	if err != nil {
		return nil, err
	}
	v := &Value{Line: r.line, Column: r.column, Scalar: true}
	switch t := token.(type) {
	case string:
		v.Text, v.Type, v.Quoted = t, "str", true
	case bool:
		v.Text, v.Type = fmt.Sprint(t), "bool"
	case nil:
		v.Text, v.Type, v.Null = "null", "null", true
	case json.Number:
		v.Text, v.Type = t.String(), "int"
		if strings.ContainsAny(v.Text, ".eE") {
			v.Type = "float"
		}
	case json.Delim:
		if v.Scalar = false; depth >= maxDepth {
			return nil, &Error{r.path, r.line, "it is deeper than is read"}
		}
		if t == '[' {
			v.List, err = r.list(depth + 1)
		} else {
			v.Map, err = r.entries(depth + 1)
		}
	}
	return v, err
}

func (r *jsonReader) list(depth int) ([]*Value, error) {
	list := []*Value{}
	for r.tokens.More() {
		one, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	_, err := r.next()
	return list, err
}

func (r *jsonReader) entries(depth int) ([]Entry, error) {
	all, seen := []Entry{}, map[string]int{}
	for r.tokens.More() {
		key, err := r.next()
		if err != nil {
			return nil, err
		}
		e := Entry{Key: key.(string), Line: r.line, Column: r.column} // valid JSON has no other keys
		if seen[e.Key] > 0 {
			return nil, twice(r.path, e.Line, e.Key, seen[e.Key])
		}
		seen[e.Key] = e.Line
		if e.Value, err = r.value(depth); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	_, err := r.next()
	return all, err
}
