package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// leastColumn is what the last column of a table gets, however narrow the terminal is.
const leastColumn = 24

// columns writes rows as a table that is no wider than the terminal: the last column is wrapped, and so are others that are
// wider than two fifths of it. Where the last has no room, and the first row names the columns, rows become paragraphs. A
// width of 0 wraps nothing.
func columns(w io.Writer, width int, rows [][]string) error {
	wide := widths(rows, 0)
	if width > 0 && tableRoom(wide, width) < wide[len(wide)-1] {
		wide = widths(rows, max(leastColumn, width*2/5))
	}
	var b strings.Builder
	if isHead(rows[0]) && width > 0 && tableRoom(wide, width) < leastColumn {
		_, err := io.WriteString(w, stacked(width, rows))
		return err
	}
	for _, row := range rows {
		lines := make([][]string, len(row))
		tall := 0
		for i, cell := range row {
			room := wide[i]
			if i == len(row)-1 {
				room = 0
				if width > 0 {
					room = max(tableRoom(wide[:len(row)], width), leastColumn)
				}
			}
			lines[i] = wrapped(cell, room)
			tall = max(tall, len(lines[i]))
		}
		for n := range tall {
			line := ""
			for i := range row {
				cell := ""
				if n < len(lines[i]) {
					cell = lines[i][n]
				}
				line += cell
				if i < len(row)-1 {
					line += strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell)+2)
				}
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// widths are those of the columns, where the cells of all but the last are wrapped at some width; 0 wraps none.
func widths(rows [][]string, most int) (wide []int) {
	for _, row := range rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			room := most
			if i == len(row)-1 {
				room = 0
			}
			for _, line := range wrapped(cell, room) {
				wide[i] = max(wide[i], utf8.RuneCountInString(line))
			}
		}
	}
	return wide
}

// isHead says whether a row names the columns, which it does in capitals.
func isHead(row []string) bool { return row[0] == strings.ToUpper(row[0]) }

// tableRoom is what the columns before leave for the last one.
func tableRoom(wide []int, width int) int {
	for _, n := range wide[:len(wide)-1] {
		width -= n + 2
	}
	return width
}

// stacked writes each row as a paragraph: its first two cells, and below them the others with their names.
func stacked(width int, rows [][]string) string {
	var b strings.Builder
	head := rows[0]
	for _, row := range rows[1:] {
		lead := min(2, len(row))
		b.WriteString(strings.Join(wrapped(strings.Join(row[:lead], " "), max(width, leastColumn)), "\n") + "\n")
		var rest []string
		for i := lead; i < len(row); i++ {
			if row[i] != "" {
				rest = append(rest, strings.ToLower(head[i])+" "+row[i])
			}
		}
		for _, line := range wrapped(strings.Join(rest, ", "), max(width-2, leastColumn)) {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
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
