// Package compose reads Compose files into services whose every value knows its line. Anchors and merge
// keys are followed, `extends` within the file too; of ${VAR:-default} the default counts, and what only
// the environment knows stays unknown. It asks no engine and reads no other file: what a file takes from
// others is told as such.
package compose

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// File is one Compose file.
type File struct {
	Path     string
	Root     *tree.Value
	Services []*Service
	// Others are the files that it takes services from and that are not read, with the line that says so.
	Others []Other
}

// Other is a file that is named and not read.
type Other struct {
	Name string
	Line int
}

// Service is one of the services, with what it extends.
type Service struct {
	Name  string
	Line  int
	Value *tree.Value
}

// IsCompose knows the names that Compose itself looks for, and their variants: compose.prod.yaml.
func IsCompose(at string) bool {
	name := strings.ToLower(path.Base(at))
	ext := path.Ext(name)
	if ext != ".yml" && ext != ".yaml" {
		return false
	}
	name = strings.TrimSuffix(name, ext)
	return name == "compose" || name == "docker-compose" || name == "podman-compose" ||
		strings.HasPrefix(name, "compose.") || strings.HasPrefix(name, "docker-compose.") || strings.HasPrefix(name, "docker-compose-")
}

// maxExtends bounds how far services extend others.
const maxExtends = 16

// Parse reads a Compose file. An error is a *tree.Error.
func Parse(at string, source []byte) (*File, error) {
	all, err := tree.Parse(at, source)
	if err != nil {
		return nil, err
	}
	f := &File{Path: at, Root: &tree.Value{}}
	for _, one := range all {
		if one.Get("services") != nil || f.Root.Map == nil {
			f.Root = one
		}
		f.services(one)
	}
	if f.Root.Map == nil && len(all) > 0 && !f.Root.Null {
		return nil, &tree.Error{Path: at, Line: f.Root.Line, What: "it is no map, as a Compose file is"}
	}
	for _, o := range f.Root.Get("include").Items() {
		for _, p := range append(o.Get("path").Items(), o) {
			if p.String() != "" {
				f.Others = append(f.Others, Other{p.Text, p.Line})
			}
		}
	}
	return f, nil
}

func (f *File) services(root *tree.Value) {
	services := root.Get("services")
	if services == nil && root.Get("version") == nil && len(root.Map) > 0 { // the first form had services only
		services = &tree.Value{}
		for _, e := range root.Map {
			if e.Value.Get("image") != nil || e.Value.Get("build") != nil {
				services.Map = append(services.Map, e)
			}
		}
	}
	if services == nil {
		return
	}
	for _, e := range services.Map {
		f.Services = append(f.Services, &Service{Name: e.Key, Line: e.Line, Value: f.extended(services, e.Value, 0)})
	}
}

// extended lays a service over the one that it extends.
func (f *File) extended(services, v *tree.Value, depth int) *tree.Value {
	ext := v.Get("extends")
	if ext == nil || depth >= maxExtends {
		return v
	}
	name := ext.String()
	if name == "" {
		name = ext.Get("service").String()
	}
	if file := ext.Get("file").String(); file != "" && path.Base(file) != path.Base(f.Path) {
		f.Others = append(f.Others, Other{file, ext.Line})
		return v
	}
	base := services.Get(name)
	if base == nil || base == v {
		return v
	}
	return laid(f.extended(services, base, depth+1), v)
}

// laid lays one service over another: single values replace, lists and maps add.
func laid(base, over *tree.Value) *tree.Value {
	out := *over
	out.Map = slices.Clone(over.Map)
	for _, b := range base.Map {
		i := slices.IndexFunc(out.Map, func(e tree.Entry) bool { return e.Key == b.Key })
		switch {
		case i < 0:
			out.Map = append(out.Map, b)
		case out.Map[i].Value.Tag != "":
			// !reset and !override: what is extended does not count
		case b.Value.List != nil && out.Map[i].Value.List != nil:
			both := *out.Map[i].Value
			both.List = slices.Concat(b.Value.List, both.List)
			out.Map[i].Value = &both
		case b.Value.Map != nil && out.Map[i].Value.Map != nil:
			out.Map[i].Value = laid(b.Value, out.Map[i].Value)
		}
	}
	return &out
}

// Resolve is what a text with variables in it becomes when the environment sets none: defaults count. It is
// not known where there is none.
func Resolve(text string) (value string, known bool) {
	return resolve(text, 0)
}

func resolve(text string, depth int) (string, bool) {
	var b strings.Builder
	known := true
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch next := text[i+1]; {
		case next == '$':
			b.WriteByte('$')
			i++
		case next == '{':
			end := closing(text, i+2)
			if end < 0 || depth > maxExtends {
				return text, false
			}
			inner, ok := fallback(text[i+2:end], depth)
			known = known && ok
			b.WriteString(inner)
			i = end
		case isName(next):
			known = false
			for i+1 < len(text) && (isName(text[i+1]) || text[i+1] >= '0' && text[i+1] <= '9') {
				i++
			}
		default:
			b.WriteByte('$')
		}
	}
	return b.String(), known
}

// fallback is what VAR:-default becomes.
func fallback(inner string, depth int) (string, bool) {
	for i := 0; i < len(inner); i++ {
		if isName(inner[i]) || inner[i] >= '0' && inner[i] <= '9' {
			continue
		}
		rest := strings.TrimPrefix(inner[i:], ":")
		if def, ok := strings.CutPrefix(rest, "-"); ok {
			return resolve(def, depth+1)
		}
		break
	}
	return "", false
}

// closing is where the brace that was opened before from is closed; -1 when it is not.
func closing(text string, from int) int {
	depth := 1
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func isName(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// Pair is a name and its value, as environments and build arguments have them.
type Pair struct {
	Name  string
	Value string
	Has   bool // it has a value; without one it is the caller's
	Line  int
}

// Pairs are those of a map, or of a list of NAME=VALUE.
func Pairs(v *tree.Value) (all []Pair) {
	if v == nil {
		return nil
	}
	for _, e := range v.Map {
		all = append(all, Pair{e.Key, e.Value.String(), !e.Value.Null, e.Line})
	}
	for _, one := range v.List {
		name, value, has := strings.Cut(one.String(), "=")
		all = append(all, Pair{name, value, has, one.Line})
	}
	return all
}
