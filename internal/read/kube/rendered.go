package kube

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Place is a line of a file that objects were made of. What lies in an archive has its path after !/.
type Place struct {
	Path string
	Line int
}

// Rendered reads the objects of a text that was made of others: a chart's templates, an overlay's resources. At says
// where a line of the text was written, in one place or in several of which the first matters most.
func Rendered(path string, text []byte, at func(line int) []Place) (objects []*Object, problems []*Problem) {
	objects, problems = Manifest(path, text)
	for _, o := range objects {
		o.Source.made = at
	}
	for _, p := range problems {
		p.Template = false // whatever it is, it is what comes of the template
		if places := at(p.Line); len(places) > 0 {
			p.Path, p.Line = places[0].Path, places[0].Line
		}
	}
	return objects, problems
}

func (p Place) location() finding.Location {
	path, inner, _ := strings.Cut(p.Path, "!/")
	return finding.Location{Path: path, Inner: inner, StartLine: p.Line, EndLine: p.Line}
}
