package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// Sort puts a report into its one order, so that two runs on the same input are byte-identical.
//
// Targets stay in the order in which they were asked for and are named t1, t2 …; packages follow by
// target and name and are named p1, p2 …, and everything that refers to either follows. Findings stand
// worst first within their target. Ids must be unique before; what refers to nothing is left as it is.
func Sort(r *Report) {
	rank := nameTargets(r)
	namePackages(r, rank)
	place := make(map[string]int, len(r.Packages))
	for i := range r.Packages {
		place[r.Packages[i].ID] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), Worse(&a, &b), cmp.Compare(place[a.Package], place[b.Package]),
			cmp.Compare(a.Rule, b.Rule), compareLocations(a.Locations, b.Locations), cmp.Compare(a.Fingerprint, b.Fingerprint),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Evidence, b.Evidence))
	})
	slices.SortStableFunc(r.Checks, func(a, b Check) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), cmp.Compare(a.Rule, b.Rule))
	})
	slices.SortStableFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			cmp.Compare(len(b.Fingerprints), len(a.Fingerprints)), cmp.Compare(a.Title, b.Title), cmp.Compare(place[a.Package], place[b.Package]))
	})
	slices.SortStableFunc(r.Coverage, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), -compareBool(a.Blocking, b.Blocking), cmp.Compare(a.Class, b.Class),
			compareIndex(a.Layer, b.Layer), cmp.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What))
	})
	sortOpinions(r, rank)
	for i := range r.Verdict.Reasons {
		slices.Sort(r.Verdict.Reasons[i].Fingerprints)
	}
}

// Worse orders two findings, the worse first: what nobody let pass, what is known to be exploited, then
// severity, risk, and what has a fix. It is 0 where they are equally bad.
func Worse(a, b *Finding) int {
	var x, y Risk
	if a.Risk != nil {
		x = *a.Risk
	}
	if b.Risk != nil {
		y = *b.Risk
	}
	return cmp.Or(
		compareBool(len(a.Suppressed) > 0, len(b.Suppressed) > 0),
		-compareBool(x.KEV, y.KEV),
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		cmp.Compare(y.Score, x.Score),
		cmp.Compare(y.EPSS, x.EPSS),
		-compareBool(a.Fixed != "", b.Fixed != ""),
	)
}

// nameTargets numbers the targets, and returns the place of each id; what belongs to no target is 0.
func nameTargets(r *Report) map[string]int {
	names := map[string]string{}
	rank := map[string]int{}
	for i := range r.Targets {
		id := fmt.Sprintf("t%d", i+1)
		names[r.Targets[i].ID], rank[id] = id, i+1
		r.Targets[i].ID = id
	}
	for i := range r.Packages {
		rename(names, &r.Packages[i].Target)
	}
	for i := range r.Findings {
		rename(names, &r.Findings[i].Target)
	}
	for i := range r.Checks {
		rename(names, &r.Checks[i].Target)
	}
	for i := range r.Groups {
		rename(names, &r.Groups[i].Target)
	}
	for i := range r.Coverage {
		rename(names, &r.Coverage[i].Target)
	}
	for i := range r.Engines {
		rename(names, &r.Engines[i].Target)
	}
	for i := range r.Disagreements {
		rename(names, &r.Disagreements[i].Target)
	}
	return rank
}

// sortOpinions orders what other engines say.
func sortOpinions(r *Report, rank map[string]int) {
	slices.SortStableFunc(r.Engines, func(a, b Engine) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest))
	})
	slices.SortStableFunc(r.Disagreements, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), cmp.Compare(a.What, b.What), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Engine, b.Engine), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	for i := range r.Findings {
		slices.SortStableFunc(r.Findings[i].Opinions, func(a, b Opinion) int { return cmp.Compare(a.Engine, b.Engine) })
	}
}

// namePackages orders and numbers the packages.
func namePackages(r *Report, rank map[string]int) {
	slices.SortStableFunc(r.Packages, func(a, b Package) int {
		return cmp.Or(cmp.Compare(rank[a.Target], rank[b.Target]), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.PURL, b.PURL),
			compareLocations(a.Locations, b.Locations), compareBool(a.Declared, b.Declared), compareBool(a.Dev, b.Dev))
	})
	names := make(map[string]string, len(r.Packages))
	for i := range r.Packages {
		id := fmt.Sprintf("p%d", i+1)
		names[r.Packages[i].ID] = id
		r.Packages[i].ID = id
	}
	number := make(map[string]int, len(r.Packages))
	for i := range r.Packages {
		number[r.Packages[i].ID] = i
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		rename(names, &p.OwnedBy)
		for d := range p.DependsOn {
			rename(names, &p.DependsOn[d])
		}
		slices.SortFunc(p.DependsOn, func(a, b string) int { return cmp.Compare(number[a], number[b]) })
	}
	for i := range r.Findings {
		rename(names, &r.Findings[i].Package)
	}
	for i := range r.Groups {
		rename(names, &r.Groups[i].Package)
	}
	for i := range r.Disagreements {
		rename(names, &r.Disagreements[i].Package)
	}
}

func rename(names map[string]string, id *string) {
	if to, ok := names[*id]; ok {
		*id = to
	}
}

func compareLocations(a, b []Location) int {
	return slices.CompareFunc(a, b, func(a, b Location) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inner, b.Inner), compareIndex(a.Layer, b.Layer), cmp.Compare(a.StartLine, b.StartLine))
	})
}

// compareIndex puts what has no layer first.
func compareIndex(a, b *int) int {
	switch {
	case a == nil || b == nil:
		return compareBool(a != nil, b != nil)
	default:
		return cmp.Compare(*a, *b)
	}
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
