package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// inspector has the engine look into the files of a layer.
type inspector struct{ *secret.Engine }

// IsText says by a file's first bytes whether it is one.
func (inspector) IsText(head []byte) bool { return secret.IsText(head) }

// Inspect searches one file.
func (i inspector) Inspect(path string, text []byte) (sights []inventory.Sight, cut string) {
	res := i.Scan(path, text)
	for _, h := range res.Hits {
		sights = append(sights, sightOf(h))
	}
	return sights, res.Cut
}

func sightOf(h secret.Hit) inventory.Sight {
	return inventory.Sight{
		Rule: h.Rule, Title: h.Title, Severity: h.Severity, Line: h.Line, Column: h.Column, Name: h.Name, Shown: h.Shown,
		ID: h.ID, Note: h.Note, Until: h.Until, Allowed: h.Allowed,
	}
}

// search makes what finds secrets ready. What is shown of commands goes through our own rules even when
// nobody asks for secrets: a report never holds one.
func (s *scan) search() (err error) {
	if s.redact, err = secret.New(nil); err != nil {
		return err
	}
	if s.o.Secrets == nil {
		s.o.Secrets = s.redact
	}
	if s.o.runs("secret") {
		s.reader.Inspect = inspector{s.o.Secrets}
		s.cards = map[string]check.Card{}
		for _, c := range secret.Cards() {
			s.cards[c.ID] = c
		}
	}
	return nil
}

// plain is a text without the secrets that are known of, by our own rules and by the user's.
func (s *scan) plain(text string) string {
	text = s.redact.Redact(text)
	if s.o.Secrets != s.redact {
		text = s.o.Secrets.Redact(text)
	}
	return text
}

// inspectorKey tells contents apart that were looked into.
func (s *scan) inspectorKey() string {
	if s.reader.Inspect == nil {
		return ""
	}
	return " " + s.o.Secrets.Key()
}

// maxSecrets bounds the findings of one target.
const maxSecrets = 5000

// secrets turns what was found in an image's files and configuration into findings.
func (s *scan) secrets(img *image.Image, inv *inventory.Inventory) {
	if s.reader.Inspect == nil {
		return
	}
	g := s.gather()
	for i := range inv.Sights {
		g.file(&inv.Sights[i])
	}
	g.configuration(img)
	g.end()
}

// secretsOf looks into documents that a word named.
func (s *scan) secretsOf(id string, docs []inventory.Document) {
	if s.reader.Inspect == nil {
		return
	}
	g := s.gather()
	for _, d := range docs {
		sights, cut := s.reader.Inspect.Inspect(d.Path, d.Bytes)
		for _, one := range sights {
			g.file(&inventory.Seen{Sight: one, Path: d.Path})
		}
		if cut != "" {
			s.report.Coverage = append(s.report.Coverage, finding.Gap{Class: "limit-reached", Blocking: true, Target: id, Path: d.Path, What: cut, Count: 1})
		}
	}
	g.end()
}

func (s *scan) gather() *gathering {
	return &gathering{s: s, t: &s.report.Targets[len(s.report.Targets)-1], index: map[string]int{}}
}

// end adds what was found to the report.
func (g *gathering) end() {
	s, id := g.s, g.t.ID
	failed := map[string]int{}
	for i := range g.found {
		f := g.finish(&g.found[i])
		failed[f.Rule]++
		s.report.Findings = append(s.report.Findings, f)
	}
	s.listed += int64(len(g.found)) * costFinding
	for _, rule := range slices.Sorted(maps.Keys(failed)) {
		s.report.Checks = append(s.report.Checks, finding.Check{Rule: rule, Target: id, Evaluated: failed[rule], Failed: failed[rule]})
	}
	if g.over > 0 {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: "limit-reached", Blocking: true, Target: id, Count: g.over,
			What: fmt.Sprintf("%d secrets are not listed: it holds more than %d", g.over, maxSecrets),
		})
	}
}

