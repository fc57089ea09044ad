// Package netmap turns who reaches whom into a page with a picture of it, for people: they search it, fold and unfold its
// namespaces, and ask any end or connection why it is so. What the policies mean was decided before: the page holds the
// judge's own table of answers ([network.Table]) and puts two halves of one together.
package netmap

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
)

// The parts of the page. The script is one, in several files: what it knows, where things stand, what is drawn, what is told,
// and what a person does.
var (
	//go:embed body.gohtml
	body string
	//go:embed style.css
	style string
	//go:embed script/model.js
	modelScript string
	//go:embed script/layout.js
	layoutScript string
	//go:embed script/draw.js
	drawScript string
	//go:embed script/panel.js
	panelScript string
	//go:embed script/main.js
	mainScript string
)

func script() string {
	return "\n(() => {\n\"use strict\";\n" + modelScript + layoutScript + drawScript + panelScript + mainScript + "})();\n"
}

// Facts are what the page is made of.
type Facts struct {
	Model     *network.Model
	Gaps      []string // what keeps the answer from being certain
	Namespace string   // only what its pods reach, and who reaches them; empty: all
	Enforced  string   // whether policies are, in words; empty: it is not known
	Version   string   // of the program
	Made      time.Time
}

// bounds are those of a page. Beyond them it says what it leaves out: a browser opens what is within them in seconds.
type bounds struct {
	named int // things in the table of reasons
	ends  int // endpoints, and what publishes them
	edges int // runs of groups that groups reach
	rows  int // of the table that is read without the script
}

var usual = bounds{named: 2_000_000, ends: 50_000, edges: 300_000, rows: 500}

const (
	mostCell = 12  // names in a cell of the table
	mostText = 300 // characters of a name
	mostTags = 40  // labels of an endpoint
	mostGaps = 50
)

type (
	pageValues struct {
		Sentence      string
		Gaps          []string
		MoreGaps      int
		AllGaps       string
		LeftOut       []string
		Rows          []pageRow
		MoreRows      int
		Published     []pageRow
		MorePublished int
		Tool, Made    string
	}
	pageRow struct{ From, Ports, To, Note string }
)

// Write writes the page.
func Write(ctx context.Context, w io.Writer, f Facts) error { return write(ctx, w, f, usual) }

func write(ctx context.Context, w io.Writer, f Facts, most bounds) error {
	all, err := f.Model.Map(ctx)
	if err != nil {
		return err
	}
	d := dataOf(f, all, most)
	v := pageValues{Sentence: d.sentence(f), LeftOut: d.leftOut, Tool: strings.TrimSpace("Plimsoll " + page.Clean(f.Version))}
	for _, gap := range f.Gaps[:min(len(f.Gaps), mostGaps)] {
		v.Gaps = append(v.Gaps, short(gap))
	}
	v.MoreGaps, v.AllGaps = len(f.Gaps)-len(v.Gaps), count(len(f.Gaps), "reason", "reasons")
	if !f.Made.IsZero() {
		v.Made = f.Made.UTC().Format("2006-01-02 15:04 UTC")
	}
	rows, err := all.Rows(ctx, f.Namespace)
	if large := (*network.TooLargeError)(nil); errors.As(err, &large) {
		v.LeftOut = append(v.LeftOut, "most rows of the table below: "+large.Why)
	} else if err != nil {
		return err
	}
	v.rows(f, rows, most.rows)
	return page.Page{Title: "Who talks to whom", Body: body, Style: style, Script: script(), Data: d}.Write(w, v)
}

// rows are the folded map, and what is published, as far as there is room.
func (v *pageValues) rows(f Facts, rows []network.Row, most int) {
	v.MoreRows = max(len(rows)-most, 0)
	for i := range rows[:len(rows)-v.MoreRows] {
		r := &rows[i]
		v.Rows = append(v.Rows, pageRow{From: few(r.From.Words()), Ports: r.Ports.String(), To: few(r.To.Words())})
	}
	for _, p := range published(f) {
		if len(v.Published) == most {
			v.MorePublished++
			continue
		}
		v.Published = append(v.Published, pageRow{From: short(p.Title()), Ports: p.Ports.String(), To: short(p.To.String()), Note: p.LetIn()})
	}
}

// published are the ways from outside that the page tells.
func published(f Facts) (all []network.Publication) {
	for _, p := range f.Model.Published() {
		if f.Namespace == "" || p.To.Namespace == f.Namespace {
			all = append(all, p)
		}
	}
	return all
}

func few(words []string) string {
	more := ""
	if n := len(words) - mostCell; n > 1 {
		words, more = words[:mostCell], fmt.Sprintf(" and %d more", n)
	}
	var all []string
	for _, w := range words {
		all = append(all, short(w))
	}
	return strings.Join(all, ", ") + more
}

// short is a foreign text that is fit to be shown.
func short(text string) string {
	if r := []rune(page.Clean(text)); len(r) > mostText {
		return string(r[:mostText-1]) + "…"
	} else {
		return string(r)
	}
}
