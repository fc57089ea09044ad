// Package dockerfile judges how an image is made: Dockerfiles, and what an image's history tells of one.
//
// Checks about instructions stand in files named after their theme, those about what RUN lines do in files
// named run_*.go. All are pure. What the finished image would be like, its user, ports and health check, is
// judged by imagecfg, from a Dockerfile too.
package dockerfile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// Check is a card and the function that looks.
type Check struct {
	check.Card
	Look func(*dockerfile.File) []check.Hit
}

// Checks lists all checks of Dockerfiles. Their literals leave out what all cards share.
func Checks() []Check {
	all, _ := Judge()
	return all
}

// Judge gives all checks and what tells of RUN lines that could not be read, which share the reading of a
// file's RUN lines. Who has many files asks once, and looks at one file after the other.
func Judge() ([]Check, func(*dockerfile.File) []finding.Gap) {
	var kept memo
	return shared(append(structure(), runs(&kept)...)), func(f *dockerfile.File) []finding.Gap { return kept.of(f).gaps }
}

func shared(all []Check) []Check {
	for i := range all {
		c := &all[i].Card
		c.Kind, c.Since = cmp.Or(c.Kind, finding.KindMisconfiguration), cmp.Or(c.Since, "0.1")
		if c.Decks == nil {
			c.Decks = []string{finding.Build}
		}
		look := all[i].Look
		all[i].Look = func(f *dockerfile.File) []check.Hit { return built(f, look(f)) }
	}
	return all
}

// built are the hits in stages that are built: all of them, unless one stage was asked for.
func built(f *dockerfile.File, hits []check.Hit) []check.Hit {
	return slices.DeleteFunc(hits, func(h check.Hit) bool { return len(h.At) > 0 && f.LeftOut(h.At[0].StartLine) })
}

// hit is what a check found in an instruction. What names the thing that it is about, without versions and
// lines, so that it is known again when the file changes: "FROM debian", "ENV API_KEY".
func hit(in *dockerfile.Instruction, what, detail string) check.Hit {
	return hitAt(in, finding.Location{StartLine: in.Start, EndLine: in.End, Column: in.Column}, what, detail)
}

// hitAt is a hit in one place of an instruction.
func hitAt(in *dockerfile.Instruction, at finding.Location, what, detail string) check.Hit {
	at.Path, at.Layer, at.Instruction = in.Path(), in.Layer, in.Summary()
	return check.Hit{
		Where: at.Instruction, Detail: detail, At: []finding.Location{at},
		Subject: &finding.Subject{Kind: "Dockerfile", Field: what},
	}
}

// mended is a hit with the words that mend that very line.
func mended(h check.Hit, fix string) check.Hit {
	h.Fix = fix
	return h
}

// each visits all instructions but those of an image's base, and the bodies of ONBUILD.
func each(f *dockerfile.File, visit func(in *dockerfile.Instruction)) {
	for _, in := range f.Instructions {
		if in.Base {
			continue
		}
		visit(in)
		if in.Inner != nil {
			visit(in.Inner)
		}
	}
}

// named visits the instructions of certain names.
func named(f *dockerfile.File, names string, visit func(in *dockerfile.Instruction)) {
	each(f, func(in *dockerfile.Instruction) {
		for name := range strings.FieldsSeq(names) {
			if in.Name == name {
				visit(in)
			}
		}
	})
}

// ships says that what an instruction does is part of the image that is built, and not of a stage that is
// left behind.
func ships(in *dockerfile.Instruction) bool { return in.Stage == nil || in.Stage.Ships }

// OfHistory lists the checks that can be held against an image's history: those of RUN lines that are of
// weight, and do not depend on mounts; and variables that are secrets.
func OfHistory() (all []Check) {
	of := map[string]bool{secretEnv.ID: true}
	for _, c := range runs(new(memo)) {
		of[c.ID] = true
	}
	for _, c := range Checks() {
		if of[c.ID] && (c.Severity == finding.Medium || c.Severity == finding.High || c.Severity == finding.Critical) {
			all = append(all, c)
		}
	}
	return all
}
