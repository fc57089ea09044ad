package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// leastColumn is what the last column of a table gets, however narrow the terminal is.
const leastColumn = 24

// columns writes rows as a table that is no wider than the terminal: the last column is wrapped. A width
// of 0 wraps nothing.
func columns(w io.Writer, width int, rows [][]string) error {
	var wide []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		before := ""
		for i, cell := range row[:len(row)-1] {
			before += cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell)+2)
		}
		at := utf8.RuneCountInString(before)
		room := 0
		if width > 0 {
			room = max(width-at, leastColumn)
		}
		for i, line := range wrapped(row[len(row)-1], room) {
			if i > 0 {
				before = strings.Repeat(" ", at)
			}
			b.WriteString(strings.TrimRight(before+line, " ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrapped cuts a text between words into lines of at most so many columns; 0 cuts nothing. A word that is
// longer stands alone.
func wrapped(text string, room int) []string {
	if room <= 0 || utf8.RuneCountInString(text) <= room {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// paragraphs fits prose to the terminal: lines that were broken for another width are joined, blank and
// indented lines and the items of lists stay.
func paragraphs(text string, width int) string {
	if width <= 0 {
		return text
	}
	var out []string
	running := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		begins := line == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "- ")
		if running && !begins {
			out[len(out)-1] += " " + line
			continue
		}
		out = append(out, line)
		running = line != "" && !strings.HasPrefix(line, " ")
	}
	var lines []string
	for _, line := range out {
		if strings.HasPrefix(line, " ") {
			lines = append(lines, line)
			continue
		}
		lines = append(lines, wrapped(line, width)...)
	}
	return strings.Join(lines, "\n")
}

// field writes a line of a name and a text, which is wrapped beside the name.
func field(b *strings.Builder, width int, name, text string) {
	const beside = 13
	for i, line := range wrapped(text, max(width-beside, min(width, leastColumn))) {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(b, "  %-10s %s\n", name, line)
	}
}
