package sbom

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
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
	b.claim()
	b.notes()
	return b.doc
}

// claim gives packages the owners that Syft names. One that stands in several places counts as owned
// only when all of them are: the copy that nobody owns is to be judged.
func (b *builder) claim() {
	owner := map[string]int{} // by the owned entry's name
	for _, c := range b.claims {
		from, ok := b.byRef[c[0]]
		to, known := b.byRef[c[1]]
		if ok && known && isOS(b.doc.Packages[from].Type) && !isOS(b.doc.Packages[to].Type) {
			owner[c[1]] = from
		}
	}
	if len(owner) == 0 {
		return
	}
	free := map[int]bool{}
	for ref, i := range b.byRef {
		if _, ok := owner[ref]; !ok {
			free[i] = true
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(owner)) {
		if i := b.byRef[ref]; !free[i] {
			b.doc.Packages[i].Owner = owner[ref]
		}
	}
}

func isOS(kind string) bool { return kind == "deb" || kind == "rpm" || kind == "apk" }

// ownerless says whether a document of another tool lists a distribution's packages and others, and
// does not tell which of these are files of those.
func (b *builder) ownerless() bool {
	has := func(f func(p Package) bool) bool { return slices.ContainsFunc(b.doc.Packages, f) }
	return !b.ours && b.doc.Format != "plimsoll" && len(b.claims) == 0 &&
		has(func(p Package) bool { return isOS(p.Type) }) && has(func(p Package) bool { return !isOS(p.Type) && p.Type != "generic" })
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

// inTrivy says that Trivy wrote an entry: an application of its is a file in which packages stand, and none itself.
func inTrivy(e *entry) bool {
	return e.get("aquasecurity:trivy:Type", "aquasecurity:trivy:Class") != "" || strings.HasPrefix(e.ref, "SPDXRef-Application-")
}

// notes tells what was not taken.
func (b *builder) notes() {
	note := func(n int, class string, blocking bool, format string, args ...any) {
		if n > 0 {
			b.doc.Notes = append(b.doc.Notes, ecosystem.Note{Class: class, Blocking: blocking, What: fmt.Sprintf(format, args...)})
		}
	}
	if b.partial != "" && !slices.ContainsFunc(b.doc.Notes, func(n ecosystem.Note) bool { return n.Blocking || n.Class == finding.GapSkipped }) {
		note(1, "incomplete-sbom", false, "the document says that its list is %s", strings.ReplaceAll(b.partial, "_", " "))
	}
	if b.ownerless() {
		note(1, "incomplete-sbom", false, "the document does not say which files the distribution's packages own: what they bring may be reported twice")
	}
	var lost tally
	for i := range b.nameless {
		e := &b.nameless[i]
		switch {
		case b.about[e.ref] || e.kind == "container" || e.get("plimsoll:kind") != "":
			b.subject(e)
		case e.kind == "file" || e.kind == "data":
		case e.kind == "application" && inTrivy(e):
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
