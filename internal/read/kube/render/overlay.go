package render

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Reached is what an overlay is made of.
type Reached struct {
	Files []File // by their paths below the root
	// Dirs are the other kustomizations that it builds on.
	Dirs map[string]bool
	// Component says that it changes what others make, and makes nothing alone.
	Component bool
}

// Project reads the overlays of a folder. What several of them are made of is kept once.
type Project struct {
	root  *os.Root
	kept  map[string][]byte
	size  int64
	files int // of all overlays together
}

// NewProject reads overlays within root.
func NewProject(root *os.Root) *Project { return &Project{root: root, kept: map[string][]byte{}} }

// Bounds on overlays: how many kustomizations one builds on, and what all of a project are made of.
const (
	maxKustomizations = 1_000
	maxKept           = 4 * MaxInput
	maxReached        = 20 * MaxFiles
)

// Overlay reads the kustomization of a folder, and all that it leads to: kustomizations wherever they lie within root,
// and files in or below the folder of the kustomization that names them, which are those that Kustomize loads.
func (p *Project) Overlay(dir string) (r Reached, err error) {
	g := gathering{root: p.root, kept: p}
	r.Dirs = map[string]bool{}
	seen := map[string]bool{}
	waiting := []string{path.Clean(dir)}
	for n := 0; n < len(waiting); n++ {
		if n == maxKustomizations {
			return r, fmt.Errorf("it builds on more than %d kustomizations", maxKustomizations)
		}
		dirs, component, err := g.kustomization(waiting[n], seen)
		if err != nil {
			return r, err
		}
		if n == 0 {
			r.Component = component
		}
		for _, d := range dirs {
			if d != waiting[0] && !r.Dirs[d] {
				r.Dirs[d] = true
				waiting = append(waiting, d)
			}
		}
	}
	r.Files = g.files
	return r, nil
}

// take keeps what was read of a file, or gives what was kept; nil: it was not read yet.
func (p *Project) take(at string, b []byte) ([]byte, error) {
	if had, ok := p.kept[at]; ok || b == nil {
		return had, nil
	}
	if p.size += int64(len(b)); p.size > maxKept {
		return nil, fmt.Errorf("the overlays of the folder are made of more than %d MiB: scan them one by one", maxKept>>20)
	}
	p.kept[at] = b
	return b, nil
}

// kustomization reads that of a folder and the files that it names, and gives the folders that it builds on.
func (g *gathering) kustomization(dir string, seen map[string]bool) (dirs []string, component bool, err error) {
	name := ""
	for _, n := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if info, err := g.root.Stat(path.Join(dir, n)); err == nil && info.Mode().IsRegular() {
			name = n
			break
		}
	}
	if name == "" {
		return nil, false, fmt.Errorf("%s has no kustomization file", dir)
	}
	return g.references(path.Join(dir, name), dir, seen)
}

// folders are the keys of a kustomization whose items may be folders.
var folders = []string{"resources", "bases", "components", "generators", "transformers", "validators"}

// references reads a file, and all files that its texts name: a kustomization names whatever it loads. What those that
// configure something name, is read, too.
func (g *gathering) references(file, dir string, seen map[string]bool) (dirs []string, component bool, err error) {
	if seen[file] {
		return nil, false, nil
	}
	seen[file] = true
	if err := g.read(file, file); err != nil {
		return nil, false, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(g.files[len(g.files)-1].Bytes, &doc); err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	if CountNodes(&doc) > maxNodes {
		return nil, false, fmt.Errorf("%s has more than %d values", file, maxNodes)
	}
	each(&doc, "", func(key, value string) {
		if key == "kind" && value == "Component" {
			component = true
		}
		if err != nil || len(value) > 1024 || strings.ContainsAny(value, "\n\x00") || value == "" {
			return
		}
		for _, at := range named(dir, value) {
			info, statErr := g.root.Stat(at)
			switch {
			case statErr != nil || seen[at]:
				if why := outside(statErr); statErr != nil && why != statErr {
					err = why
				}
			case info.Mode().IsRegular() && !below(dir, at):
				// Kustomize loads none of these
			case info.Mode().IsRegular() && slices.Contains([]string{"generators", "transformers", "validators"}, key):
				_, _, err = g.references(at, dir, seen)
			case info.Mode().IsRegular():
				seen[at] = true
				err = g.read(at, at)
			case info.IsDir() && slices.Contains(folders, key):
				dirs = append(dirs, at)
			}
		}
	})
	return dirs, component, err
}

// below says that a file lies in a folder, however deep.
func below(dir, at string) bool { return dir == "." || strings.HasPrefix(at, dir+"/") }

// named are the paths that a text may be: itself, or what stands after a key, as in configMapGenerator's files.
func named(dir, value string) (all []string) {
	texts := []string{value}
	if _, after, ok := strings.Cut(value, "="); ok {
		texts = append(texts, after)
	}
	for _, t := range texts {
		if at := path.Join(dir, t); t != "" && !path.IsAbs(t) && fs.ValidPath(at) {
			all = append(all, at)
		}
	}
	return all
}

// maxNodes bounds the values of one kustomization.
const maxNodes = 200_000

// each visits the texts of a document with the outermost key that they stand under. Aliases are not followed.
func each(n *yaml.Node, top string, visit func(key, value string)) {
	if n.Kind == yaml.ScalarNode {
		visit(top, n.Value)
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		key := top
		if n.Kind == yaml.MappingNode && top == "" {
			key = n.Content[i-1].Value
		}
		each(c, key, visit)
	}
}

// CountNodes counts the values of a document, aliases once each.
func CountNodes(n *yaml.Node) int {
	count := 1
	for _, c := range n.Content {
		count += CountNodes(c)
	}
	return count
}