// gathering makes one finding of all places of one secret. Two secrets of a kind in one file are told apart
// by what they are assigned to or, where they cannot be guessed, by their own ids.
type gathering struct {
	s     *scan
	t     *finding.Target
	found []gathered
	index map[string]int
	over  int
}

type gathered struct {
	inventory.Sight
	path    string // empty: the configuration
	field   string // of the configuration
	at      []finding.Location
	visible bool
	allowed bool
}

func (g *gathering) file(one *inventory.Seen) {
	at := finding.Location{Path: one.Path, StartLine: one.Line, EndLine: one.Line, Column: one.Column, Deleted: one.Deleted}
	if len(g.t.Layers) > 0 && g.t.Kind == "image" {
		at.Layer, at.Instruction = &one.Layer, g.t.Layers[one.Layer].CreatedBy
		if one.Deleted {
			at.RemovedBy = &one.Removed
		}
	}
	g.add(gathered{Sight: one.Sight, path: one.Path, visible: !one.Deleted}, at)
}

func (g *gathering) add(one gathered, at finding.Location) {
	key := strings.Join([]string{one.Rule, one.path, cmp.Or(one.ID, one.Name, one.field)}, "\x00")
	i, ok := g.index[key]
	if !ok {
		if len(g.found) >= maxSecrets {
			g.over++
			return
		}
		i = len(g.found)
		g.index[key] = i
		one.allowed = one.Allowed
		g.found = append(g.found, one)
	}
	f := &g.found[i]
	f.visible = f.visible || one.visible
	f.allowed = f.allowed && one.Allowed
	if at != (finding.Location{}) {
		f.at = append(f.at, at)
	}
}

// setting is a piece of an image's configuration.
type setting struct {
	field, text string
	layer       int // whose instruction it is; -1: none's
}

// configuration looks at what an image says of itself: environment, history with build arguments, labels,
// commands.
func (g *gathering) configuration(img *image.Image) {
	for _, one := range settings(img) {
		res := g.s.o.Secrets.Settings(one.text[:min(len(one.text), maxSetting)])
		if len(one.text) > maxSetting && res.Cut == "" {
			res.Cut = fmt.Sprintf("it is longer than the %d KiB of it that were searched for secrets", maxSetting>>10)
		}
		for _, h := range res.Hits {
			at := finding.Location{}
			if one.layer >= 0 && one.layer < len(g.t.Layers) {
				at.Layer, at.Instruction = &one.layer, g.t.Layers[one.layer].CreatedBy
			}
			g.add(gathered{Sight: sightOf(h), field: one.field, visible: true}, at)
		}
		if res.Cut != "" {
			g.s.report.Coverage = append(g.s.report.Coverage, finding.Gap{Class: "limit-reached", Blocking: true, Target: g.t.ID, What: one.field + ": " + res.Cut, Count: 1})
		}
	}
}

// maxSetting bounds one piece, as long as a kernel takes for an argument several times over.
const maxSetting = 1 << 20

func settings(img *image.Image) (all []setting) {
	c := &img.Config
	add := func(field, text string, layer int) {
		if text != "" {
			all = append(all, setting{field, text, layer})
		}
	}
	for _, e := range c.Env {
		name, _, _ := strings.Cut(e, "=")
		add("ENV "+name, e, -1)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		add("LABEL "+k, k+"="+c.Labels[k], -1)
	}
	for _, k := range slices.Sorted(maps.Keys(img.Annotations)) {
		add("annotation "+k, k+"="+img.Annotations[k], -1)
	}
	add("ENTRYPOINT", strings.Join(c.Entrypoint, " "), -1)
	add("CMD", strings.Join(c.Cmd, " "), -1)
	add("HEALTHCHECK", strings.Join(c.Healthcheck, " "), -1)
	add("ONBUILD", strings.Join(c.OnBuild, "\n"), -1)
	layer, attributed := 0, len(layered(c.History)) == len(img.Layers)
	for i, h := range c.History {
		of := -1
		if attributed && !h.EmptyLayer {
			of = layer
		}
		add(fmt.Sprintf("history %d", i+1), h.CreatedBy+"\n"+h.Comment, of)
		if !h.EmptyLayer {
			layer++
		}
	}
	return all
}

