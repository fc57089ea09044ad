package exception

import (
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// owner is an entry of the owners, compiled.
type owner struct {
	*exceptionfile.Owner
	packages       []packageWord
	paths, targets []glob
}

func compileOwner(from *exceptionfile.Owner) owner {
	return owner{
		Owner: from, packages: compilePackages(from.Packages), paths: compileGlobs(from.Paths, false), targets: compileTargets(from.Targets),
	}
}

// own says whose a finding is: the last entry that it answers to counts, as in a CODEOWNERS file.
func (p *Pass) own(f *finding.Finding) {
	s := p.packages[f.Package]
	for i := len(p.owners) - 1; i >= 0; i-- {
		o := &p.owners[i]
		if t := p.targets[f.Target]; len(o.targets) > 0 && (t == nil || !targetMatches(o.Targets, o.targets, t)) {
			continue
		}
		if len(o.packages) > 0 && (s == nil || !slices.ContainsFunc(o.packages, func(w packageWord) bool { return w.match(s) })) {
			continue
		}
		if len(o.paths) > 0 && !everywhere(o.paths, f.Locations) {
			continue
		}
		f.Owner = o.Owner.Owner
		if o.Label != "" && p.Label != nil {
			f.Owner = p.Label(f, o.Label)
		}
		if f.Owner != "" { // what has not got the label leaves it to the entries before
			return
		}
	}
}
