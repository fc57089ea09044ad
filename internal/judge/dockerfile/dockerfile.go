// Package dockerfile judges how an image is made: Dockerfiles, and what an image's history tells of one.
//
// Checks about instructions stand in files named after their theme, those about what RUN lines do in files
// named run_*.go.
package dockerfile

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// Check is a card and the function that looks.
type Check struct {
	check.Card
	Look func(*dockerfile.File) []check.Hit
}

// Checks lists all checks of Dockerfiles.
func Checks() []Check { return append(structure(), runs()...) }

// hit is what a check found in an instruction. What names the thing that it is about, without versions and
// lines, so that it is known again when the file changes: "FROM debian", "ENV API_KEY".
func hit(in *dockerfile.Instruction, what, detail string) check.Hit {
	line, column, end := in.Start, in.Column, in.End
	return hitAt(in, finding.Location{StartLine: line, EndLine: end, Column: column}, what, detail)
}

// hitAt is a hit in one place of an instruction.
func hitAt(in *dockerfile.Instruction, at finding.Location, what, detail string) check.Hit {
	at.Path, at.Layer, at.Instruction = in.Path(), in.Layer, in.Summary()
	return check.Hit{
		Where: at.Instruction, Detail: detail, At: []finding.Location{at},
		Subject: &finding.Subject{Kind: "Dockerfile", Field: what},
	}
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
