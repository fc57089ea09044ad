// Package control judges a control plane: kube-apiserver, kube-controller-manager, kube-scheduler and etcd, and the
// files that they stand on.
package control

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// The programs that are judged.
const (
	server    = "kube-apiserver"
	manager   = "kube-controller-manager"
	scheduler = "kube-scheduler"
	store     = "etcd"
)

// Checks lists all checks of a control plane.
func Checks() []node.Check {
	return slices.Concat(files(), authentication(), identity(), authorization(), plugins(), serving(), secrets(), audit(), managers(), etcd(), certificates())
}

// of makes a check of a component; its examples are command lines without the program's name, and what follows them.
func of(component, id, title string, severity finding.Severity, names string, page check.Page, look func(*node.Look)) node.Check {
	page.Bad, page.Good = "$ "+component+" "+page.Bad, "$ "+component+" "+page.Good
	return node.Check{Card: node.Named("control/"+id, title, severity, names, page), Of: component, Look: look}
}

// document is the configuration that a setting names; nil where it names none, or one that could not be read, which
// is a doubt.
func document(l *node.Look, setting string) (*host.File, *tree.Value) {
	v := l.Value(setting)
	if v.Text == "" {
		return nil, nil
	}
	f := l.C.File(v.Text)
	switch {
	case f == nil || f.Missing:
		l.Doubt("what stands in " + v.Text + ", which " + v.Name + " names")
		return nil, nil
	case f.Contents.Document() == nil:
		l.Doubt("what stands in " + f.Path + ": " + f.Why)
		return nil, nil
	}
	return f, f.Contents.Document()
}

// in is a value of a configuration that a setting names.
func in(f *host.File, field string, at *tree.Value) host.Value {
	v := host.Value{Name: field, Set: true, Text: at.String(), From: field + " in " + f.Path, Node: at}
	line := 0
	if at != nil {
		line = at.Line
	}
	v.At = []finding.Location{{Path: strings.TrimPrefix(f.Path, "/"), StartLine: line, EndLine: line}}
	return v
}
