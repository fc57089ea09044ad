// Package remedy writes what would mend what was found of a host's control plane, kubelet and container engine: static
// pods and configuration files as they would be, new files that these name, what kubeadm takes, and commands. Nothing is
// applied. What only a person can decide is said, and why.
package remedy

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// Options say where things would lie on the host.
type Options struct {
	// Resolve follows links of the host to where a file really lies.
	Resolve func(path string) (string, error)
	Folder  string // of new files, as in /etc/kubernetes/plimsoll
	Log     string // the audit log's file
	Key     []byte // 32 bytes of chance, by which secrets are encrypted
}

// Failed is a check that failed, and of what.
type Failed struct {
	Check     node.Check
	Component *host.Component // nil: the host
	Hits      []check.Hit
}

// File is one as it would be.
type File struct {
	Path          string // on the host
	Before, After []byte // Before is nil of a new one
	Mode          fs.FileMode
	Secret        bool // it holds a key, and is not to be shown
}

// Mended is what is done about one rule of one component.
type Mended struct {
	Rule, Of, What string
	Note           string // what to heed; empty: nothing
}

// Left is what a person has to do.
type Left struct{ Rule, Of, Title, Do string }

// Remedies are all that would mend a host.
type Remedies struct {
	Files     []File
	Arguments []Arguments // of what neither a static pod nor a file sets
	Commands  []string
	Kubeadm   []File // by their paths in kubeadm's folder
	Mended    []Mended
	Left      []Left
	Unknown   []string // what checks would have to know
}

// Arguments are those that a program is to be started with, and without.
type Arguments struct {
	Of, Where string
	With      []string
	Without   []string
}

// plan is what is to change of one component.
type plan struct {
	of      *host.Component
	changes []change
	folders []folder // that it must see
	wants   []document
	probes  []string // paths that the kubelet asks it for, of its pod
}

// change sets a setting, or drops it.
type change struct {
	name, value string
	drop        bool
}

// folder is one of the host that a container must see.
type folder struct {
	name, path string
	writable   bool
}

func (p *plan) set(name, value string) { p.change(change{name: name, value: value}) }
func (p *plan) drop(name string)       { p.change(change{name: name, drop: true}) }

func (p *plan) change(c change) {
	if i := slices.IndexFunc(p.changes, func(have change) bool { return have.name == c.name }); i >= 0 {
		p.changes[i] = c
		return
	}
	p.changes = append(p.changes, c)
}

// value is what a setting will be.
func (p *plan) value(name string) string {
	for _, c := range p.changes {
		if c.name == name {
			return c.value
		}
	}
	return p.of.Value(name).Text
}

func (p *plan) list(name string) (all []string) { return host.Value{Text: p.value(name)}.List() }

func (p *plan) see(name, dir string, writable bool) {
	if p.of.Manifest == "" {
		return
	}
	if i := slices.IndexFunc(p.folders, func(f folder) bool { return f.path == dir }); i >= 0 {
		p.folders[i].writable = p.folders[i].writable || writable
		return
	}
	p.folders = append(p.folders, folder{name, dir, writable})
}

// Of makes the remedies for what failed. The root is that which the host was read of.
func Of(root fs.FS, failed []Failed, o Options) (*Remedies, error) {
	r := &Remedies{}
	var plans []*plan
	planOf := func(c *host.Component) *plan {
		for _, p := range plans {
			if p.of == c {
				return p
			}
		}
		plans = append(plans, &plan{of: c, probes: probes(root, c, o.Resolve)})
		return plans[len(plans)-1]
	}
	for _, f := range failed {
		if f.Component == nil {
			r.file(f)
			continue
		}
		what, known := remedies[f.Check.ID]
		var err error = byHand(f.Check.Page.Fix)
		p := planOf(f.Component)
		before := slices.Clone(p.changes)
		if known {
			err = what.do(p, &o)
		}
		if err != nil {
			p.changes = before
			r.Left = append(r.Left, Left{f.Check.ID, f.Component.Name, f.Check.Title, err.Error()})
			continue
		}
		r.Mended = append(r.Mended, Mended{Rule: f.Check.ID, Of: f.Component.Name, What: difference(before, p.changes), Note: what.note})
	}
	for _, p := range plans {
		if len(p.changes) == 0 {
			continue
		}
		if err := r.write(root, p, &o); err != nil {
			r.leave(p, err)
		}
	}
	if err := r.kubeadm(plans); err != nil {
		return nil, err
	}
	return r, nil
}

// Leave leaves to a person what was done and did not mend what it was done for.
func (r *Remedies) Leave(i int, title string) {
	m := r.Mended[i]
	r.Left = append(r.Left, Left{m.Rule, m.Of, title, m.What + " was written, and something else goes before it: see where the finding says that it is set"})
	r.Mended = slices.Delete(r.Mended, i, i+1)
}

