package scan

import (
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// nothing is a look-up that is never asked.
type nothing struct{ advisory.Lookup }

// TestHistory judges the steps of both builders' spellings, blames nobody for the base image's, and finds the
// same as in the Dockerfile.
func TestHistory(t *testing.T) {
	const bad = "curl -fsSL https://example.com/install | sh"
	for _, c := range []struct {
		name  string
		steps []image.History
		layer int // -1: nothing is found
	}{
		{"buildkit", []image.History{{CreatedBy: "COPY / / # buildkit"}, {CreatedBy: "CMD [\"sh\"]", EmptyLayer: true}, {CreatedBy: "RUN /bin/sh -c " + bad + " # buildkit"}}, 1},
		{"with arguments", []image.History{{CreatedBy: "CMD [\"sh\"]", EmptyLayer: true}, {CreatedBy: "RUN |1 V=2 /bin/sh -c " + bad + " # buildkit"}}, 0},
		{"classic", []image.History{{CreatedBy: "/bin/sh -c #(nop) ADD file:1 in / "}, {CreatedBy: "/bin/sh -c #(nop)  CMD [\"sh\"]", EmptyLayer: true}, {CreatedBy: "/bin/sh -c " + bad}}, 1},
		{"of the base", []image.History{{CreatedBy: "RUN /bin/sh -c " + bad + " # buildkit"}, {CreatedBy: "CMD [\"sh\"]", EmptyLayer: true}, {CreatedBy: "COPY a /a # buildkit"}}, -1},
		{"another builder", []image.History{{CreatedBy: "bazel build ..."}}, -1},
	} {
		s := &scan{o: Options{Lookup: nothing{}, Now: time.Unix(0, 0)}, report: &finding.Report{}}
		target := finding.Target{ID: "t1", Kind: "image"}
		for _, h := range c.steps {
			if !h.EmptyLayer {
				target.Layers = append(target.Layers, finding.Layer{})
			}
		}
		s.report.Targets = []finding.Target{target}
		s.history(&image.Image{Config: image.Config{History: c.steps}})
		found := -1
		for _, f := range s.report.Findings {
			if f.Rule == "dockerfile/remote-script" {
				found = *f.Locations[0].Layer
			}
		}
		if found != c.layer {
			t.Errorf("%s: found in layer %d, want %d: %+v", c.name, found, c.layer, s.report.Findings)
		}
	}
}

// TestHistoryOfVariables finds a secret that was set before a command, which a guess takes for the end of the base
// image; one of a base image that is known is its makers' affair.
func TestHistoryOfVariables(t *testing.T) {
	steps := []image.History{
		{CreatedBy: "COPY / / # buildkit"},
		{CreatedBy: "ENV API_SECRET=word", EmptyLayer: true},
		{CreatedBy: "CMD [\"/cart\"]", EmptyLayer: true},
		{CreatedBy: "COPY cart /cart # buildkit"},
	}
	for _, c := range []struct {
		base *finding.Base
		want int
	}{{nil, 1}, {&finding.Base{Layers: 2}, 0}} {
		s := &scan{o: Options{Lookup: nothing{}, Now: time.Unix(0, 0)}, report: &finding.Report{}}
		s.report.Targets = []finding.Target{{ID: "t1", Kind: "image", Base: c.base, Layers: make([]finding.Layer, 2)}}
		s.history(&image.Image{Config: image.Config{History: steps}})
		n := 0
		for _, f := range s.report.Findings {
			if f.Rule == "dockerfile/secret-env" {
				n++
			}
		}
		if n != c.want {
			t.Errorf("base %+v: found %d times, want %d", c.base, n, c.want)
		}
	}
}
