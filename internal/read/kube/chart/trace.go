package chart

import (
	"strconv"
	"strings"

	v2 "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// trace tells of each line that templates made where it was written. It renders the chart again with marks in its
// templates, and takes the marks out: what is left is the same text, or nearly. Marks in named templates may change
// what is made, by a comparison or a cut; for lines that differ so, the marks of a run without those are asked.
func (r *run) trace(made map[string]string) map[string][][]render.Place {
	from := map[string][][]render.Place{}
	for _, helpers := range []bool{true, false} {
		m := marker{helpers: helpers}
		marked, ok := r.marked(&m)
		if !ok {
			continue
		}
		known := true
		for name, text := range made {
			of := readMarks(marked[name], m.puts)
			if from[name] == nil {
				from[name] = make([][]render.Place, strings.Count(text, "\n")+1)
			}
			known = r.places(text, of, from[name]) && known
		}
		if known {
			break
		}
	}
	for _, lines := range from {
		before := []render.Place{{Line: 1}}
		for i := range lines {
			if lines[i] == nil {
				lines[i] = before
			}
			before = lines[i]
		}
	}
	return from
}

// marked renders the chart with marks in its templates.
func (r *run) marked(m *marker) (map[string]string, bool) {
	type kept struct {
		data *[]byte
		was  []byte
	}
	var all []kept
	defer func() {
		for _, k := range all {
			*k.data = k.was
		}
	}()
	eachChart(r.root, func(c *v2.Chart) {
		for _, f := range c.Templates {
			if source, ok := m.template(f.Name, r.at(f), c.ChartFullPath(), string(f.Data)); ok {
				all = append(all, kept{&f.Data, f.Data})
				f.Data = []byte(source)
			}
		}
	})
	made, err := r.render()
	return made, err == nil
}

// markedLine is one that was made, and where that was written.
type markedLine struct {
	text   string
	puts   []*put // of the mark before its first character, then of those in it
	caller *put   // the last mark before it that stands in no named template
}

// readMarks takes the marks out of a text.
func readMarks(text string, puts []put) (lines []markedLine) {
	var last, caller *put
	for l := range strings.Lines(text) {
		var one markedLine
		var plain strings.Builder
		var waiting *put // until something stands behind it
		for rest := strings.TrimSuffix(l, "\n"); rest != ""; {
			before, after, found := strings.Cut(rest, markBegin)
			if len(one.puts) == 0 && strings.TrimSpace(before) != "" && last != nil {
				one.puts, one.caller = append(one.puts, last), caller
			}
			if waiting != nil && strings.TrimSpace(before) != "" {
				one.puts, waiting = append(one.puts, waiting), nil
			}
			plain.WriteString(before)
			if !found {
				break
			}
			number, after, _ := strings.Cut(after, markEnd)
			if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(puts) {
				if last = &puts[n]; !last.helper {
					caller = last
				}
				if len(one.puts) > 0 {
					waiting = last
				}
			}
			rest = after
		}
		one.text = plain.String()
		if len(one.puts) == 0 && last != nil {
			one.puts, one.caller = append(one.puts, last), caller
		}
		lines = append(lines, one)
	}
	return lines
}

// places fills in for each line of a text where the marked line was written that is the same, and says whether
// all are known. Where the two texts differ, by what is random in a chart say, lines that come once hold the others
// in place.
func (r *run) places(text string, lines []markedLine, into [][]render.Place) (known bool) {
	count, at := map[string]int{}, map[string]int{}
	for i, l := range lines {
		count[l.text]++
		at[l.text] = i
	}
	known = true
	next, i := 0, 0
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		if n, ok := at[l]; (next >= len(lines) || lines[next].text != l) && ok && count[l] == 1 {
			next = n
		}
		if same := next < len(lines) && lines[next].text == l; same && into[i] == nil {
			into[i] = r.placesOf(&lines[next])
		}
		known = known && into[i] != nil
		next, i = next+1, i+1
	}
	return known
}

// placesOf are where a line was written: in a template; in the one that includes that; in values.
func (r *run) placesOf(l *markedLine) (all []render.Place) {
	if len(l.puts) == 0 {
		return []render.Place{{Line: 1}}
	}
	first := l.puts[0]
	all = append(all, render.Place{Path: first.path, Line: first.line})
	if first.helper && l.caller != nil {
		all = append(all, render.Place{Path: l.caller.path, Line: l.caller.line})
	}
	for _, p := range l.puts {
		if p.value != nil {
			if at, ok := r.valuePlace(p, strings.TrimSpace(l.text)); ok {
				return append(all, at)
			}
		}
	}
	return all
}
