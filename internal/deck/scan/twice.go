package scan

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// bySecretNames are the checks that take a value for a secret because of its variable's name, which the search for secrets
// knows, too.
var bySecretNames = []string{"compose/secret-value", "dockerfile/secret-argument", "dockerfile/secret-env", "pipeline/secret-value"}

// sameSubject names, for a check, the one that says the same of the same line and more.
var sameSubject = map[string]string{"image/bad-port": "dockerfile/invalid-port"}

func saysMore(rule string) bool {
	for _, one := range sameSubject {
		if one == rule {
			return true
		}
	}
	return false
}

// byNameAlone are the secrets of which nothing is known but what they are called. The other check knows better how grave
// that is: whether the stage ships, say.
var byNameAlone = []string{"secret/generic-secret", "secret/password"}

// once drops what two checks tell of one thing in one place. A secret stays a secret: it takes the other's severity, its
// names, so that exceptions for it hold, and its advice. What a comment lets pass by the other's name passes as a secret
// too, where only its name makes it one.
func (s *scan) once() {
	s.behind()
	named, said := map[string][]*finding.Finding{}, map[string]bool{}
	in := map[string][]*finding.Finding{} // all secrets of a target
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		if f.Kind == finding.KindSecret {
			in[f.Target] = append(in[f.Target], f)
		}
		switch {
		case f.Kind == finding.KindSecret && f.Subject != nil && f.Subject.Field != "":
			key := f.Target + " " + f.Subject.Field
			named[key] = append(named[key], f)
		case len(f.Suppressed) == 0 && saysMore(f.Rule):
			said[placeKey(f, f.Rule)] = true
		}
	}
	drop, dropped := map[*finding.Finding]bool{}, false
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		switch {
		case f.Rule == "pod/secret-value": // it is found by the same search, a line at a time
			drop[f] = taken(f, in[f.Target])
		case slices.Contains(bySecretNames, f.Rule) && f.Subject != nil:
			name := f.Subject.Field[strings.LastIndexByte(f.Subject.Field, ' ')+1:]
			drop[f] = taken(f, named[f.Target+" "+name])
		case sameSubject[f.Rule] != "" && len(f.Suppressed) == 0:
			drop[f] = said[placeKey(f, sameSubject[f.Rule])]
		}
		dropped = dropped || drop[f]
	}
	if !dropped {
		return
	}
	kept := make([]finding.Finding, 0, len(s.report.Findings))
	for i := range s.report.Findings {
		if f := &s.report.Findings[i]; !drop[f] {
			kept = append(kept, *f)
		}
	}
	s.report.Findings = kept
}

// behind makes low what only its name makes a secret where all its places are in stages of a Dockerfile that are left
// behind, also where no other check looked at them: because the stage that was asked for does not need them.
func (s *scan) behind() {
	if len(s.recipes) == 0 {
		return
	}
	files := map[string]*read.File{} // "target path"
	for _, r := range s.recipes {
		files[r.target+" "+r.path] = r.file
	}
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		if !slices.Contains(byNameAlone, f.Rule) || len(f.Locations) == 0 {
			continue
		}
		if !slices.ContainsFunc(f.Locations, func(l finding.Location) bool {
			of := files[f.Target+" "+l.Path]
			return of == nil || !of.LeftBehind(l.StartLine)
		}) {
			f.Severity = finding.Low
			risk.Of(f)
		}
	}
}

// placeKey is a rule and where a finding is.
func placeKey(f *finding.Finding, rule string) string {
	if len(f.Locations) == 0 {
		return ""
	}
	return strings.Join([]string{f.Target, rule, f.Locations[0].Path, f.Evidence}, "\x00")
}

// taken says that secrets lie in all places of a finding, and has them tell what it told.
func taken(f *finding.Finding, secrets []*finding.Finding) bool {
	pass := len(f.Suppressed) > 0
	var by []*finding.Finding
	for _, at := range f.Locations {
		i := slices.IndexFunc(secrets, func(one *finding.Finding) bool {
			if pass && !(slices.Contains(byNameAlone, one.Rule) && len(one.Locations) <= 1) {
				return false
			}
			if len(one.Locations) == 0 { // of an image's configuration
				return at.Path == ""
			}
			return slices.ContainsFunc(one.Locations, func(l finding.Location) bool {
				return l.Path == at.Path && l.StartLine >= at.StartLine && l.StartLine <= max(at.StartLine, at.EndLine)
			})
		})
		if i < 0 {
			return false
		}
		by = append(by, secrets[i])
	}
	for _, one := range by {
		if f.Severity.Rank() > one.Severity.Rank() || slices.Contains(byNameAlone, one.Rule) && len(one.Locations) <= 1 {
			one.Severity = f.Severity
			risk.Of(one)
		}
		if len(one.Suppressed) == 0 {
			one.Suppressed = f.Suppressed
		}
		one.Aliases = joined(one.Aliases, append([]string{f.Rule}, f.Aliases...))
		one.Controls = joined(one.Controls, f.Controls)
		if head, ok := strings.CutSuffix(one.Fix, removed); ok {
			one.Fix = head + " " + f.Fix
		}
	}
	return len(by) > 0
}

// joined are the words of two lists, each once. Neither is changed: they may be a card's.
func joined(a, b []string) []string {
	all := slices.Clone(a)
	for _, w := range b {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// looked are the files that the container sees and in which a secret was found.
func looked(inv *inventory.Inventory) map[string]bool {
	all := map[string]bool{}
	for i := range inv.Sights {
		if one := &inv.Sights[i]; !one.Deleted {
			all[one.Path] = true
		}
	}
	return all
}
