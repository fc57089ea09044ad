package scan

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// history judges what the steps did that an image was built by, as far as its history tells: what RUN lines
// do, from medium up, and which secrets were set as variables. Whether a cache was mounted, which decides most of what is less, it does not say.
// What the base image brought is its makers' affair.
func (s *scan) history(img *image.Image) {
	t := &s.report.Targets[len(s.report.Targets)-1]
	if t.Kind != "image" {
		return
	}
	f := read.Rebuild(stepsOf(img.Config.History, t))
	s.products = append(s.products, product{t.ID, f.Instructions, configOf(img)})
	judged := func(in *read.Instruction) bool { return (in.Name == "RUN" || in.Name == "ENV") && !in.Base }
	if !s.o.runs("dockerfile") || !slices.ContainsFunc(f.Instructions, judged) {
		return
	}
	var seen []sight
	checks := dockerfile.OfHistory()
	for i := range checks {
		c := &checks[i]
		seen = append(seen, sight{card: &c.Card, applies: true, hits: c.Look(f)})
	}
	s.sights(t, seen)
}

// stepsOf are the steps of a history, each with its layer where they agree in number, and what of them is
// the base image's. Where that is not known, it is what lies before the last step that set a command and had others
// after it; but for variables, which the image has from whomever they are: a guess does not excuse a secret.
func stepsOf(history []image.History, t *finding.Target) (steps []read.Step) {
	layers := 0
	for _, h := range history {
		step := read.Step{Text: image.Instruction(h.CreatedBy), Layer: -1}
		if !h.EmptyLayer {
			step.Layer = layers
			layers++
		}
		steps = append(steps, step)
	}
	known, base := t.Base != nil && t.Base.Layers > 0, 0
	for i, step := range steps {
		if known {
			if step.Layer >= 0 && step.Layer < t.Base.Layers {
				base = i + 1
			}
		} else if strings.HasPrefix(step.Text, "CMD ") && slices.ContainsFunc(steps[i:], func(s read.Step) bool { return s.Layer > 0 }) {
			base = i + 1
		}
	}
	for i := range steps {
		steps[i].Base = i < base && (known || !strings.HasPrefix(steps[i].Text, "ENV "))
		if layers != len(t.Layers) {
			steps[i].Layer = -1
		}
	}
	return steps
}
