package sbom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// finish settles what only the whole document tells: the distribution, dependencies, owners, notes.
func (b *builder) finish() Document {
	b.release()
	for _, e := range b.edges {
		from, ok := b.byRef[e[0]]
		to, known := b.byRef[e[1]]
		if !ok || !known || from == to {
			continue
		}
		p, q := &b.doc.Packages[from], &b.doc.Packages[to]
		if p.Type == q.Type { // other kinds cannot be named
			p.Depends = append(p.Depends, q.FullName())
		}
	}
	for i := range b.doc.Packages {
		p := &b.doc.Packages[i]
		slices.Sort(p.Depends)
		p.Depends = slices.Compact(p.Depends)
	}
	for i, ref := range b.owners {
		owner, ok := b.byRef[ref]
		if !ok { // SPDX wants its own prefix before an id
			owner, ok = b.byRef["SPDXRef-Package-"+ref]
		}
		if ok && owner != i {
			b.doc.Packages[i].Owner = owner
		}
	}
	b.notes()
	return b.doc
}

// release believes the entry for the operating system, and fills it up from the purls.
func (b *builder) release() {
	on := b.named
	switch {
	case on.ID == "":
		on = b.said
	case b.said.ID == on.ID && on.Version == "":
		on.Version = b.said.Version
	}
	if on.ID == "" {
		return
	}
	if on.Codename == "" && b.said.ID == on.ID {
		on.Codename = b.said.Codename
	}
	b.doc.Release = &on
}

// notes tells what was not taken.
func (b *builder) notes() {
	note := func(n int, class string, blocking bool, format string, args ...any) {
		if n > 0 {
			b.doc.Notes = append(b.doc.Notes, ecosystem.Note{Class: class, Blocking: blocking, What: fmt.Sprintf(format, args...)})
		}
	}
	if b.partial != "" && !slices.ContainsFunc(b.doc.Notes, func(n ecosystem.Note) bool { return n.Blocking }) {
		note(1, "incomplete-sbom", false, "the document says that its list is %s", strings.ReplaceAll(b.partial, "_", " "))
	}
	var lost tally
	for i := range b.nameless {
		e := &b.nameless[i]
		switch {
		case b.about[e.ref] || e.kind == "container" || e.get("plimsoll:kind") != "":
			b.subject(e)
		case e.kind == "file" || e.kind == "data":
		case e.kind == "application" && e.get("aquasecurity:trivy:Type", "aquasecurity:trivy:Class") != "": // Trivy's folders of packages
		default:
			lost.add(e.name)
		}
	}
	note(lost.n, "unreadable-package", true, "%d entries without a purl, which no advisory could be held against: %s", lost.n, &lost)
	note(b.invalid.n, "unreadable-package", true, "%d entries whose purl is not valid: %s", b.invalid.n, &b.invalid)
	note(b.passed, "limit-reached", true, "%d entries longer than %d bytes or deeper than %d", b.passed, maxEntry, maxDepth)
	note(b.foreign.n, "unknown-distribution", true, "%d packages of another distribution than the document's other packages: %s", b.foreign.n, &b.foreign)
	if b.named.ID != "" && b.said.ID != "" && !same(b.named, b.said) {
		note(1, "unknown-distribution", true, "the document names %s %s, its packages %s %s", b.named.ID, b.named.Version, b.said.ID, b.said.Version)
	}
}
