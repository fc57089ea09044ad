package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
)

// Of the picture of paths, in pixels.
const (
	nodeWidth, nodeHeight = 210, 40
	columnGap, rowGap     = 150, 22
	edging                = 8
)

const (
	maxDrawn   = 40 // things in the picture: more of them is no picture
	maxWritten = 14 // edges whose words fit beside them
)

type (
	pageStep struct{ From, Edge, To, Proof string }
	// pagePicture is how all paths hang together: what they begin at on the left, what they lead to on the right.
	pagePicture struct {
		Width, Height int
		Nodes         []pageNode
		Edges         []pageEdge
		Paths, More   int // paths in it, and those that had no place
	}
	pageNode struct {
		X, Y, Width, Height, TextX, TextY int
		Name, Short                       string
		Start, Goal                       bool
		column                            int
	}
	pageEdge struct {
		Line, Words, Short string // Line is the d of an SVG path
		X, Y               int    // of Short
		from, to           int
		back               bool    // it closes a circle
		between            []*slot // where it passes other columns
	}
)

func pageSteps(path []finding.Step) (all []pageStep) {
	for _, s := range path {
		all = append(all, pageStep{clean(s.From), clean(s.Edge), clean(s.To), clean(s.Proof)})
	}
	return all
}

// pictureOf draws the paths of what was not let pass, in the order of the findings; nil where there are none.
func pictureOf(r *finding.Report) *pagePicture {
	var p pagePicture
	known, drawn := map[string]int{}, map[[2]int]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(f.Path) == 0 || len(f.Suppressed) > 0 {
			continue
		}
		if p.fits(f.Path, known) {
			p.add(f.Path, known, drawn)
			p.Paths++
		} else {
			p.More++
		}
	}
	if p.Paths == 0 {
		return nil
	}
	p.place()
	return &p
}

func (p *pagePicture) fits(path []finding.Step, known map[string]int) bool {
	fresh := map[string]bool{}
	for _, s := range path {
		for _, name := range []string{s.From, s.To} {
			if _, ok := known[name]; !ok {
				fresh[name] = true
			}
		}
	}
	return len(p.Nodes)+len(fresh) <= maxDrawn
}

func (p *pagePicture) add(path []finding.Step, known map[string]int, drawn map[[2]int]bool) {
	node := func(name string) int {
		at, ok := known[name]
		if !ok {
			at = len(p.Nodes)
			known[name] = at
			p.Nodes = append(p.Nodes, pageNode{Name: clean(name), Short: cut(clean(name), 28)})
		}
		return at
	}
	for i, s := range path {
		e := pageEdge{from: node(s.From), to: node(s.To), Words: clean(s.Edge), Short: cut(clean(s.Edge), 24)}
		if i == 0 {
			p.Nodes[e.from].Start = true
		}
		if i == len(path)-1 {
			p.Nodes[e.to].Goal = true
		}
		if e.from == e.to || drawn[[2]int{e.from, e.to}] {
			continue
		}
		drawn[[2]int{e.from, e.to}] = true
		if s.Proof != "" {
			e.Words += ": " + clean(s.Proof)
		}
		p.Edges = append(p.Edges, e)
	}
}

// slot is a row of a column: of a thing, or of an edge that passes between things.
type slot struct {
	node  int // -1: none
	above []*slot
	y     int // of its middle
}

// rank is how far down, on average, what leads to it stands.
func (s *slot) rank() int {
	sum := 0
	for _, one := range s.above {
		sum += one.y
	}
	return sum / max(len(s.above), 1)
}

// place gives each thing a column, and in it a row near to what leads to it.
func (p *pagePicture) place() {
	last := p.layers()
	columns, of := make([][]*slot, last+1), make([]*slot, len(p.Nodes))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Goal && !n.Start {
			n.column = last
		}
		of[i] = &slot{node: i}
		columns[n.column] = append(columns[n.column], of[i])
	}
	for i := range p.Edges {
		e := &p.Edges[i]
		before := of[e.from]
		for c := p.Nodes[e.from].column + 1; c < p.Nodes[e.to].column; c++ {
			between := &slot{node: -1, above: []*slot{before}}
			columns[c] = append(columns[c], between)
			e.between = append(e.between, between)
			before = between
		}
		if p.Nodes[e.from].column < p.Nodes[e.to].column {
			of[e.to].above = append(of[e.to].above, before)
		}
	}
	tallest := 0
	for _, c := range columns {
		tallest = max(tallest, len(c))
	}
	p.Width = 2*edging + (last+1)*nodeWidth + last*columnGap
	p.Height = 2*edging + tallest*(nodeHeight+rowGap) - rowGap
	for column, all := range columns {
		slices.SortStableFunc(all, func(a, b *slot) int { return cmp.Compare(a.rank(), b.rank()) })
		top := (p.Height - len(all)*(nodeHeight+rowGap) + rowGap) / 2
		for row, s := range all {
			s.y = top + row*(nodeHeight+rowGap) + nodeHeight/2
			if s.node < 0 {
				continue
			}
			n := &p.Nodes[s.node]
			n.X, n.Y = leftOf(column), s.y-nodeHeight/2
			n.Width, n.Height, n.TextX, n.TextY = nodeWidth, nodeHeight, n.X+10, s.y+5
		}
	}
	for i := range p.Edges {
		p.draw(&p.Edges[i])
	}
}

func leftOf(column int) int { return edging + column*(nodeWidth+columnGap) }

// layers gives each thing the column that is as many steps from the left as the longest way to it has, but for steps that
// close a circle, and says which is the last.
func (p *pagePicture) layers() (last int) {
	const on, done = 1, 2
	state := make([]int, len(p.Nodes))
	var walk func(at int)
	walk = func(at int) { // no deeper than maxDrawn
		state[at] = on
		for i := range p.Edges {
			if e := &p.Edges[i]; e.from == at {
				if e.back = state[e.to] == on; state[e.to] == 0 {
					walk(e.to)
				}
			}
		}
		state[at] = done
	}
	for i := range p.Nodes {
		if state[i] == 0 {
			walk(i)
		}
	}
	for moved := true; moved; {
		moved = false
		for _, e := range p.Edges {
			if from, to := &p.Nodes[e.from], &p.Nodes[e.to]; !e.back && to.column <= from.column {
				to.column, moved = from.column+1, true
				last = max(last, to.column)
			}
		}
	}
	return last
}

// draw bends an edge from the right of one thing, between others, to the left of the next; one that leads back, or to the
// same column, goes around on the right.
func (p *pagePicture) draw(e *pageEdge) {
	a, b := &p.Nodes[e.from], &p.Nodes[e.to]
	x, y, end := a.X+nodeWidth, a.Y+nodeHeight/2, b.Y+nodeHeight/2
	e.X, e.Y = x+6, y-6
	e.Line = fmt.Sprintf("M%d %d", x, y)
	if b.column <= a.column {
		around := max(x, b.X+nodeWidth) + columnGap/3
		e.Line += fmt.Sprintf("C%d %d %d %d %d %d", around, y, around, end, b.X+nodeWidth, end)
		e.Short = ""
		return
	}
	to := func(left, at int) {
		e.Line += fmt.Sprintf("C%d %d %d %d %d %d", x+columnGap/2, y, left-columnGap/2, at, left, at)
	}
	for i, s := range e.between {
		left := leftOf(a.column + 1 + i)
		to(left, s.y)
		x, y = left+nodeWidth, s.y
		e.Line += fmt.Sprintf("L%d %d", x, y)
	}
	to(b.X, end)
	if len(p.Edges) > maxWritten {
		e.Short = ""
	}
}
