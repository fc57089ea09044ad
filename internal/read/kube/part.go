package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// part is a stretch of a file that holds one object, or one document.
type part struct {
	line  int // of the file, from 1, where it begins
	text  []byte
	json  bool
	wrong string // why nothing from here on can be read
	// kind and version are what an item of a List is where it does not say so itself.
	kind, version string
}

// parts takes a file apart into documents, and Lists into their items where that can be done without reading
// them whole: what kubectl writes of a cluster is one List of all there is.
func parts(content []byte) iter.Seq[part] {
	return func(yield func(part) bool) {
		if looksJSON(content) && !bytes.Contains(content, []byte("\n---")) && jsonParts(content, yield) {
			return
		}
		for d := range documents(content) {
			for one := range yamlItems(d) {
				if !yield(one) {
					return
				}
			}
		}
	}
}

// documents parts YAML at its lines that begin with ---, as kubectl does.
func documents(content []byte) iter.Seq[part] {
	return func(yield func(part) bool) {
		line := 1
		for len(content) > 0 {
			end := len(content)
			if at := bytes.Index(content, []byte("\n---")); at >= 0 {
				end = at + 1
			}
			text := content[:end]
			content = content[end:]
			if rest, ok := bytes.CutPrefix(text, []byte("---")); ok {
				if first, more, _ := bytes.Cut(rest, []byte("\n")); len(bytes.TrimSpace(first)) == 0 {
					line++
					text = more
				}
			}
			if len(bytes.TrimSpace(text)) > 0 && !yield(part{line: line, text: text}) {
				return
			}
			line += bytes.Count(text, []byte("\n"))
		}
	}
}

// yamlItems takes apart a List as kubectl writes one: its own keys begin lines, and so do the dashes of its
// items. Any other document stays whole.
func yamlItems(d part) iter.Seq[part] {
	return func(yield func(part) bool) {
		kind := topValue(d.text, "kind")
		items := bytes.Index(d.text, []byte("\nitems:"))
		if !strings.HasSuffix(kind, "List") || items < 0 || !dashed(d.text[items+1:]) || anchored(d.text) {
			yield(d)
			return
		}
		one := part{}
		version := topValue(d.text, "apiVersion")
		line := d.line + bytes.Count(d.text[:items+1], []byte("\n"))
		from := items + 1
		for l := range bytes.Lines(d.text[from:]) {
			starts := isDash(l)
			ends := starts || len(l) > 0 && l[0] != ' ' && l[0] != '#' && l[0] != '\n' && l[0] != '\r'
			if ends && one.line > 0 && !yield(one) {
				return
			}
			switch {
			case starts:
				one = part{line: line, text: d.text[from : from+len(l)], kind: itemKind(kind), version: version}
			case ends:
				one = part{}
			case one.line > 0:
				one.text = one.text[:len(one.text)+len(l)]
			}
			from += len(l)
			line++
		}
		if one.line > 0 {
			yield(one)
		}
	}
}

// dashed says that items begin on the line after their key, with a dash that begins the line.
func dashed(items []byte) bool {
	key, rest, _ := bytes.Cut(items, []byte("\n"))
	return len(bytes.TrimSpace(key)) == len("items:") && isDash(rest)
}

func isDash(line []byte) bool {
	return len(line) > 1 && line[0] == '-' && bytes.IndexByte([]byte(" \r\n"), line[1]) >= 0
}

// anchored says that a document names some of its values, which others may repeat.
func anchored(text []byte) bool {
	for _, before := range []string{": &", "- &"} {
		for rest := text; ; {
			_, after, ok := bytes.Cut(rest, []byte(before))
			if !ok {
				break
			}
			if len(after) > 0 && after[0] != '&' && after[0] != ' ' {
				return true
			}
			rest = after
		}
	}
	return false
}

// mapping is the text of a part as a document of its own: an item without its dash.
func (d part) mapping() []byte {
	if d.json || !isDash(d.text) {
		return d.text
	}
	text := bytes.Clone(d.text)
	text[0] = ' '
	return text
}

// topValue is the value of a key that begins a line; empty where there is none.
func topValue(text []byte, key string) string {
	for from := 0; ; {
		at := bytes.Index(text[from:], []byte(key+":"))
		if at < 0 {
			return ""
		}
		at += from
		if at == 0 || text[at-1] == '\n' {
			value, _, _ := bytes.Cut(text[at+len(key)+1:], []byte("\n"))
			return strings.Trim(string(bytes.TrimSpace(value)), `"'`)
		}
		from = at + len(key)
	}
}

// looksJSON says that a brace comes first; with lines of dashes it is YAML all the same.
func looksJSON(content []byte) bool {
	head := bytes.TrimLeft(content, " \t\r\n")
	return len(head) > 0 && head[0] == '{'
}

// jsonParts yields the values of a stream of JSON, and the items of its Lists; false where the first value is
// no JSON: YAML may begin with a brace, too.
func jsonParts(content []byte, yield func(part) bool) bool {
	at := lines{of: content, line: 1}
	dec := json.NewDecoder(bytes.NewReader(content))
	for first := true; ; first = false {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) || err != nil && first {
			return !first
		}
		end := int(dec.InputOffset())
		if err != nil {
			end += len(content[end:]) - len(bytes.TrimLeft(content[end:], " \t\r\n"))
			yield(part{line: at.to(end), wrong: "from here on it is no JSON: " + err.Error()})
			return true
		}
		start := end - len(raw)
		d := part{line: at.to(start), text: raw, json: true}
		if items, ok := jsonItems(raw); ok {
			for _, one := range items {
				one.line = at.to(start + one.line)
				if !yield(one) {
					return true
				}
			}
		} else if !yield(d) {
			return true
		}
	}
}

// jsonItems are the items of a List, with their offset in place of a line; false for any other object.
func jsonItems(list []byte) (items []part, ok bool) {
	if !bytes.Contains(list, []byte(`"items"`)) {
		return nil, false
	}
	var kind, version string
	dec := json.NewDecoder(bytes.NewReader(list))
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		switch key {
		case "kind":
			err = json.Unmarshal(raw, &kind)
		case "apiVersion":
			err = json.Unmarshal(raw, &version)
		case "items":
			items, ok = elements(raw, int(dec.InputOffset())-len(raw))
		}
		if err != nil {
			return nil, false
		}
	}
	if !ok || !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	for i := range items {
		items[i].kind, items[i].version = itemKind(kind), version
	}
	return items, true
}

// elements are those of a list, which stands at an offset.
func elements(list []byte, offset int) (all []part, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(list))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return nil, false
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		one := part{line: offset + int(dec.InputOffset()) - len(raw), text: raw, json: true}
		if len(raw) == 0 || raw[0] != '{' {
			one.wrong = fmt.Sprintf("items[%d] is no object", len(all))
		}
		all = append(all, one)
	}
	return all, true
}

// lines counts lines up to offsets that only grow.
type lines struct {
	of   []byte
	at   int
	line int
}

func (l *lines) to(offset int) int {
	offset = min(max(offset, l.at), len(l.of))
	l.line += bytes.Count(l.of[l.at:offset], []byte("\n"))
	l.at = offset
	return l.line
}
