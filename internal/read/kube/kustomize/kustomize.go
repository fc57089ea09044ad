// Package kustomize has Kustomize's own library build overlays. It alone imports it, and only the program
// plimsoll-render imports this package.
//
// An overlay is built of the files that it is handed, as kustomize build does without flags: files outside of a
// kustomization's folder are not loaded but by another kustomization, plugins and Helm are not run, and what lies at an
// address is not fetched.
package kustomize

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// Build builds an overlay. An error is what Kustomize says of it.
func Build(ask render.Overlay) (render.Answer, error) {
	o, err := open(ask)
	if err != nil {
		return render.Answer{}, err
	}
	disk := filesys.MakeFsInMemory()
	for _, f := range ask.Files {
		content := f.Bytes
		if f.Path == o.top {
			content = withOrigins(content)
		}
		if err := disk.WriteFile("/"+f.Path, content); err != nil {
			return render.Answer{}, err
		}
	}
	if err := o.local(disk); err != nil {
		return render.Answer{}, err
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, path.Join("/", ask.Dir))
	if err != nil {
		return render.Answer{}, err
	}
	var a render.Answer
	for _, res := range made.Resources() {
		origin, err := res.GetOrigin()
		if err != nil {
			return render.Answer{}, err
		}
		from := o.top
		if origin != nil && origin.Path != "" {
			from = path.Join(ask.Dir, origin.Path)
		} else if origin != nil && origin.ConfiguredIn != "" {
			from = path.Join(ask.Dir, origin.ConfiguredIn)
		}
		if err := res.SetOrigin(nil); err != nil {
			return render.Answer{}, err
		}
		if err := res.ClearTransformations(); err != nil {
			return render.Answer{}, err
		}
		text, err := res.AsYAML()
		if err != nil {
			return render.Answer{}, err
		}
		a.Documents = append(a.Documents, render.Document{Path: from, Text: string(text), Lines: o.trace(text, from, res.GetKind(), res.GetName())})
	}
	return a, nil
}

// overlay is what an overlay is built of.
type overlay struct {
	top   string // its kustomization file
	files []source
}

// source is a file, and what it holds.
type source struct {
	path string
	docs []*yaml.Node
	text []byte
}

// maxValues bounds how many values files may have, all together.
const maxValues = 2_000_000

func open(ask render.Overlay) (*overlay, error) {
	o := &overlay{}
	values := 0
	for _, f := range ask.Files {
		if path.Dir(f.Path) == path.Clean(ask.Dir) && render.IsOverlay(f.Path) {
			o.top = f.Path
		}
		s := source{path: f.Path, text: f.Bytes}
		for dec := yaml.NewDecoder(strings.NewReader(string(f.Bytes))); ; {
			var doc yaml.Node
			if dec.Decode(&doc) != nil {
				break // Kustomize will say so, where it minds
			}
			if len(doc.Content) > 0 {
				values += render.CountNodes(&doc)
				s.docs = append(s.docs, doc.Content[0])
			}
		}
		if values > maxValues {
			return nil, fmt.Errorf("its files have more than %d values", maxValues)
		}
		o.files = append(o.files, s)
	}
	if o.top == "" {
		return nil, fmt.Errorf("no kustomization file in %s", ask.Dir)
	}
	return o, nil
}

// withOrigins has a kustomization note where everything comes from.
func withOrigins(content []byte) []byte {
	var doc yaml.Node
	if yaml.Unmarshal(content, &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return content
	}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value == "buildMetadata" {
			top.Content = slices.Delete(top.Content, i, i+2)
			break
		}
	}
	scalar := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	top.Content = append(top.Content, scalar("buildMetadata"),
		&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{scalar("originAnnotations")}})
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return content
	}
	return out
}

// loads are the keys of a kustomization whose items are files or folders.
var loads = []string{"resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge"}

// local wants all that kustomizations load to be among the files: Kustomize would go and fetch it.
func (o *overlay) local(disk filesys.FileSystem) error {
	for _, f := range o.files {
		if !render.IsOverlay(f.path) {
			continue
		}
		for _, doc := range f.docs {
			for _, key := range loads {
				items := child(doc, key)
				if items == nil {
					continue
				}
				if items.Kind != yaml.SequenceNode {
					return fmt.Errorf("%s:%d: %s is no list", f.path, items.Line, key)
				}
				for _, item := range items.Content {
					if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, "\n") || disk.Exists(path.Join("/", path.Dir(f.path), item.Value)) {
						continue
					}
					return fmt.Errorf("%s:%d: %s: there is no %q among what may be read: what lies at an address is not fetched, and of what lies above a kustomization's folder only other kustomizations are loaded", f.path, item.Line, key, item.Value)
				}
			}
			if n := address(doc, 0); n != nil {
				return fmt.Errorf("%s:%d: what lies at an address is not fetched: %s", f.path, n.Line, n.Value)
			}
		}
	}
	return nil
}

// address finds a path that is an address, in what a kustomization loads by path, files or envs.
func address(n *yaml.Node, deep int) *yaml.Node {
	if deep > 20 {
		return nil
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		loading := n.Kind == yaml.MappingNode && slices.Contains([]string{"path", "files", "envs", "env"}, n.Content[i-i%2].Value)
		for _, v := range append([]*yaml.Node{c}, c.Content...) {
			if _, after, ok := strings.Cut(v.Value, "="); ok && strings.Contains(after, "://") || strings.Contains(v.Value, "://") {
				if loading && v.Kind == yaml.ScalarNode {
					return v
				}
			}
		}
		if found := address(c, deep+1); found != nil {
			return found
		}
	}
	return nil
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