// leave leaves to a person what could not be written.
func (r *Remedies) leave(p *plan, why error) {
	kept := r.Mended[:0]
	for _, m := range r.Mended {
		if m.Of != p.of.Name {
			kept = append(kept, m)
			continue
		}
		r.Left = append(r.Left, Left{m.Rule, m.Of, "not written", m.What + "; it could not be done here: " + why.Error()})
	}
	r.Mended, p.changes = kept, nil
}

// byHand says that a person has to do it, and what.
type byHand string

func (b byHand) Error() string { return string(b) }

// file gives files the rights or the owner with which their fix begins.
func (r *Remedies) file(f Failed) {
	done := false
	for _, h := range f.Hits {
		words := strings.Fields(cmp.Or(h.Fix, f.Check.Page.Fix))
		if h.Subject == nil || h.Subject.Kind != "file" || len(words) < 2 || words[0] != "chmod" && words[0] != "chown" {
			continue
		}
		if words[0] == "chown" && words[1] != "root:root" {
			continue // whether the host has that user, nobody knows
		}
		command := fmt.Sprintf("%s %s %s", words[0], words[1], quoted(h.Subject.Name))
		if !slices.Contains(r.Commands, command) {
			r.Commands = append(r.Commands, command)
		}
		r.Mended = append(r.Mended, Mended{Rule: f.Check.ID, Of: h.Subject.Name, What: command})
		done = true
	}
	if !done {
		r.Left = append(r.Left, Left{f.Check.ID, "the host", f.Check.Title, f.Check.Page.Fix})
	}
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	if strings.IndexFunc(s, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@", c)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func difference(before, after []change) string {
	var all []string
	for _, c := range after {
		if slices.Contains(before, c) {
			continue
		}
		if c.drop {
			all = append(all, "drop "+c.name)
		} else {
			all = append(all, c.name+"="+c.value)
		}
	}
	if len(all) == 0 {
		return "by what stands above"
	}
	return strings.Join(all, ", ")
}

// write puts a plan where its component reads its settings, and the documents that it names beside it.
func (r *Remedies) write(root fs.FS, p *plan, o *Options) error {
	if err := r.settle(root, p, o); err != nil {
		return err
	}
	for _, d := range p.wants {
		f := File{Path: path.Join(o.Folder, d.name), After: d.text, Mode: 0o600, Secret: d.secret}
		if !slices.ContainsFunc(r.Files, func(have File) bool { return have.Path == f.Path }) {
			r.Files = append(r.Files, f)
		}
	}
	return nil
}

func (r *Remedies) settle(root fs.FS, p *plan, o *Options) error {
	switch configs := p.of.Configs(); {
	case p.of.Manifest != "":
		return r.edit(root, p.of.Manifest, o, p.pod)
	case len(configs) > 0 && (p.of.Name == "kubelet" || p.of.Name == "kube-proxy"):
		r.without(p)
		return r.edit(root, configs[len(configs)-1].Path, o, p.fields)
	case p.of.Name == "dockerd":
		return r.daemon(root, p)
	}
	a := Arguments{Of: p.of.Name, Where: p.of.Where()}
	for _, c := range p.changes {
		if c.drop {
			a.Without = append(a.Without, "--"+c.name)
		} else {
			a.With = append(a.With, "--"+c.name+"="+c.value)
		}
	}
	r.Arguments = append(r.Arguments, a)
	return nil
}

// without names the arguments that go before a file, or may not stand beside it: until a person takes them away, nothing is mended.
func (r *Remedies) without(p *plan) {
	for _, c := range p.changes {
		v := p.of.Value(c.name)
		if !v.Set || v.Node != nil {
			continue
		}
		where := p.of.Source(v)
		i := slices.IndexFunc(r.Arguments, func(a Arguments) bool { return a.Of == p.of.Name && a.Where == where })
		if i < 0 {
			i = len(r.Arguments)
			r.Arguments = append(r.Arguments, Arguments{Of: p.of.Name, Where: where})
		}
		r.Arguments[i].Without = append(r.Arguments[i].Without, "--"+c.name)
		kept := r.Mended[:0]
		for _, m := range r.Mended {
			if m.Of != p.of.Name || !strings.Contains(", "+m.What, ", "+c.name+"=") {
				kept = append(kept, m)
				continue
			}
			r.Left = append(r.Left, Left{m.Rule, m.Of, "--" + c.name + " goes before what is written", "take --" + c.name + " away from " + where + "; " + m.What + " is written"})
		}
		r.Mended = kept
	}
}

// edit has a file changed; what others changed of it before is kept.
func (r *Remedies) edit(root fs.FS, name string, o *Options, how func([]byte) ([]byte, error)) error {
	name, err := o.Resolve(name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Path == name })
	one := File{Path: name, Mode: 0o600}
	if i >= 0 {
		one = r.Files[i]
	} else if one.Before, err = fs.ReadFile(root, strings.TrimPrefix(name, "/")); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	} else {
		one.After = one.Before
	}
	if one.After, err = how(one.After); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if i >= 0 {
		r.Files[i] = one
	} else {
		r.Files = append(r.Files, one)
	}
	return nil
}
