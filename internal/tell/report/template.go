package report

import (
	"encoding/json"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"reflect"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"github.com/plimsoll/plimsoll/finding"
)

// Bounds of what a user's template may take. Steps are counted and not timed, so that a template ends in the
// same place on every machine.
const (
	maxTemplate      = 1 << 20   // bytes of its text
	maxTemplateOut   = 64 << 20  // bytes that it may write
	maxTemplateSteps = 1_000_000 // rounds of its loops, and calls of its templates
	bytesPerStep     = 64        // what a function makes costs a step for so many bytes
)

// Template is a user's Go template, which is given the report.
type Template struct {
	html *htmltemplate.Template
	text *texttemplate.Template
}

// ParseTemplate reads a template. What asHTML is escaped by where it stands (html/template), so that no
// name in a report becomes markup or script; the other is text, in which names hold no control characters.
//
// The template's data is the report as package finding has it: {{range .Findings}}{{.Rule}}{{end}}. Besides
// what every Go template knows it may call: target ID and package ID (the parts of the report that findings
// name), json VALUE, csv TEXT, join LIST SEPARATOR, lower TEXT, upper TEXT and replace OLD NEW TEXT.
func ParseTemplate(name, text string, asHTML bool) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("a template of %d bytes: at most %d are read", len(text), maxTemplate)
	}
	t := &Template{}
	var err error
	if asHTML {
		t.html, err = htmltemplate.New(name).Funcs(functions(&finding.Report{})).Parse(text)
	} else {
		t.text, err = texttemplate.New(name).Funcs(functions(&finding.Report{})).Parse(text)
	}
	if err != nil {
		return nil, err
	}
	return t, t.count(name)
}

// count has every round of a loop and every call of a template ask whether it may go on.
func (t *Template) count(name string) error {
	ask, err := texttemplate.New("").Funcs(functions(&finding.Report{})).Parse(`{{if step}}{{end}}`)
	if err != nil {
		return err
	}
	tick := ask.Root.Nodes[0]
	var trees []*parse.Tree
	if t.html != nil {
		for _, one := range t.html.Templates() {
			trees = append(trees, one.Tree)
		}
	} else {
		for _, one := range t.text.Templates() {
			trees = append(trees, one.Tree)
		}
	}
	if len(trees) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	for _, tree := range trees {
		if tree != nil && tree.Root != nil {
			counted(tree.Root, tick)
			tree.Root.Nodes = append([]parse.Node{tick.Copy()}, tree.Root.Nodes...)
		}
	}
	return nil
}

func counted(list *parse.ListNode, tick parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		var b *parse.BranchNode
		switch n := n.(type) {
		case *parse.RangeNode:
			b = &n.BranchNode
		case *parse.IfNode:
			b = &n.BranchNode
		case *parse.WithNode:
			b = &n.BranchNode
		default:
			continue
		}
		counted(b.List, tick)
		counted(b.ElseList, tick)
		if n.Type() == parse.NodeRange {
			b.List.Nodes = append([]parse.Node{tick.Copy()}, b.List.Nodes...)
		}
	}
}

var (
	errNoTemplate = errors.New("it needs a template: --template FILE")
	errSteps      = fmt.Errorf("the template takes more than %d steps", maxTemplateSteps)
)

// functions are those of templates, for one report. They take of one budget of steps.
func functions(r *finding.Report) map[string]any {
	targets, packages, _ := byID(r)
	left := maxTemplateSteps
	spend := func(made string) (string, error) {
		if left -= 1 + len(made)/bytesPerStep; left < 0 {
			return "", errSteps
		}
		return made, nil
	}
	return map[string]any{
		"step": func() (bool, error) {
			_, err := spend("")
			return false, err
		},
		"target": func(id string) finding.Target {
			if t := targets[id]; t != nil {
				return *t
			}
			return finding.Target{}
		},
		"package": func(id string) finding.Package {
			if p := packages[id]; p != nil {
				return *p
			}
			return finding.Package{}
		},
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			return spend(string(b))
		},
		"csv":   func(s string) (string, error) { return spend(`"` + strings.ReplaceAll(cell(s), `"`, `""`) + `"`) },
		"join":  func(list []string, separator string) (string, error) { return spend(strings.Join(list, separator)) },
		"lower": func(s any) (string, error) { return spend(strings.ToLower(fmt.Sprint(s))) },
		"upper": func(s any) (string, error) { return spend(strings.ToUpper(fmt.Sprint(s))) },
		"replace": func(from, to, s string) (string, error) {
			if n := strings.Count(s, from); n*len(to) > maxTemplate {
				return "", fmt.Errorf("replace makes more than %d bytes", maxTemplate)
			}
			return spend(strings.ReplaceAll(s, from, to))
		},
	}
}

func writeTemplate(w io.Writer, r *finding.Report, o Options) error {
	out := &bounded{w: w, left: maxTemplateOut}
	switch t := o.Template; {
	case t == nil:
		return errNoTemplate
	case t.html != nil:
		one, err := t.html.Clone() // escaping changes a template for good
		if err != nil {
			return err
		}
		return one.Funcs(functions(r)).Execute(out, r)
	default:
		plain := cleaned(r)
		return t.text.Funcs(functions(plain)).Execute(out, plain)
	}
}

// cleaned is a copy of a report of which no text steers a terminal or begins a line of its own.
func cleaned(r *finding.Report) *finding.Report {
	out := reflect.New(reflect.TypeFor[finding.Report]()).Elem()
	cleanInto(out, reflect.ValueOf(r).Elem())
	return out.Addr().Interface().(*finding.Report)
}

func cleanInto(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(clean(from.String()))
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			cleanInto(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				cleanInto(to.Index(i), from.Index(i))
			}
		}
	case reflect.Struct:
		to.Set(from) // times and their like have fields of their own that cannot be set one by one
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				cleanInto(to.Field(i), from.Field(i))
			}
		}
	default:
		to.Set(from)
	}
}

// bounded ends a template that writes without end.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("the template writes more than %d bytes", maxTemplateOut)
	}
	return b.w.Write(p)
}
