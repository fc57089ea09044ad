package kube

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Bounds on one file of manifests.
const (
	// MaxFile is larger than what kubectl makes of a large cluster's pods.
	MaxFile    = 64 << 20
	maxObjects = 50_000
	// maxObject is twice what the API server takes of a client (3 MiB, its limit on a request's body).
	maxObject = 6 << 20
	maxDepth  = 100
)

// Problem is a document that could not be read as an object, and where it is wrong or begins.
type Problem struct {
	Path string
	Line int
	What string
	// Template says that it is no YAML because it is a template that makes YAML.
	Template bool
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.What) }

// Reader reads files that belong together. It may be used by several goroutines at a time.
type Reader struct{ shelf shelf }

// Manifest reads one file alone, as a Reader does.
func Manifest(path string, content []byte) (objects []*Object, problems []*Problem) {
	return new(Reader).Manifest(path, content)
}

// Manifest reads the objects of a file in YAML or JSON: several documents, and Lists taken apart. Values are
// what Kubernetes' own reading of YAML (sigs.k8s.io/yaml, YAML 1.1) makes of them. Documents that are no
// objects are passed over without a word; those that cannot be read are problems, and the others remain.
func (r *Reader) Manifest(path string, content []byte) (objects []*Object, problems []*Problem) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if isUTF16(content) {
		return nil, []*Problem{{Path: path, Line: 1, What: "it is in UTF-16: save it in UTF-8"}}
	}
	for d := range parts(content) {
		read, problem := r.document(path, d)
		if problem != nil {
			problems = append(problems, problem)
		}
		if objects = append(objects, read...); len(objects)+len(problems) > maxObjects {
			return objects, append(problems, &Problem{Path: path, Line: d.line, What: fmt.Sprintf("it has more than %d objects: split it", maxObjects)})
		}
	}
	return objects, problems
}

func (r *Reader) document(path string, d part) ([]*Object, *Problem) {
	wrong := func(line int, format string, args ...any) *Problem {
		return &Problem{Path: path, Line: d.line + max(line-1, 0), What: fmt.Sprintf(format, args...)}
	}
	if d.wrong != "" {
		return nil, wrong(1, "%s", d.wrong)
	}
	if d.kind == "" && !bytes.Contains(d.text, []byte("apiVersion")) {
		return nil, nil
	}
	if len(d.text) > maxObject {
		return nil, wrong(1, "the document is larger than %d MiB, which no API server takes", maxObject>>20)
	}
	if at := bytes.IndexByte(d.text, 0); at >= 0 {
		return nil, wrong(1+bytes.Count(d.text[:at], []byte("\n")), "it holds a NUL byte, and so is no text")
	}
	fields, line, err := values(d)
	if err != nil {
		p := wrong(line, "%v", err)
		// What is YAML but for a key that stands twice is taken by others, whatever stands in its comments.
		p.Template = bytes.Contains(d.text, []byte("{{")) && !strings.Contains(err.Error(), "already set in map")
		return nil, p
	}
	if depth(fields) > maxDepth {
		return nil, wrong(1, "it is nested deeper than %d levels", maxDepth)
	}
	switch {
	case fields == nil && d.kind != "":
		return nil, wrong(1, "an item of the %sList is no object", d.kind)
	case fields == nil:
		return nil, nil // a scalar or a list
	}
	if _, named := fields["kind"]; !named && d.kind != "" {
		fields["kind"], fields["apiVersion"] = d.kind, d.version
	}
	all, err := objects(fields, Source{Path: path, line: d.line, written: &written{path: path, part: d, shelf: &r.shelf}})
	if err != nil {
		return nil, wrong(1, "%v", err)
	}
	return all, nil
}

// values decodes a document, with the line of it that is wrong; nil for what is no map.
func values(d part) (fields map[string]any, line int, err error) {
	if d.json {
		var all any
		strict, err := kjson.UnmarshalStrict(d.text, &all)
		if err = errors.Join(append([]error{err}, strict...)...); err != nil {
			return nil, 1, flat(err)
		}
		fields, _ = all.(map[string]any)
		return fields, 0, nil
	}
	asJSON, err := yaml.YAMLToJSONStrict(d.mapping())
	if err != nil && strings.Contains(err.Error(), "already set in map") && bytes.Contains(d.text, []byte("<<")) {
		// A key that is merged in, and written too, is none that stands twice: kubectl takes it.
		if _, wrong := tree.Parse("", d.mapping()); wrong == nil {
			asJSON, err = yaml.YAMLToJSON(d.mapping())
		}
	}
	if err != nil {
		line, text := lineOf(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
		return nil, line, errors.New(text)
	}
	if utiljson.Unmarshal(asJSON, &fields) != nil {
		return nil, 0, nil
	}
	return fields, 0, nil
}

// lineOf parts what go-yaml says into the line and the rest: "yaml: line 3: did not find …", or
// "yaml: unmarshal errors:\n  line 3: key "a" already set in map".
func lineOf(said string) (line int, text string) {
	text = strings.TrimPrefix(strings.TrimPrefix(said, "yaml: "), "unmarshal errors:\n  ")
	if n, err := fmt.Sscanf(text, "line %d:", &line); n == 1 && err == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	return line, strings.ReplaceAll(text, "\n", ";")
}

func flat(err error) error { return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) }

// objects are the object that fields are, or those of a List that was not taken apart before.
func objects(fields map[string]any, source Source) ([]*Object, error) {
	version, _ := fields["apiVersion"].(string)
	kind, _ := fields["kind"].(string)
	if version == "" || kind == "" {
		return nil, nil
	}
	items, isList := fields["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		meta, _ := fields["metadata"].(map[string]any)
		for _, key := range []string{"name", "namespace", "generateName"} {
			if v := meta[key]; v != nil {
				if _, ok := v.(string); !ok {
					return nil, fmt.Errorf("metadata.%s of the %s is %v and no text, which no API server takes: put it in quotes (YAML reads n, y, on, off, yes and no as true or false)", key, kind, v)
				}
			}
		}
		return []*Object{object(version, kind, fields, source)}, nil
	}
	var all []*Object
	for i, item := range items {
		one, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("items[%d] of the %s is no object", i, kind)
		}
		if _, named := one["kind"]; !named {
			one["kind"], one["apiVersion"] = itemKind(kind), version
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

// itemKind is the kind of a List's items: what the API server lists of one kind does not name it in each.
func itemKind(list string) string { return strings.TrimSuffix(list, "List") }

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
