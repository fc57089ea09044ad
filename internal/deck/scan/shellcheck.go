package scan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/shellcheck"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// shellNames are ShellCheck's words for the languages that it reads. Zsh it does not.
var shellNames = map[shell.Language]string{shell.Bash: "bash", shell.Korn: "ksh"}

// passedOver are what ShellCheck says of a script because it does not know that it stands in a Dockerfile: that
// files are not followed, or that ash is taken for dash. hadolint leaves out the same.
var passedOver = []int{1090, 1091, 2187}

// told is a script and the instruction that it is of.
type told struct {
	in   *read.Instruction
	text *read.Script
}

// shellcheck has ShellCheck look at what a Dockerfile's RUN lines tell shells.
func (s *scan) shellcheck(f *read.File) (seen []sight, gaps []finding.Gap) {
	var of []told
	var scripts []shellcheck.Script
	for _, in := range f.Instructions {
		if in.Inner != nil {
			in = in.Inner
		}
		if in.Name != "RUN" || f.LeftOut(in.Start) {
			continue
		}
		text, language := dockerfile.Told(in)
		switch {
		case text == nil, language == shell.Other: // what is not read is told without ShellCheck, too
		case language == shell.Zsh:
			gaps = append(gaps, finding.Gap{Class: "other-shell", Count: 1, What: fmt.Sprintf("%s: RUN on line %d: ShellCheck does not read zsh", f.Path, in.Start)})
		default:
			of = append(of, told{in, text})
			scripts = append(scripts, shellcheck.Script{Text: text.Text, Shell: shellName(text, language), Set: setBefore(in)})
		}
	}
	comments, err := s.o.ShellCheck(scripts)
	if err != nil {
		return nil, append(gaps, finding.Gap{Class: "unread-script", Blocking: true, Path: f.Path, Count: len(scripts), What: fmt.Sprintf("ShellCheck: %v", err)})
	}
	for _, c := range comments {
		if !slices.Contains(passedOver, c.Code) {
			seen = append(seen, s.remark(of[c.Script], c))
		}
	}
	return seen, gaps
}

// shellName tells ash from sh: it knows words that a plain sh may not.
func shellName(text *read.Script, of shell.Language) string {
	if name := shellNames[of]; name != "" {
		return name
	}
	if len(text.Shell) > 0 && slices.Contains([]string{"ash", "dash", "busybox"}, path.Base(text.Shell[0])) {
		return "dash"
	}
	return "sh"
}

// setBefore are the variables that ENV and ARG set before an instruction.
func setBefore(in *read.Instruction) (names []string) {
	for s := in.Stage; s != nil; s = s.Parent {
		for _, one := range s.Instructions {
			if one.Start >= in.Start {
				break
			}
			if one.Name == "ENV" || one.Name == "ARG" {
				for _, p := range one.Pairs {
					names = append(names, p.Key)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// remarkSeverity are ShellCheck's levels in our words: a slip in a script is no hole.
var remarkSeverity = map[string]finding.Severity{"error": finding.Medium, "warning": finding.Low, "info": finding.Info, "style": finding.Info}

// remark is what ShellCheck says of a place. Its rule is known to hadolint by the number alone.
func (s *scan) remark(of told, c shellcheck.Comment) sight {
	id := fmt.Sprintf("SC%04d", c.Code)
	severity, ok := remarkSeverity[c.Level]
	if !ok {
		severity = finding.Info
	}
	card := &check.Card{
		ID: "shellcheck/" + id, Title: id, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Build},
		Aliases: []string{"hadolint/" + id}, Page: check.Page{Fix: "See https://www.shellcheck.net/wiki/" + id + "."},
	}
	at := finding.Location{Path: of.in.Path(), Instruction: of.in.Summary()}
	at.StartLine, at.Column = of.text.At(c.From)
	at.EndLine, _ = of.text.At(c.To)
	if at.StartLine == 0 {
		at.StartLine, at.Column = of.in.Start, of.in.Column
	}
	at.EndLine = max(at.EndLine, at.StartLine)
	return sight{card: card, applies: true, hits: []check.Hit{{
		Where: "RUN", Detail: s.redact.Redact(shown(c.Message)), At: []finding.Location{at},
		Subject: &finding.Subject{Kind: "Dockerfile", Field: "RUN " + id},
	}}}
}

// maxRemark is how many bytes of a message are shown. It may repeat what the script says.
const maxRemark = 300

func shown(text string) string {
	if len(text) <= maxRemark {
		return text
	}
	return strings.ToValidUTF8(text[:maxRemark], "") + "…"
}
