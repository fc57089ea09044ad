// Package baseline tells what a change brought from what was there before, and from what the world has only
// learned since: by holding a report against an earlier one.
//
//	new        the baseline has not got it, though its package or place was not there either, or changed
//	disclosed  nothing changed: the same package in the same version was judged and not known to be vulnerable,
//	           or what is known of it has become worse since
//	known      the baseline has it too
//
// In doubt a finding is new. What a baseline did not assess (a gap, a check that was not run, a finding that
// a filter hid or that an exception let pass which is there no more) it says nothing of.
package baseline

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Baseline is an earlier report.
type Baseline struct {
	report  *finding.Report
	targets []*known
	asOf    string // the day of its advisories
}

// known is what it says of one target.
type known struct {
	*finding.Target
	prints   map[string]*finding.Finding // by the fingerprint under each of its names
	packages map[string]bool             // purls with their versions
	told     map[string]bool             // purl and id: what was found of it
	judged   bool                        // no gap blocked
	whole    bool                        // nothing was left out
}

// Of takes a report for a baseline. One that gives no verdict is an inventory, and none.
func Of(r *finding.Report) (*Baseline, error) {
	if !r.Judged() {
		return nil, fmt.Errorf("it is an inventory and says nothing of findings: make one with plimsoll scan -o json")
	}
	b := &Baseline{report: r}
	if db := r.Tool.Database; db != nil {
		at := db.AsOf
		if at.IsZero() {
			at = db.Built
		}
		b.asOf = at.UTC().Format("2006-01-02")
	}
	purls := map[string]string{}
	by := map[string]*known{}
	for i := range r.Targets {
		k := &known{Target: &r.Targets[i], prints: map[string]*finding.Finding{}, packages: map[string]bool{}, told: map[string]bool{}, judged: true, whole: true}
		b.targets = append(b.targets, k)
		by[k.ID] = k
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		purls[p.ID] = p.PURL
		if k := by[p.Target]; k != nil {
			k.packages[p.PURL] = true
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if k := by[f.Target]; k != nil {
			k.take(f, purls[f.Package])
		}
	}
	b.gaps()
	return b, nil
}

func (k *known) take(f *finding.Finding, purl string) {
	k.prints[f.Fingerprint] = f
	for _, id := range append([]string{f.Rule}, f.Aliases...) {
		named := *f
		named.Rule = id
		if print := finding.Fingerprint(named, purl); k.prints[print] == nil {
			k.prints[print] = f
		}
		if purl != "" {
			k.told[purl+" "+strings.ToLower(id)] = true
		}
	}
}

// gaps marks the targets of which something was not assessed.
func (b *Baseline) gaps() {
	for _, g := range b.report.Coverage {
		for _, k := range b.targets {
			if g.Target != "" && g.Target != k.ID {
				continue
			}
			k.judged = k.judged && !g.Blocking
			k.whole = k.whole && !g.Blocking && !g.Unread()
		}
	}
	if b.report.Tool.Hidden > 0 {
		for _, k := range b.targets {
			k.judged, k.whole = false, false
		}
	}
}

// of is what the baseline says of a target: of that name, or of the same repository, or for what is no image
// of a path that ends alike; each for the same platform.
func (b *Baseline) of(t *finding.Target) *known {
	same := func(k *known) bool { return k.Kind == t.Kind && k.Platform == t.Platform }
	for _, alike := range []func(*known) bool{
		func(k *known) bool { return k.Name == t.Name },
		func(k *known) bool { return t.Kind == "image" && repository(k.Name) == repository(t.Name) },
		func(k *known) bool { return t.Kind != "image" && path.Base(k.Name) == path.Base(t.Name) },
	} {
		var found *known
		for _, k := range b.targets {
			if same(k) && alike(k) {
				if found != nil {
					return nil // which of them it was cannot be told
				}
				found = k
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func repository(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon]
	}
	return name
}

// Notes say what keeps the baseline from telling more.
func (b *Baseline) Notes(r *finding.Report) []string {
	var notes []string
	var names []string
	for _, k := range b.targets {
		names = append(names, k.Name)
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		k := b.of(t)
		switch {
		case k == nil:
			notes = append(notes, fmt.Sprintf("it is of %s and not of %s: all that is found there counts as new", cmp.Or(strings.Join(names[:min(len(names), 3)], ", "), "nothing"), named(t)))
		case !k.judged && b.report.Tool.Hidden > 0:
			notes = append(notes, fmt.Sprintf("filters hid %d of its findings: what it does not show counts as new", b.report.Tool.Hidden))
		case !k.judged:
			notes = append(notes, fmt.Sprintf("it did not assess all of %s: what it may have missed counts as new", named(t)))
		}
	}
	return slices.Compact(notes)
}

func named(t *finding.Target) string {
	if t.Platform != "" {
		return t.Name + " for " + t.Platform
	}
	return cmp.Or(t.Name, t.ID)
}

// Class says of the findings from a number on since when they are there.
func (b *Baseline) Class(r *finding.Report, from int) {
	purls := map[string]string{}
	for i := range r.Packages {
		purls[r.Packages[i].ID] = r.Packages[i].PURL
	}
	of := map[string]*known{}
	targets := map[string]*finding.Target{}
	for i := range r.Targets {
		of[r.Targets[i].ID] = b.of(&r.Targets[i])
		targets[r.Targets[i].ID] = &r.Targets[i]
	}
	for i := from; i < len(r.Findings); i++ {
		f := &r.Findings[i]
		f.Since = finding.SinceNew
		if k := of[f.Target]; k != nil {
			f.Since = b.since(k, f, targets[f.Target], purls[f.Package])
		}
	}
}

func (b *Baseline) since(k *known, f *finding.Finding, t *finding.Target, purl string) finding.Since {
	if before := k.before(f, purl); before != nil {
		switch {
		case len(before.Suppressed) > 0 && len(f.Suppressed) == 0:
			return finding.SinceNew // what let it pass does so no more
		case worse(before, f):
			return finding.SinceDisclosed
		}
		return finding.SinceKnown
	}
	if !b.ran(f) {
		return finding.SinceNew
	}
	if isVulnerability(f) && k.packages[purl] && !k.tells(f, purl) && (k.judged || f.Published > b.asOf && b.asOf != "" && b.report.Tool.Hidden == 0) {
		return finding.SinceDisclosed
	}
	if k.whole && k.Digest != "" && k.Digest == t.Digest && f.Kind != finding.KindPolicy {
		return finding.SinceDisclosed // not a byte changed: it is the checks or the advisories that did
	}
	return finding.SinceNew
}

func isVulnerability(f *finding.Finding) bool {
	return f.Kind == finding.KindVulnerability || f.Kind == finding.KindMalware
}

// before is the same finding in the baseline, under whichever of its names.
func (k *known) before(f *finding.Finding, purl string) *finding.Finding {
	if found := k.prints[f.Fingerprint]; found != nil {
		return found
	}
	for _, id := range f.Aliases {
		named := *f
		named.Rule = id
		if found := k.prints[finding.Fingerprint(named, purl)]; found != nil {
			return found
		}
	}
	return nil
}

// tells says whether the baseline knew of the vulnerability in that package, if elsewhere.
func (k *known) tells(f *finding.Finding, purl string) bool {
	return slices.ContainsFunc(append([]string{f.Rule}, f.Aliases...), func(id string) bool { return k.told[purl+" "+strings.ToLower(id)] })
}

// worse says whether more is known against a finding than before.
func worse(before, f *finding.Finding) bool {
	kev := func(f *finding.Finding) bool { return f.Risk != nil && f.Risk.KEV }
	return kev(f) && !kev(before) || f.Severity.Rank() > before.Severity.Rank()
}

// ran says whether the baseline's checks would have found it.
func (b *Baseline) ran(f *finding.Finding) bool {
	if len(b.report.Tool.Checks) == 0 {
		return true
	}
	family := "vuln"
	if !isVulnerability(f) {
		family, _, _ = strings.Cut(f.Rule, "/")
	}
	return slices.Contains(b.report.Tool.Checks, family)
}
