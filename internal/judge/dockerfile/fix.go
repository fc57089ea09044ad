package dockerfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// edit puts other words in the place of some in one line.
type edit struct {
	line, column int // from 1, in bytes
	old, with    string
}

// Mend rewrites what can be rewritten without changing the image, and touches no other byte: MAINTAINER to a
// label, ENV and LABEL with an equals sign, ADD of what is no archive to COPY, apt to apt-get, the case of words, and
// --platform where it says nothing. Findings that a comment lets pass are left alone. The result was read and judged
// again: it has none of the findings that it mends, and no others. It is the source itself when there is
// nothing to do.
func Mend(f *dockerfile.File, o dockerfile.Options) []byte {
	pragmas := PragmasOf(f)
	source := f.Source
	for _, m := range menders() {
		var edits []edit
		for _, h := range m.check.Look(f) {
			in := at(f, h.At[0].StartLine)
			if in == nil || len(pragmas.Apply(m.check.Card, h).Suppressed) > 0 {
				continue
			}
			if e, ok := m.mend(in, h.At[0]); ok && !slices.Contains(edits, e) {
				edits = append(edits, e)
			}
		}
		after, ok := apply(source, edits)
		if !ok || len(edits) == 0 {
			continue
		}
		again, err := dockerfile.Parse(f.Path, after, o)
		if err != nil || !better(f, again, m.check.ID) {
			continue
		}
		source, f = after, again
		pragmas = PragmasOf(f)
	}
	return source
}

// at is the instruction that a line belongs to.
func at(f *dockerfile.File, line int) *dockerfile.Instruction {
	i, ok := slices.BinarySearchFunc(f.Instructions, line, func(in *dockerfile.Instruction, l int) int { return in.Start - l })
	if !ok {
		i--
	}
	if i < 0 || line > f.Instructions[i].End {
		return nil
	}
	return f.Instructions[i]
}

// apply makes edits; false where the words do not stand where they should.
func apply(source []byte, edits []edit) ([]byte, bool) {
	lines := bytes.SplitAfter(source, []byte("\n"))
	slices.SortFunc(edits, func(a, b edit) int { return b.column - a.column }) // from the right, so that columns hold
	for _, e := range edits {
		if e.line < 1 || e.line > len(lines) {
			return nil, false
		}
		text := lines[e.line-1]
		from := e.column - 1
		if e.line == 1 && bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
			from += 3
		}
		if from < 0 || from > len(text) || !bytes.HasPrefix(text[from:], []byte(e.old)) {
			return nil, false
		}
		lines[e.line-1] = slices.Concat(text[:from], []byte(e.with), text[from+len(e.old):])
	}
	return bytes.Join(lines, nil), true
}

// better says that a file has fewer findings of one check than before, no more of any other, and as many
// faults.
func better(before, after *dockerfile.File, id string) bool {
	if len(after.Faults) > len(before.Faults) || len(after.Instructions) != len(before.Instructions) {
		return false
	}
	for _, c := range Checks() {
		was, is := len(c.Look(before)), len(c.Look(after))
		if is > was || c.ID == id && is == was {
			return false
		}
	}
	return true
}

// mender is a check and how one of its hits is mended.
type mender struct {
	check Check
	mend  func(in *dockerfile.Instruction, at finding.Location) (edit, bool)
}

func menders() []mender {
	apt, _ := find("dockerfile/apt-for-people")
	return []mender{
		{instructionCasing, mendWord},
		{asCasing, mendAs},
		{stageNameCasing, mendStageName},
		{redundantPlatform, mendPlatform},
		{maintainer, mendMaintainer},
		{legacyKeyValue, mendPair},
		{addInsteadOfCopy, mendAdd},
		{apt, mendApt},
	}
}

func find(id string) (Check, bool) {
	for _, c := range Checks() {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}

// mendApt writes apt-get for the commands that both know by one name, where they stand as plain words.
func mendApt(in *dockerfile.Instruction, at finding.Location) (edit, bool) {
	lines := bytes.Split(in.File().Source, []byte("\n"))
	if at.StartLine < 1 || at.StartLine > len(lines) || at.Column < 1 || at.Column > len(lines[at.StartLine-1]) {
		return edit{}, false
	}
	words := strings.Fields(string(lines[at.StartLine-1][at.Column-1:]))
	if len(words) == 0 || words[0] != "apt" {
		return edit{}, false
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") {
			known := []string{"install", "update", "upgrade", "remove", "purge", "autoremove", "clean", "autoclean"}
			return edit{at.StartLine, at.Column, "apt", "apt-get"}, slices.Contains(known, w)
		}
	}
	return edit{}, false
}

