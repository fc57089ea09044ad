package scan

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// policies holds the report against what its user demands. It is called when everything else has been found,
// and before findings are grouped.
func (s *scan) policies(ctx context.Context) {
	for _, p := range s.o.Policies {
		s.report.Tool.Policies = append(s.report.Tool.Policies, finding.Policy{Name: p.Name, Digest: p.Digest})
	}
	found, gaps := policy.Evaluate(ctx, policy.Input{Report: s.report, Facts: s.known, Policies: s.o.Policies, Now: s.o.Now})
	s.report.Coverage = append(s.report.Coverage, gaps...)
	for _, f := range found {
		if f.Subject != nil && f.Subject.APIVersion != "" {
			f.Title = s.plain(f.Title) // its message may quote any of the object
		}
		risk.Of(&f)
		s.report.Findings = append(s.report.Findings, f)
	}
	s.admission(ctx)
}

// factsOf are those of a target that policies may ask for.
func (s *scan) factsOf(id string) *policy.Facts {
	if s.known == nil {
		s.known = map[string]*policy.Facts{}
	}
	if s.known[id] == nil {
		s.known[id] = &policy.Facts{}
	}
	return s.known[id]
}

// asked are a target's own objects, for admission policies.
type asked struct {
	target string
	around *kube.Snapshot
	own    map[string]bool
}

// admission holds the objects of all targets against Kubernetes' own policies: those that nothing else makes, and the
// pods that they make.
func (s *scan) admission(ctx context.Context) {
	if s.o.Admission == nil {
		return
	}
	s.report.Tool.Policies = append(s.report.Tool.Policies, s.o.Admission.Tool()...)
	for _, a := range s.objects {
		t := native.Trial{
			Set: s.o.Admission, World: native.World{Around: a.around, Written: true},
			Namespace: "default", By: admission.User{Name: "kubernetes-admin", Groups: []string{"system:authenticated"}},
		}
		counts := s.o.Admission.Counts(a.target)
		for _, o := range a.around.Objects {
			if !a.own[o.Source.Path] || a.around.Owned(o) {
				continue
			}
			found, gaps := t.Try(ctx, o, a.target, counts)
			s.report.Coverage = append(s.report.Coverage, gaps...)
			for _, f := range found {
				f.Title = s.plain(f.Title) // its message may quote any of the object
				risk.Of(&f)
				s.report.Findings = append(s.report.Findings, f)
			}
		}
		for _, p := range s.o.Admission.Tool() {
			s.report.Checks = append(s.report.Checks, *counts[p.Name])
		}
	}
}

// askObjects keeps what policies may ask of the objects of a target's own files.
func (s *scan) askObjects(id string, of *kube.Snapshot, own map[string]bool) {
	s.objects = append(s.objects, asked{id, of, own})
	if len(s.o.Policies) > 0 {
		s.factsOf(id).Objects = policy.Objects(of, func(path string) bool { return own[path] })
	}
}

// ask keeps what policies may ask of an image beyond what stands in the report.
func (s *scan) ask(ctx context.Context, id string, img *image.Image, inv *inventory.Inventory) {
	if len(s.o.Policies) == 0 {
		return
	}
	t := &s.report.Targets[len(s.report.Targets)-1]
	facts := s.factsOf(id)
	if t.Kind == "image" && s.o.Signatures != nil {
		if signed, err := s.o.Signatures(ctx, img); err != nil {
			facts.Unverified = err
		} else {
			facts.Signatures = &signed
		}
	}
	if t.Kind == "image" {
		facts.Config = s.configFacts(&img.Config)
	}
	if t.Kind != sourceFolder {
		facts.Files = fileFacts(t, inv)
	}
}

