package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// Pragmas are what a Dockerfile's comments and the settings beside it say of findings.
type Pragmas struct {
	file   *dockerfile.File
	all    []pragma         // that hold everywhere
	onLine map[int][]pragma // that hold for the instruction of that first line
	stages map[int][]pragma // that hold for the stage of that number
	errors bool             // "# check=error=true": BuildKit's own lints end the build
}

// pragma lets findings of some rules pass.
type pragma struct {
	by     string
	ids    []string // of any tool; "buildkit/*" stands for all of BuildKit's, "shellcheck/*" for all of ShellCheck's
	reason string
}

// PragmasOf reads the comments of a file:
//
//	# hadolint ignore=DL3008,DL3009        the next instruction
//	# hadolint global ignore=DL3059        the file
//	# check=skip=JSONArgsRecommended       the file when on top, else the next instruction
//	# plimsoll ignore=dockerfile/latest-tag it is a demonstration
//	# shellcheck disable=SC2086,SC2015      the next instruction, or the one that it stands in
func PragmasOf(f *dockerfile.File) *Pragmas {
	p := &Pragmas{file: f, onLine: map[int][]pragma{}, stages: map[int][]pragma{}}
	if len(f.Settings.Ignored) > 0 {
		p.all = append(p.all, pragma{by: f.Settings.Path, ids: f.Settings.Ignored})
	}
	if value, ok := f.Directive("check"); ok {
		skipped, stop := checkOptions(value)
		p.errors = stop
		p.add(&p.all, "# check", skipped, "")
	}
	if f.Settings.IgnorePragmas {
		return p
	}
	next := 0
	for _, c := range f.Comments {
		for next < len(f.Instructions) && f.Instructions[next].End < c.Line {
			next++
		}
		p.comment(c, next)
	}
	return p
}

// comment reads one, which stands before or in an instruction.
func (p *Pragmas) comment(c dockerfile.Comment, next int) {
	var line []pragma
	tool, rest, _ := strings.Cut(c.Text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case tool == "hadolint":
		scope, list, ok := strings.Cut(rest, "ignore")
		list, isList := strings.CutPrefix(strings.TrimSpace(list), "=")
		if !ok || !isList {
			return
		}
		ids := idsOf(list)
		switch strings.TrimSpace(scope) {
		case "global":
			p.add(&p.all, "# hadolint global ignore", ids, "")
		case "stage":
			if next < len(p.file.Instructions) && p.file.Instructions[next].Stage != nil {
				n := p.file.Instructions[next].Stage.Index
				p.stages[n] = append(p.stages[n], pragma{by: "# hadolint stage ignore", ids: ids})
			}
		case "":
			p.add(&line, "# hadolint ignore", ids, "")
		}
	case tool == "plimsoll":
		list, ok := strings.CutPrefix(rest, "ignore=")
		if !ok {
			return
		}
		list, reason, _ := strings.Cut(list, " ")
		p.add(&line, "# plimsoll ignore", idsOf(list), strings.TrimSpace(reason))
	case tool == "shellcheck":
		for word := range strings.FieldsSeq(rest) {
			if list, ok := strings.CutPrefix(word, "disable="); ok {
				ids := idsOf(list)
				for i := range ids {
					if strings.EqualFold(ids[i], "all") {
						ids[i] = "shellcheck/*"
					}
				}
				p.add(&line, "# shellcheck disable", ids, "")
			}
		}
	case strings.HasPrefix(strings.ReplaceAll(c.Text, " ", ""), "check="):
		skipped, _ := checkOptions(strings.TrimPrefix(strings.ReplaceAll(c.Text, " ", ""), "check="))
		p.add(&line, "# check", skipped, "")
	}
	if len(line) > 0 && next < len(p.file.Instructions) {
		start := p.file.Instructions[next].Start
		p.onLine[start] = append(p.onLine[start], line...)
	}
}

func (p *Pragmas) add(to *[]pragma, by string, ids []string, reason string) {
	if len(ids) > 0 {
		*to = append(*to, pragma{by: by, ids: ids, reason: reason})
	}
}

// idsOf parts a list; what follows a blank or # is a remark.
func idsOf(list string) (ids []string) {
	list, _, _ = strings.Cut(list, "#")
	for id := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		ids = append(ids, id)
	}
	return ids
}

// checkOptions reads what stands after "# check=".
func checkOptions(value string) (skipped []string, stop bool) {
	for part := range strings.SplitSeq(value, ";") {
		key, list, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(key) {
		case "skip":
			for name := range strings.SplitSeq(list, ",") {
				if name = strings.TrimSpace(name); name == "all" {
					name = "*"
				}
				skipped = append(skipped, "buildkit/"+name)
			}
		case "error":
			stop = strings.EqualFold(strings.TrimSpace(list), "true") || strings.TrimSpace(list) == "1"
		}
	}
	return skipped, stop
}

// names says that an id means a check: the check's own, or an alias with or without its tool.
func names(c check.Card, id string) bool {
	if strings.EqualFold(id, c.ID) || id == "shellcheck/*" && strings.HasPrefix(c.ID, "shellcheck/") {
		return true
	}
	return slices.ContainsFunc(c.Aliases, func(a string) bool {
		tool, name, _ := strings.Cut(a, "/")
		return strings.EqualFold(id, a) || strings.EqualFold(id, name) && tool != "buildkit" || id == tool+"/*"
	})
}

// Apply says what a hit of a check is after all: who lets it pass, and how bad the project finds it.
func (p *Pragmas) Apply(c check.Card, h check.Hit) check.Hit {
	for i := range c.Aliases {
		tool, name, _ := strings.Cut(c.Aliases[i], "/")
		if level, ok := p.file.Settings.Override[strings.ToUpper(name)]; ok && tool == "hadolint" {
			h.Severity, h.SeverityFrom = level, path.Base(p.file.Settings.Path)
		}
		if tool == "buildkit" && p.errors && rank(h, c) < 2 {
			h.Severity = finding.Medium // the builder ends here
		}
	}
	for _, one := range p.over(h) {
		for _, id := range one.ids {
			if names(c, id) {
				reason := one.reason
				if reason == "" {
					reason = fmt.Sprintf("%s=%s", one.by, strings.TrimPrefix(id, "buildkit/"))
				}
				h.Suppressed = append(h.Suppressed, finding.Suppression{By: "pragma", Reason: reason})
				return h
			}
		}
	}
	return h
}

func rank(h check.Hit, c check.Card) int {
	s := h.Severity
	if s == "" {
		s = c.Severity
	}
	return slices.Index([]finding.Severity{finding.Info, finding.Low, finding.Medium, finding.High, finding.Critical}, s)
}

// over are the pragmas that hold where a hit stands.
func (p *Pragmas) over(h check.Hit) []pragma {
	all := p.all
	if len(h.At) == 0 {
		return all
	}
	line := h.At[0].StartLine
	i, found := slices.BinarySearchFunc(p.file.Instructions, line, func(in *dockerfile.Instruction, l int) int { return in.Start - l })
	if !found {
		i--
	}
	if i < 0 || line > p.file.Instructions[i].End {
		return all
	}
	in := p.file.Instructions[i]
	all = append(slices.Clone(all), p.onLine[in.Start]...)
	if in.Stage != nil {
		all = append(all, p.stages[in.Stage.Index]...)
	}
	return all
}