func mendWord(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	with := strings.ToUpper(in.Word)
	if mostlyLower(in.File()) {
		with = strings.ToLower(in.Word)
	}
	return edit{in.Start, in.Column, in.Word, with}, true
}

// oneLine returns the text of an instruction that stands on one line.
func oneLine(in *dockerfile.Instruction) (string, bool) {
	return strings.TrimRight(in.Text, " \t"), in.Start == in.End && in.Inner == nil && !in.OnBuild
}

// word finds the last place of a word in an instruction of one line.
func word(in *dockerfile.Instruction, w, with string) (edit, bool) {
	text, ok := oneLine(in)
	i := strings.LastIndex(text, w)
	return edit{in.Start, in.Column + i, w, with}, ok && i >= 0
}

func mendAs(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	as, name, ok := alias(in)
	text, one := oneLine(in)
	if !ok || !one || !strings.HasSuffix(text, name) {
		return edit{}, false
	}
	before := strings.TrimRight(strings.TrimSuffix(text, name), " \t")
	with := strings.ToUpper(as)
	if in.Word == strings.ToLower(in.Word) {
		with = strings.ToLower(as)
	}
	return edit{in.Start, in.Column + len(before) - len(as), as, with}, strings.HasSuffix(before, as)
}

func mendStageName(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	_, name, ok := alias(in)
	e, one := word(in, name, strings.ToLower(name))
	return e, ok && one
}

func mendPlatform(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	platform, _ := in.Flag("platform")
	return word(in, "--platform="+platform+" ", "")
}

// plain says that a value can stand between double quotes as it is.
func plain(value string) bool {
	return value != "" && value == strings.TrimSpace(value) && !strings.ContainsAny(value, "\"'\\`$\t\r") && strings.IndexFunc(value, func(r rune) bool { return r < ' ' }) < 0
}

func mendMaintainer(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	text, one := oneLine(in)
	if !one || len(in.Args) != 1 || !plain(in.Args[0]) || !strings.HasSuffix(text, in.Args[0]) {
		return edit{}, false
	}
	label := "LABEL"
	if in.Word == strings.ToLower(in.Word) {
		label = "label"
	}
	return edit{in.Start, in.Column, text, label + ` org.opencontainers.image.authors="` + in.Args[0] + `"`}, true
}

func mendPair(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	text, one := oneLine(in)
	if !one || len(in.Pairs) != 1 || !plain(in.Pairs[0].Key) {
		return edit{}, false
	}
	p := in.Pairs[0]
	tail := strings.TrimPrefix(text, in.Word)
	key := strings.TrimLeft(tail, " \t")
	if !strings.HasPrefix(key, p.Key) || !strings.HasSuffix(key, p.Value) {
		return edit{}, false
	}
	with := p.Value
	switch {
	case strings.ContainsAny(p.Value, "\"'\\`\t\r") || p.Value == "" || p.Value != strings.TrimSpace(p.Value):
		return edit{}, false // quotes and escapes mean something else there
	case strings.Contains(p.Value, " "):
		with = `"` + p.Value + `"`
	}
	return edit{in.Start, in.Column + len(text) - len(key), key, p.Key + "=" + with}, true
}

// mendAdd writes COPY where ADD cannot have unpacked anything: for folders, and for files whose ending says
// that they are no archives.
func mendAdd(in *dockerfile.Instruction, _ finding.Location) (edit, bool) {
	sources, _, ok := copied(in)
	if !ok || in.OnBuild {
		return edit{}, false
	}
	for _, f := range in.Flags {
		if f.Name != "chown" && f.Name != "chmod" && f.Name != "link" {
			return edit{}, false
		}
	}
	for _, s := range sources {
		name := s[strings.LastIndex(s, "/")+1:]
		folder := name == "" || name == "." || name == ".."
		if strings.Contains(s, "$") || !folder && !strings.Contains(strings.TrimPrefix(name, "."), ".") {
			return edit{}, false
		}
	}
	with := "COPY"
	if in.Word == strings.ToLower(in.Word) {
		with = "copy"
	}
	return edit{in.Start, in.Column, in.Word, with}, true
}

// Secret says of which lines of a Dockerfile no more may be shown than the names in them.
func Secret(f *dockerfile.File) map[int]string {
	lines := map[int]string{}
	each(f, func(in *dockerfile.Instruction) {
		if slices.ContainsFunc(in.Pairs, func(p dockerfile.Pair) bool { return secretName(p.Key) && !harmless(p.Value) }) {
			for l := in.Start; l <= in.End; l++ {
				lines[l] = in.Summary() + " (its values are not shown)"
			}
		}
	})
	return lines
}
