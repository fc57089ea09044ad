// Package node judges what is set on a host: the kubelet, the proxy, container engines and the files that they
// stand on. Its folder control judges the control plane by the same means.
//
// What counts is the effective value of a setting, whoever says it. One that is not known is neither good nor bad.
package node

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// Check is a card and the function that looks at a host.
type Check struct {
	check.Card
	// Of is the component that it is about, which each of its kind is looked at for; empty: the host as one.
	Of   string
	Look func(*Look)
}

// Answer is what a check says of a host.
type Answer struct {
	Hits    []check.Hit
	Unknown []string // what it would have to know
	// Passed, Failed and Doubtful count the components, or files, that were looked at.
	Passed, Failed, Doubtful int
}

// Applies says that there was something to look at.
func (a Answer) Applies() bool { return a.Passed+a.Failed+a.Doubtful > 0 }

// Run looks at a host.
func (c Check) Run(h *host.Host, now time.Time) (a Answer) {
	if c.Of == "" {
		a.add(c, &Look{Host: h, Now: now, C: &host.Component{}})
		return a
	}
	for _, one := range h.Components {
		if one.Name == c.Of && !one.Bare {
			a.add(c, &Look{Host: h, Now: now, C: one})
		}
	}
	return a
}

func (a *Answer) add(c Check, l *Look) {
	c.Look(l)
	a.Hits = append(a.Hits, l.hits...)
	switch {
	case l.skipped:
	case len(l.hits) > 0:
		a.Failed++
	case len(l.unknown) > 0:
		a.Doubtful++
		a.Unknown = append(a.Unknown, l.unknown...)
	case c.Of != "" || l.seen:
		a.Passed++
	}
}

// Look is one look of a check at a component, or at a host.
type Look struct {
	Host *host.Host
	C    *host.Component
	Now  time.Time

	hits    []check.Hit
	unknown []string
	seen    bool
	skipped bool
}

// Skip says that the check does not apply here.
func (l *Look) Skip() { l.skipped = true }

// Value is the effective value of a setting. Where it is not known, the check does not know either.
func (l *Look) Value(name string) host.Value {
	v := l.C.Value(name)
	if v.Unknown != "" {
		l.Doubt(v.Unknown)
	}
	return v
}

// Doubt says what the check would have to know.
func (l *Look) Doubt(what string) { l.unknown = append(l.unknown, what) }

// Hit says that a value is not as it should be; of one that is not known nothing is said.
func (l *Look) Hit(v host.Value, detail string) {
	if v.Unknown != "" {
		return
	}
	name := strings.TrimLeft(v.Name, "-")
	if detail == "" {
		detail = v.From
	}
	fix := ""
	if field := l.C.Field(name); l.C.Name == "kubelet" && l.C.Configured() && v.Set && v.Node == nil && field != "" && name != "feature-gates" {
		fix = "Take --" + name + " away from " + l.C.Source(v) + ": it goes before the configuration file, where " + field + " belongs."
	}
	l.hits = append(l.hits, check.Hit{Where: v.From, Detail: detail, Fix: fix, At: v.At, Subject: &finding.Subject{Kind: "component", Name: l.C.Name, Field: name}})
}

// HitFile says that something is wrong with a file.
func (l *Look) HitFile(f *host.File, detail string) { l.hitFile(f, detail, "") }

func (l *Look) hitFile(f *host.File, detail, fix string) {
	h := check.Hit{
		Where: f.Path + ": " + detail, Detail: detail, Fix: fix, At: []finding.Location{{Path: strings.TrimPrefix(f.Path, "/")}},
		Subject: &finding.Subject{Kind: "file", Name: f.Path},
	}
	for _, known := range l.hits { // two settings may name one file
		if known.Where == h.Where {
			return
		}
	}
	l.hits = append(l.hits, h)
}

// File is a file as the component sees it; nil where it is not there, or could not be looked at, which is a doubt.
func (l *Look) File(path string) *host.File {
	f := l.C.File(path)
	if f == nil && l.Host != nil {
		f = l.Host.File(path)
	}
	switch {
	case f == nil:
		return nil
	case f.Mode == 0 && f.Why != "":
		l.Doubt(f.Path + ": " + f.Why)
		return nil
	case !f.Is():
		return nil
	}
	l.seen = true
	return f
}

