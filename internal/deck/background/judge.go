package background

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Judged is all that was found on one object.
type Judged struct {
	// Findings have those that an exception lets pass among them. Each is there once.
	Findings []finding.Finding
	// Becomes is how far each of them goes.
	Becomes []admissionfile.Mode
	Passed  int                 // checks that found nothing
	Unknown map[string][]string // what a check would have to know, by its id
}

const target = "t1"

// Judge holds one object against the rules, as a scan of a dump of the cluster would. Around are the objects that count
// for it: its namespace, limits, quotas, claims, volumes and accounts. What it owns is judged with it, and so it must
// not be owned itself.
func (r *Rules) Judge(ctx context.Context, o *kube.Object, around *kube.Snapshot) (*Judged, error) {
	j := &Judged{Unknown: map[string][]string{}}
	var standing []finding.Finding
	if r.line != nil {
		o, standing, j.Unknown = r.line.Standing(ctx, o, around, r.now)
	}
	with := []*kube.Object{o}
	if n := around.Find("", "Namespace", "", o.Namespace); n != nil && o.Namespace != "" {
		with = append(with, n)
	}
	own := kube.NewSnapshot(with, nil)
	report := &finding.Report{Targets: []finding.Target{{ID: target, Kind: "manifest", Name: statute.Place(o)}}, Findings: standing}
	add := func(c check.Card, hits []check.Hit, unknown []string) {
		for _, h := range hits {
			f := c.Finding(target, h)
			f.Fingerprint = finding.Fingerprint(f, "")
			report.Findings = append(report.Findings, f)
		}
		switch {
		case len(hits) == 0 && len(unknown) == 0:
			j.Passed++
		case len(unknown) > 0:
			j.Unknown[c.ID] = append(j.Unknown[c.ID], unknown...)
		}
	}
	for i := range own.Workloads {
		f := &pod.Facts{Workload: &own.Workloads[i], Around: around, Secret: r.Secret}
		for _, c := range r.checks {
			hits, unknown := c.Look(f)
			add(c.Card, hits, unknown)
		}
	}
	if pod.IsNamespace(o) {
		for _, c := range r.namespaces {
			add(c.Card, c.Look(o), nil)
		}
	}
	for _, p := range own.Problems {
		j.Unknown["object"] = append(j.Unknown["object"], p.What)
	}
	report.Findings = once(report.Findings)
	err := r.decide(ctx, o, own, report, j)
	for i := range report.Findings {
		if mode := r.becomes(o, &report.Findings[i]); mode != admissionfile.Off {
			j.Findings, j.Becomes = append(j.Findings, report.Findings[i]), append(j.Becomes, mode)
		}
	}
	return j, err
}

// decide holds findings against exceptions, then asks policies, whose findings may be excepted, too.
func (r *Rules) decide(ctx context.Context, o *kube.Object, own *kube.Snapshot, report *finding.Report, j *Judged) error {
	set := r.Allow(o.Namespace, r.now)
	if set == nil {
		set = &exception.Set{}
	}
	pass := set.Use(report)
	pass.Label = func(_ *finding.Finding, name string) string {
		return cmp.Or(o.Metadata("labels")[name], o.Metadata("annotations")[name])
	}
	if err := pass.Apply(); err != nil {
		return err
	}
	objects := slices.DeleteFunc(policy.Objects(own, func(string) bool { return true }), func(p policy.Object) bool { return p.Subject != *o.Subject("") })
	found, gaps := policy.Evaluate(ctx, policy.Input{
		Report: report, Facts: map[string]*policy.Facts{target: {Objects: objects}}, Policies: r.Policies, Now: r.now,
	})
	for i := range found {
		if r.Redact != nil {
			found[i].Title = r.Redact(found[i].Title) // its message may quote any of the object
		}
	}
	if len(own.Workloads) > 0 {
		for _, b := range r.Broken {
			j.Unknown["policy/"+b.Name] = append(j.Unknown["policy/"+b.Name], "what it says, which is wrong: "+b.Err.Error())
		}
	}
	for _, g := range gaps {
		j.Unknown["policy"] = append(j.Unknown["policy"], g.What)
	}
	report.Findings = append(report.Findings, found...)
	if err := pass.Apply(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("judge %s: %w", statute.Place(o), err)
	}
	return nil
}

// once leaves one of findings that have one fingerprint: several places of one thing.
func once(all []finding.Finding) []finding.Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(f finding.Finding) bool {
		twice := seen[f.Fingerprint]
		seen[f.Fingerprint] = true
		return twice
	})
}