// configFacts are an image's configuration without its secrets: a policy's message may quote any of it.
func (s *scan) configFacts(c *image.Config) *policy.Config {
	out := &policy.Config{
		User: c.User, Env: map[string]string{}, Entrypoint: s.words(c.Entrypoint), Cmd: s.words(c.Cmd), WorkingDir: c.WorkingDir, Shell: c.Shell, Ports: c.Ports,
		Volumes: c.Volumes, Labels: map[string]string{}, StopSignal: c.StopSignal, Healthcheck: s.words(c.Healthcheck), OnBuild: s.words(c.OnBuild),
		Author: c.Author, Created: c.Created,
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		out.Env[name] = s.value(name, value)
	}
	for name, value := range c.Labels {
		out.Labels[name] = s.value(name, value)
	}
	for _, h := range c.History {
		out.History = append(out.History, policy.Step{CreatedBy: s.plain(image.Instruction(h.CreatedBy)), Comment: s.plain(h.Comment), Created: h.Created, Empty: h.EmptyLayer})
	}
	return out
}

// value is that of a variable or label, whose name may say that it is a secret.
func (s *scan) value(name, value string) string {
	return strings.TrimPrefix(s.plain(name+"="+value), name+"=")
}

// words are those of a command. What a flag before it makes a secret is only seen in the whole of them.
func (s *scan) words(of []string) []string {
	all := slices.Clone(of)
	for i := range all {
		all[i] = s.plain(all[i])
	}
	if whole := strings.Join(all, " "); s.plain(whole) != whole {
		for i := 1; i < len(all); i++ {
			if two := all[i-1] + " " + all[i]; s.plain(two) != two {
				all[i] = "[secret]"
			}
		}
	}
	return all
}

// fileFacts are the files whose rights stand out. A folder that everybody may write and that is sticky, as tmp
// is, does not.
func fileFacts(t *finding.Target, inv *inventory.Inventory) *[]policy.File {
	files := []policy.File{}
	for i := range inv.System.Files {
		f := &inv.System.Files[i]
		one := policy.File{
			Path: f.Paths[0], Mode: unixMode(f.Mode), UID: f.UID, GID: f.GID, Size: f.Size, Folder: f.Mode.IsDir(), Capabilities: f.Capabilities.Names(),
			SUID: f.Mode&fs.ModeSetuid != 0, SGID: f.Mode&fs.ModeSetgid != 0, WorldWritable: f.Mode.Perm()&0o002 != 0 && f.Mode&fs.ModeSticky == 0,
			Base: t.Base != nil && f.Layer < t.Base.Layers,
		}
		if one.SUID || one.SGID || one.WorldWritable || len(one.Capabilities) > 0 {
			layer := f.Layer
			if len(t.Layers) > 0 {
				one.Layer = &layer
			}
			files = append(files, one)
		}
	}
	return &files
}

// unixMode are the bits as chmod writes them.
func unixMode(m fs.FileMode) int {
	mode := int(m.Perm())
	for bit, octal := range map[fs.FileMode]int{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			mode |= octal
		}
	}
	return mode
}

// licenses judges the licences of a target's packages, from the first of them on, if anything is asked of them.
func (s *scan) licenses(t *finding.Target, first int) {
	if !s.o.Licenses.Asked() || !s.o.runs("license") {
		return
	}
	if s.terms == nil {
		s.terms = license.New()
	}
	for _, c := range license.Checks() {
		count := finding.Check{Rule: c.ID, Target: t.ID}
		for i := range s.report.Packages[first:] {
			p := &s.report.Packages[first+i]
			if p.Main || p.OwnedBy != "" { // one's own, or a part of a package that is looked at itself
				count.NotApplicable++
				continue
			}
			count.Evaluated++
			for _, h := range c.Look(s.terms.Read(p.Licenses), s.o.Licenses) {
				f := c.Finding(t.ID, h)
				f.Title = strings.TrimSpace(p.Name+" "+p.Version) + ": " + f.Title
				f.Package, f.Locations = p.ID, p.Locations
				risk.Of(&f)
				f.Fingerprint = finding.Fingerprint(f, p.PURL)
				s.report.Findings = append(s.report.Findings, f)
				count.Failed++
			}
		}
		s.report.Checks = append(s.report.Checks, count)
	}
}
