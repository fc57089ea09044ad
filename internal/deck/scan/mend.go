package scan

import (
	"bytes"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Mended is a file before and after. Hidden says which lines hold what is not to be shown, by their number from 1,
// and what to show instead. Notes tell what was left alone, a line each.
type Mended struct {
	Before, After             []byte
	HiddenBefore, HiddenAfter map[int]string
	Notes                     []string
}

// Mends says whether files can be rewritten.
func Mends(of *Files) bool {
	return of.Kind == dockerfiles.name || of.Kind == manifests.name && !of.isPacked()
}

// Mend rewrites what can safely be rewritten in a file that a word named; After has the same bytes as Before where
// there is nothing to do.
func Mend(of *Files) (m Mended, err error) {
	d := of.Documents[0]
	m.Before = d.Bytes
	if of.Kind == manifests.name {
		m.After, m.Notes = pod.Mend(d.Path, bytes.Clone(d.Bytes), nil)
		if m.HiddenBefore, err = Hidden(d.Path, m.Before); err != nil {
			return m, err
		}
		m.HiddenAfter, err = Hidden(d.Path, m.After)
		return m, err
	}
	o := besideOf(of.Documents, nil).options(d.Path, true)
	f, err := read.Parse(d.Path, bytes.Clone(d.Bytes), o)
	if err != nil {
		return m, err
	}
	if m.HiddenBefore, err = hide(d.Bytes, dockerfile.Secret(f)); err != nil {
		return m, err
	}
	m.HiddenAfter = m.HiddenBefore // no line comes or goes
	m.After = dockerfile.Mend(f, o)
	return m, nil
}

// Hidden gives the lines of a manifest, or of what is none, in which secrets stand, by their number from 1, and what to show
// instead: in what it says of containers, and anywhere else.
func Hidden(path string, text []byte) (map[int]string, error) {
	e, err := secret.New(nil)
	if err != nil {
		return nil, err
	}
	hidden := map[int]string{}
	around := kube.NewSnapshot(kube.Manifest(path, text))
	for _, c := range pod.Checks() {
		for i := range around.Workloads {
			if c.ID != "pod/secret-value" {
				break
			}
			hits, _ := c.Look(&pod.Facts{Workload: &around.Workloads[i], Secret: e.Worst})
			for _, h := range hits {
				hidden[h.At[0].StartLine] = "[secret]"
			}
		}
	}
	return hide(text, hidden)
}

// hide adds the lines in which secrets stand that no name betrays: in commands, addresses, here-documents.
func hide(text []byte, hidden map[int]string) (map[int]string, error) {
	e, err := secret.New(nil)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if _, ok := hidden[i+1]; ok {
			continue
		}
		if plain := e.Redact(line); plain != line {
			hidden[i+1] = plain
		}
	}
	for _, of := range e.Lines(string(text)) {
		for n := of[0]; n <= of[1]; n++ {
			hidden[n] = "[secret]"
		}
	}
	return hidden, nil
}
