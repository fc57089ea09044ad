// Package engine judges how container engines are set: Docker, containerd and CRI-O, and the files that they stand on.
package engine

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Checks lists all checks of container engines.
func Checks() []node.Check {
	return slices.Concat(docker(), dockerFiles(), watched(), containerd(), crio())
}

// of makes a check of an engine; its examples are command lines without the program's name, and what follows them.
func of(component, id, title string, severity finding.Severity, names string, page check.Page, look func(*node.Look)) node.Check {
	page.Bad, page.Good = "$ "+component+" "+page.Bad, "$ "+component+" "+page.Good
	return node.Check{Card: node.Named("node/"+id, title, severity, names, page), Of: component, Look: look}
}

// each visits all values of the configuration with their paths.
func each(l *node.Look, visit func(f *host.File, field string, v *tree.Value)) {
	for _, f := range l.C.Configs() {
		walk(f.Contents.Document(), "", 0, func(field string, v *tree.Value) { visit(f, field, v) })
	}
}

func walk(v *tree.Value, field string, depth int, visit func(string, *tree.Value)) {
	if v == nil || depth > 20 {
		return
	}
	visit(field, v)
	for _, e := range v.Map {
		walk(e.Value, strings.TrimPrefix(field+"."+e.Key, "."), depth+1, visit)
	}
	for _, one := range v.List {
		walk(one, field+"[]", depth+1, visit)
	}
}

// says makes a value of a field of a configuration.
func says(f *host.File, field string, v *tree.Value) host.Value {
	return host.Value{
		Name: field, Text: v.String(), Set: true, From: field + " in " + f.Path,
		At: []finding.Location{{Path: strings.TrimPrefix(f.Path, "/"), StartLine: v.Line, EndLine: v.Line}},
	}
}
