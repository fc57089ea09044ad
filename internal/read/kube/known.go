package kube

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// MayBe says by its name that a file may be a manifest. Looks decides.
func MayBe(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

// Looks says by its first bytes that a file is a manifest: in YAML a line begins with apiVersion, in JSON the
// outermost object has it. What other programs keep under a key of that name further in is none.
func Looks(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if isUTF16(head) {
		head = bytes.ReplaceAll(head[2:], []byte{0}, nil)
	}
	if !bytes.Contains(head, []byte("apiVersion")) {
		return false
	}
	if looksJSON(head) && outermost(head) {
		return true
	}
	for _, key := range []string{"apiVersion:", `"apiVersion":`, `'apiVersion':`, "{apiVersion:", "--- {apiVersion:"} {
		if bytes.HasPrefix(head, []byte(key)) || bytes.Contains(head, []byte("\n"+key)) {
			return true
		}
	}
	return false
}

// outermost says that the first object of JSON, which may be cut off, has the key.
func outermost(head []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(head))
	depth, isKey := 0, false
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			isKey = true
			continue
		case json.Delim('}'), json.Delim(']'):
			if depth--; depth == 0 {
				return false
			}
			isKey = true
			continue
		}
		if depth == 1 && isKey && token == "apiVersion" {
			return true
		}
		isKey = depth != 1 || !isKey
	}
}

// isUTF16 knows it by its mark: PowerShell writes what kubectl says in it.
func isUTF16(content []byte) bool {
	return bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff"))
}

// Known says that the object's kind is one of Kubernetes' own.
func (o *Object) Known() bool { return builtIn(o.Group()) }
