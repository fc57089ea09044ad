package kube

import (
	"bytes"
	"fmt"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Bounds on one file of manifests.
const (
	maxDocuments = 10_000
	// maxDocument is twice what the API server takes of a client (3 MiB, its limit on a request's body).
	maxDocument = 6 << 20
	maxDepth    = 100
)

// Problem is a document that could not be read as an object, and where it begins.
type Problem struct {
	Path string
	Line int
	What string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.What) }

// Manifest reads the objects of a file in YAML or JSON: several documents, and Lists taken apart. Values are
// what Kubernetes' own reading of YAML (sigs.k8s.io/yaml, YAML 1.1) makes of them. Documents that are no
// objects are passed over without a word; those that cannot be read are problems, and the others remain.
func Manifest(path string, content []byte) (objects []*Object, problems []*Problem) {
	count := 0
	for d := range documents(content) {
		if count++; count > maxDocuments {
			return objects, append(problems, &Problem{path, d.line, fmt.Sprintf("it has more than %d documents: split it", maxDocuments)})
		}
		read, err := document(path, d)
		if err != nil {
			problems = append(problems, &Problem{path, d.line, err.Error()})
			continue
		}
		objects = append(objects, read...)
	}
	return objects, problems
}

// part is one document of a file.
type part struct {
	line int // of the file, from 1, where it begins
	text []byte
}

// documents parts a file at its lines that begin with ---, as kubectl does.
func documents(content []byte) func(yield func(part) bool) {
	return func(yield func(part) bool) {
		line := 1
		for len(content) > 0 {
			end := len(content)
			if at := bytes.Index(content, []byte("\n---")); at >= 0 {
				end = at + 1
			}
			text := content[:end]
			content = content[end:]
			if len(bytes.TrimSpace(text)) > 0 && !yield(part{line, text}) {
				return
			}
			line += bytes.Count(text, []byte("\n"))
		}
	}
}

func document(path string, d part) ([]*Object, error) {
	if len(d.text) > maxDocument {
		return nil, fmt.Errorf("the document is larger than %d MiB, which no API server takes", maxDocument>>20)
	}
	if !bytes.Contains(d.text, []byte("apiVersion")) {
		return nil, nil
	}
	asJSON, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
	}
	var fields map[string]any
	if err := utiljson.Unmarshal(asJSON, &fields); err != nil {
		return nil, nil // a scalar or a list, and so no object
	}
	if depth(fields) > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	source := Source{Path: path, line: d.line, values: written(path, d.text)}
	return objects(fields, source)
}

// objects are the object that fields are, or those of a List.
func objects(fields map[string]any, source Source) ([]*Object, error) {
	version, _ := fields["apiVersion"].(string)
	kind, _ := fields["kind"].(string)
	if version == "" || kind == "" {
		return nil, nil
	}
	items, isList := fields["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []*Object{object(version, kind, fields, source)}, nil
	}
	var all []*Object
	for i, item := range items {
		one, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("items[%d] of the %s is no object", i, kind)
		}
		// What the API server lists of one kind does not name it in each item.
		if _, named := one["kind"]; !named && kind != "List" {
			one["kind"], one["apiVersion"] = strings.TrimSuffix(kind, "List"), version
		}
		from := source
		from.prefix = fmt.Sprintf("%sitems[%d].", source.prefix, i)
		inner, err := objects(one, from)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

func object(version, kind string, fields map[string]any, source Source) *Object {
	o := &Object{APIVersion: version, Kind: kind, Fields: fields, Source: source}
	meta, _ := fields["metadata"].(map[string]any)
	o.Namespace, _ = meta["namespace"].(string)
	o.Name, _ = meta["name"].(string)
	if o.Name == "" {
		o.Name, _ = meta["generateName"].(string)
	}
	return o
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}