// layered are the steps that made a layer.
func layered(of []image.History) (all []image.History) {
	for _, h := range of {
		if !h.EmptyLayer {
			all = append(all, h)
		}
	}
	return all
}

// What is to be done besides changing a secret, as the cards say it, and where there is no image yet.
const (
	rebuilt = " Then build the image without it."
	removed = " Then remove it from the file; if it was committed, the history still has it."
)

// finish writes the finding down.
func (g *gathering) finish(one *gathered) finding.Finding {
	card, known := g.s.cards[one.Rule]
	if !known {
		card = check.Card{ID: one.Rule, Title: one.Title, Kind: finding.KindSecret, Decks: []string{finding.Build}, Page: check.Page{Fix: "Withdraw it where it was made." + rebuilt}}
	}
	f := card.Finding(g.t.ID, check.Hit{Where: one.evidence(), Detail: g.detail(one)})
	f.Severity, f.Locations = one.Severity, one.at
	if !one.Until.IsZero() && one.Until.Before(g.s.o.Now) {
		f.Severity = finding.Low
	}
	if g.t.Kind == sourceFolder || g.t.Origin == "file" {
		f.Fix = strings.Replace(f.Fix, rebuilt, removed, 1)
	}
	if name := cmp.Or(one.Name, one.field); name != "" || one.ID != "" {
		f.Subject = &finding.Subject{Field: name, Name: one.ID}
	}
	if one.allowed {
		f.Suppressed = []finding.Suppression{{By: "comment", Reason: "a comment on its line lets it pass"}}
	}
	risk.Of(&f)
	f.Fingerprint = finding.Fingerprint(f, "")
	return f
}

// evidence is what may be shown.
func (one *gathered) evidence() string {
	text := one.Shown
	if one.Name != "" {
		text = one.Name + " = " + text
	}
	if one.Note != "" {
		text += ", " + one.Note
	}
	if !one.Until.IsZero() {
		text += ", expires on " + one.Until.Format("2006-01-02")
	}
	return text
}

// detail says where it is, and how it got there.
func (g *gathering) detail(one *gathered) string {
	where := one.field
	if one.path != "" {
		where = one.path
		if one.Name != "" {
			where = one.Name + " in " + where
		}
		if line := one.at[0].StartLine; line > 0 {
			where += fmt.Sprintf(":%d", line)
		}
		if more := len(one.at) - 1; more > 0 {
			where += " and " + plural(more, "more place")
		}
	}
	if !one.visible && one.at[0].RemovedBy != nil {
		where += fmt.Sprintf(", which layer %d removes and layer %d still holds", *one.at[0].RemovedBy, *one.at[0].Layer)
	}
	if isOfBase(one.at, g.t) {
		where += ", from the base image"
	}
	return where
}

// isOfBase says that all places lie in layers of the base image.
func isOfBase(at []finding.Location, t *finding.Target) bool {
	if t.Base == nil || t.Base.Layers == 0 || len(at) == 0 {
		return false
	}
	return !slices.ContainsFunc(at, func(l finding.Location) bool { return l.Layer == nil || *l.Layer >= t.Base.Layers })
}

// baseLayers are the targets of a report, by id.
func baseLayers(r *finding.Report) map[string]*finding.Target {
	all := map[string]*finding.Target{}
	for i := range r.Targets {
		all[r.Targets[i].ID] = &r.Targets[i]
	}
	return all
}

// ofBase says that a finding of no package came with the base image.
func ofBase(f *finding.Finding, targets map[string]*finding.Target) bool {
	t := targets[f.Target]
	return f.Kind == finding.KindSecret && t != nil && isOfBase(f.Locations, t)
}
