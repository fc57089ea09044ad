package scan

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// recipe is a Dockerfile of a target, for the image that it makes.
type recipe struct {
	target, path string
	file         *read.File
	alone        bool // the target is this one file
}

// product is an image, for the Dockerfile that made it: the steps of its history, and what it says of itself.
type product struct {
	target string
	steps  []*read.Instruction
	config *imagecfg.Config
}

// made says that an image's last steps are a Dockerfile's, one for one, and that the image says of itself all that
// these set. That files which were copied are the same, it does not prove, nor that no other Dockerfile reads so:
// what is wrong with the steps and with what they set is the same thing either way.
func made(f *read.File, p *product) bool {
	if f.Target == nil || len(f.Faults) > 0 {
		return false
	}
	var steps []*read.Instruction
	for _, s := range chainOf(f.Target) {
		for _, in := range s.Instructions {
			if in.Name != "FROM" && in.Name != "SHELL" && in.Name != "ONBUILD" { // a history does not have the first, and the others are not read
				steps = append(steps, in)
			}
		}
	}
	n := len(p.steps) - len(steps)
	if len(steps) == 0 || n < 0 {
		return false
	}
	for i, in := range steps {
		of := p.steps[n+i]
		if in.Name != of.Name || in.Name == "RUN" && (in.JSON || !slices.Equal(wordsIn(in), wordsIn(of))) {
			return false
		}
	}
	return says(p.config, dockerfileConfig(f))
}

func wordsIn(in *read.Instruction) []string { return strings.Fields(strings.Join(in.Args, " ")) }

// says that a configuration has all that another sets.
func says(c, set *imagecfg.Config) bool {
	same := func(v, set imagecfg.Value) bool { return set.Text == "" || v.Text == set.Text }
	command := func(v, set imagecfg.Command) bool { return len(set.Args) == 0 || slices.Equal(v.Args, set.Args) }
	all := func(of, set []imagecfg.Value) bool {
		return !slices.ContainsFunc(set, func(v imagecfg.Value) bool {
			return !slices.ContainsFunc(of, func(one imagecfg.Value) bool {
				return one.Name == v.Name && strings.TrimSuffix(one.Text, "/tcp") == strings.TrimSuffix(v.Text, "/tcp")
			})
		})
	}
	return same(c.User, set.User) && same(c.StopSignal, set.StopSignal) && command(c.Entrypoint, set.Entrypoint) && command(c.Cmd, set.Cmd) &&
		(c.NoHealthcheck || command(c.Healthcheck, set.Healthcheck)) &&
		all(c.Env, set.Env) && all(c.Labels, set.Labels) && all(c.Ports, set.Ports) && all(c.Volumes, set.Volumes) && all(c.OnBuild, set.OnBuild)
}

// ofTheImage drops what is told of a Dockerfile and of the image that it made, from the Dockerfile: the image's says
// where it stands there. What a comment in the Dockerfile lets pass, it lets pass there alone.
func (s *scan) ofTheImage() {
	drop := map[string]bool{} // "target fingerprint"
	for i := range s.products {
		p := &s.products[i]
		for _, r := range s.recipes {
			if made(r.file, p) {
				s.join(p, r, drop)
			}
		}
	}
	if len(drop) > 0 {
		s.report.Findings = slices.DeleteFunc(s.report.Findings, func(f finding.Finding) bool { return len(f.Suppressed) == 0 && drop[f.Target+" "+f.Fingerprint] })
	}
}

// join has the findings of an image say where they stand in its Dockerfile.
func (s *scan) join(p *product, r recipe, drop map[string]bool) {
	of := map[string]*finding.Finding{}
	for i := range s.report.Findings {
		if f := &s.report.Findings[i]; f.Target == p.target && len(f.Suppressed) == 0 {
			if key := alike(f); key != "" {
				of[key] = f
			}
		}
	}
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		elsewhere := func(l finding.Location) bool { return l.Path != r.path }
		if f.Target != r.target || len(f.Suppressed) > 0 || slices.ContainsFunc(f.Locations, elsewhere) {
			continue
		}
		if len(f.Locations) == 0 && !r.alone { // what is missing stands nowhere
			continue
		}
		if one := of[alike(f)]; one != nil && one.Severity.Rank() >= f.Severity.Rank() {
			one.Locations = slices.Concat(one.Locations, f.Locations)
			drop[f.Target+" "+f.Fingerprint] = true
		}
	}
}

// alike is what a finding of a Dockerfile has in common with the image's: rule and subject; of a secret, which one
// it is. It is empty where the finding is not about how the image is made, but about its files.
func alike(f *finding.Finding) string {
	if f.Subject == nil || f.Subject.Field == "" && f.Subject.Name == "" || f.Package != "" {
		return ""
	}
	field := strings.TrimSuffix(f.Subject.Field, "/tcp")
	if f.Kind == finding.KindSecret && f.Subject.Name != "" {
		field = f.Subject.Name
	}
	return f.Rule + " " + field
}
