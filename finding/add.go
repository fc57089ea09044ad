package finding

// Add takes the targets of another report, with all that is said of them. Its ids get a prefix, so that they
// stay apart from those that are here; Sort numbers them anew. The verdict becomes the worse of both, and the
// database the older.
func (r *Report) Add(other *Report, prefix string) {
	id := func(s *string) {
		if *s != "" {
			*s = prefix + *s
		}
	}
	for _, t := range other.Targets {
		id(&t.ID)
		r.Targets = append(r.Targets, t)
	}
	for _, p := range other.Packages {
		id(&p.ID)
		id(&p.Target)
		id(&p.OwnedBy)
		needs := make([]string, len(p.DependsOn))
		for i, d := range p.DependsOn {
			needs[i] = prefix + d
		}
		if p.DependsOn = needs; len(needs) == 0 {
			p.DependsOn = nil
		}
		r.Packages = append(r.Packages, p)
	}
	for _, f := range other.Findings {
		id(&f.Target)
		id(&f.Package)
		r.Findings = append(r.Findings, f)
	}
	for _, c := range other.Checks {
		id(&c.Target)
		r.Checks = append(r.Checks, c)
	}
	for _, g := range other.Groups {
		id(&g.Target)
		id(&g.Package)
		r.Groups = append(r.Groups, g)
	}
	for _, g := range other.Coverage {
		id(&g.Target)
		r.Coverage = append(r.Coverage, g)
	}
	for _, e := range other.Engines {
		id(&e.Target)
		r.Engines = append(r.Engines, e)
	}
	for _, d := range other.Disagreements {
		id(&d.Target)
		id(&d.Package)
		r.Disagreements = append(r.Disagreements, d)
	}
	r.addVerdict(other)
}

func (r *Report) addVerdict(other *Report) {
	r.Verdict.Action = r.Verdict.Action.Worse(other.Verdict.Action)
	r.Verdict.Reasons = append(r.Verdict.Reasons, other.Verdict.Reasons...)
	for _, p := range other.Tool.Policies {
		known := false
		for _, q := range r.Tool.Policies {
			known = known || p == q
		}
		if !known {
			r.Tool.Policies = append(r.Tool.Policies, p)
		}
	}
	if db := other.Tool.Database; db != nil && (r.Tool.Database == nil || db.Built.Before(r.Tool.Database.Built)) {
		r.Tool.Database = db
	}
}