// Files are those of the paths, and of the settings that name some, that are there.
func (l *Look) Files(paths ...string) (all []*host.File) {
	for _, p := range paths {
		if !strings.HasPrefix(p, "/") && p != "" {
			p = l.C.Value(p).Text
		}
		if f := l.File(p); f != nil && p != "" {
			all = append(all, f)
		}
	}
	return all
}

// Named are the files that a setting of components of a name says, and the paths' where none does. One that is not there is a doubt:
// the component could not do without it.
func (l *Look) Named(component, setting string, paths ...string) (all []*host.File) {
	said := false
	for _, c := range l.Host.Components {
		if c.Name != component {
			continue
		}
		if v := c.Value(setting); v.Set && strings.HasPrefix(v.Text, "/") {
			said = true
			if f := l.there(c, v); f != nil {
				all = append(all, f)
			}
		}
	}
	if said {
		return all
	}
	return l.Files(paths...)
}

// Missing doubts what lies in a folder where settings of a host's components name a file of it that is not there.
func (l *Look) Missing(folder string, settings ...string) {
	for _, c := range l.Host.Components {
		for _, name := range settings {
			if v := c.Value(name); v.Set && strings.HasPrefix(v.Text, folder+"/") {
				l.there(c, v)
			}
		}
	}
}

// there is the file that a setting names.
func (l *Look) there(c *host.Component, v host.Value) *host.File {
	switch f := c.File(v.Text); {
	case f == nil && c.Origin != "": // what the API shows of it has no files
	case f == nil || f.Missing:
		l.Doubt(v.Text + ", which " + v.Name + " of " + c.Name + " names: it is not there")
	case f.Mode == 0:
		l.Doubt(f.Path + ": " + f.Why)
	default:
		l.seen = true
		return f
	}
	return nil
}

// Below are the files under folders.
func (l *Look) Below(dirs ...string) (all []*host.File) {
	for _, dir := range dirs {
		all = append(all, l.Host.Below(dir)...)
	}
	l.seen = l.seen || len(all) > 0
	return all
}

// Mode wants files to give no more rights than these.
func (l *Look) Mode(most uint32, files ...*host.File) {
	for _, f := range files {
		if beyond := f.Beyond(modeOf(most)); beyond != "" {
			l.hitFile(f, beyond, fmt.Sprintf("chmod %o %s", f.Mode.Perm()&modeOf(most), f.Path))
		}
	}
}

// Owner wants files to belong to a user and a group, by their names.
func (l *Look) Owner(user, group string, files ...*host.File) {
	for _, f := range files {
		switch {
		case f.UID < 0:
			l.Doubt("the owner of " + f.Path)
		case is(user, f.Owner, f.UID) && (group == "" || is(group, f.Group, f.GID)):
		default:
			its := strings.TrimSuffix(user+":"+group, ":")
			l.hitFile(f, "it belongs to "+f.Owner+":"+f.Group, "chown "+its+" "+f.Path)
		}
	}
}

// is says that a user or a group is the one that is wanted. Root is 0, whatever the host calls it, if it calls it at all.
func is(want, name string, id int) bool { return name == want || want == "root" && id == 0 }

// Named is a card whose names are aliases in other tools and controls of frameworks, parted by blanks.
func Named(id, title string, severity finding.Severity, names string, page check.Page) check.Card {
	var all []string
	for name := range strings.FieldsSeq(names) {
		if number, is := strings.CutPrefix(name, "cis-k8s-1.12/"); is {
			all = append(all, "kube-bench/"+number)
		}
		all = append(all, name)
	}
	return check.Card{
		ID: id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity,
		Decks: []string{finding.Admit, finding.Run}, Since: "0.1", Page: page,
	}.Named(strings.Join(all, " "))
}

// Saw says that there was something to look at.
func (l *Look) Saw() { l.seen = true }

// Soften rates what was found otherwise than the card does.
func (l *Look) Soften(s finding.Severity) {
	for i := range l.hits {
		l.hits[i].Severity = s
	}
}
