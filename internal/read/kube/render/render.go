// Package render speaks with plimsoll-render, the program that holds Helm's and Kustomize's libraries: what lies in a
// chart or an overlay goes to its standard input, the documents that it makes come back, each line with the place
// where it was written.
//
// It touches no cluster and no network: what a chart looks up in a cluster is empty, nothing is fetched, and the files
// that it is given are all there are. The libraries are a program of their own because they cost more start-up than
// plimsoll has (docs/decisions/0530-charts-in-a-program-of-their-own.md), and because a template is a program that
// somebody else wrote: it runs where time, memory and output are bounded and nothing else can be harmed.
package render

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/sibling"
)

// Name is the program's.
const Name = "plimsoll-render"

// Bounds on what is rendered.
const (
	MaxInput  = 64 << 20 // bytes of all files
	MaxFiles  = 20_000
	MaxOutput = 16 << 20 // bytes of all documents
	MaxMemory = 2 << 30  // bytes that the program may take
	MaxTime   = 30 * time.Second
)

// File is one that a chart or an overlay is made of.
type File struct {
	Path  string `json:"path"` // with slashes, below the folder that is handed over
	Bytes []byte `json:"bytes"`
}

// Request asks for one thing: a chart or an overlay.
type Request struct {
	Chart   *Chart   `json:"chart,omitempty"`
	Overlay *Overlay `json:"overlay,omitempty"`
}

// Chart is one of Helm's, as files or packed.
type Chart struct {
	Files  []File `json:"files,omitempty"` // below its folder
	Packed []byte `json:"packed,omitempty"`
	Values Values `json:"values"`
}

// Values are what a chart is rendered with.
type Values struct {
	Files       []File   `json:"files,omitempty"` // of values; later ones win
	Set         []string `json:"set,omitempty"`   // KEY=VALUE, as helm's --set
	Release     string   `json:"release"`
	Namespace   string   `json:"namespace"`
	KubeVersion string   `json:"kubeVersion"`
}

// DefaultValues are those of helm template, for the newest Kubernetes that is known here, but for the namespace: nobody
// who installs a chart has said yet that it is default, which would be a fault.
func DefaultValues() Values {
	return Values{Release: "release-name", Namespace: "release-namespace", KubeVersion: "1.37"}
}

// Overlay is a folder with a kustomization file, and all files that it leads to.
type Overlay struct {
	Dir   string `json:"dir"`
	Files []File `json:"files"`
}

// Answer is what came of it.
type Answer struct {
	Documents []Document `json:"documents,omitempty"`
	// Missing are charts that the chart depends on and that do not lie with it.
	Missing []string `json:"missing,omitempty"`
	// Wrong is why there is nothing, in the library's own words.
	Wrong string `json:"wrong,omitempty"`
}

// Document is text that was made of one file.
type Document struct {
	Path string `json:"path"` // in the request's words; in a packed chart after !/
	Text string `json:"text"`
	// Lines say of each line of the text where it was written; the first place is the one that matters most.
	Lines [][]Place `json:"lines"`
}

// Place is a line of a file.
type Place struct {
	Path string `json:"path,omitempty"` // empty: the document's
	Line int    `json:"line"`
	// Given says that it is one of the files of values that the request gives.
	Given bool `json:"given,omitempty"`
}

// program is a hostile one's cage: no environment, bounded output.
var program = sibling.Program{Name: Name, Does: "rendering Helm charts and Kustomize overlays", Max: 8 * MaxOutput, Bare: true}

// Ask has the program render one thing. An error means that it could not be asked, or did not live to answer.
func Ask(ctx context.Context, r Request) (Answer, error) {
	bounded, end := context.WithTimeout(ctx, MaxTime)
	defer end()
	var a Answer
	err := program.Ask(bounded, r, &a)
	switch {
	case err != nil && ctx.Err() == nil && bounded.Err() != nil:
		return a, fmt.Errorf("it is not rendered after %s, which is all the time that one has", MaxTime)
	case err != nil && (strings.Contains(err.Error(), "out of memory") || strings.Contains(err.Error(), "cannot allocate memory")):
		return a, fmt.Errorf("rendering it takes more than %d MiB of memory, which is all that one has", MaxMemory>>20)
	case err != nil && strings.Contains(err.Error(), "stack overflow"):
		return a, errors.New("its templates call each other without end")
	}
	return a, err
}

// Serve answers one request with those that do the work.
func Serve(in io.Reader, out io.Writer, chart func(Chart) (Answer, error), overlay func(Overlay) (Answer, error)) error {
	var r Request
	if err := json.NewDecoder(io.LimitReader(in, 2*MaxInput)).Decode(&r); err != nil {
		return fmt.Errorf("read request: %w (this program is called by plimsoll scan)", err)
	}
	var a Answer
	err := errors.New("the request asks for nothing")
	switch {
	case r.Chart != nil:
		a, err = chart(*r.Chart)
	case r.Overlay != nil:
		a, err = overlay(*r.Overlay)
	}
	size := 0
	for _, d := range a.Documents {
		size += len(d.Text)
	}
	if err == nil && size > MaxOutput {
		a, err = Answer{}, fmt.Errorf("it makes %d MiB of documents, and %d MiB are read", size>>20, MaxOutput>>20)
	}
	if err != nil {
		a.Wrong = plain(err.Error())
	}
	return json.NewEncoder(out).Encode(a)
}

// plain is what a library says, on one line and without the types of its own program.
func plain(said string) string {
	said = strings.Join(strings.Fields(strings.NewReplacer(
		"error converting YAML to JSON: ", "", "cannot unmarshal yaml document: ", "", "json: unknown field", "unknown field", "yaml: ", "",
	).Replace(said)), " ")
	return nilPointer().ReplaceAllString(said, "there is no value that could have .$1: something before it is not set")
}

// nilPointer is what text/template says of a field of what is not there.
var nilPointer = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`nil pointer evaluating (?:interface \{\}|\S+)\.(\w+)`)
})

// Objects reads the documents of an answer. Under is the path that the request's paths stand below.
func (a *Answer) Objects(under func(path string) string) (objects []*kube.Object, problems []*kube.Problem) {
	for _, d := range a.Documents {
		at := func(line int) (places []kube.Place) {
			if len(d.Lines) == 0 {
				return []kube.Place{{Path: under(d.Path), Line: 1}}
			}
			for _, p := range d.Lines[min(max(line-1, 0), len(d.Lines)-1)] {
				one := kube.Place{Path: p.Path, Line: max(p.Line, 1)}
				if !p.Given {
					one.Path = under(cmp.Or(p.Path, d.Path))
				}
				places = append(places, one)
			}
			return places
		}
		more, wrong := kube.Rendered(under(d.Path), []byte(d.Text), at)
		objects, problems = append(objects, more...), append(problems, wrong...)
	}
	return objects, problems
}
