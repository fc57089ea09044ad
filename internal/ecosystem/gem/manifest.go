package gem

import (
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readManifest reads a Gemfile (https://bundler.io/man/gemfile.5.html) by its lines, without running it:
// gem "name", "version" asks for a gem, also without a version; gemspec and
// eval_gemfile for those that another file names.
// Groups for development and test are left out, as deployments leave them out.
func readManifest(r io.Reader) (ecosystem.Found, error) {
	m := wishes{asks: ecosystem.Asks{Locks: []string{"Gemfile.lock", "gems.locked"}}}
	err := eachLine(r, m.line)
	if len(m.asks.Names)+len(m.asks.Maybe) > 0 || m.asks.More {
		m.found.Asks = &m.asks
	}
	return m.found, err
}

type wishes struct {
	found  ecosystem.Found
	asks   ecosystem.Asks
	blocks []block // around a line, the innermost last
}

// block is what a block means for the gems in it, and for the blocks.
type block struct{ dev, maybe bool }

// isForDevelopment knows the groups that are not deployed.
func isForDevelopment(options string) bool {
	return (strings.Contains(options, ":development") || strings.Contains(options, ":test")) && !strings.Contains(options, ":production") && !strings.Contains(options, ":default")
}

const maxBlocks = 100

func (m *wishes) line(number int, line string) error {
	text := strings.TrimSpace(line)
	word, rest, _ := strings.Cut(strings.Replace(text, "(", " ", 1), " ")
	var outer block
	if n := len(m.blocks); n > 0 {
		outer = m.blocks[n-1]
	}
	switch {
	case word == "end":
		m.blocks = m.blocks[:max(len(m.blocks)-1, 0)]
	case word == "gemspec", word == "eval_gemfile", strings.Contains(text, "| gem ") && text[0] != '#': // in a loop
		m.asks.More = true
	case word == "gem":
		return m.gem(number, rest, outer)
	case word == "if", word == "unless", word == "case", opensBlock(text):
		if len(m.blocks) == maxBlocks {
			return ecosystem.Limit("more than %d blocks in each other", maxBlocks)
		}
		m.blocks = append(m.blocks, block{
			dev:   outer.dev || word == "group" && isForDevelopment(rest),
			maybe: outer.maybe || word != "group" && word != "source",
		})
	}
	return nil
}

func opensBlock(text string) bool {
	text, _, _ = strings.Cut(text, " #")
	text = strings.TrimSpace(text)
	return strings.HasSuffix(text, " do") || strings.HasSuffix(text, "|") && strings.Contains(text, " do ")
}

func (m *wishes) gem(number int, rest string, outer block) error {
	texts, options := arguments(rest)
	if len(texts) == 0 {
		m.asks.More = true // a name that a program works out
		return nil
	}
	p := named(texts[0], "", "")
	switch {
	case p.Name == "" || outer.dev || isForDevelopment(options) || strings.Contains(options, "path:") || strings.Contains(options, ":path"):
		return nil
	case len(m.asks.Names)+len(m.asks.Maybe) == maxPackages:
		return ecosystem.Limit("more than %d gems", maxPackages)
	case outer.maybe || strings.Contains(options, "platform"):
		m.asks.Maybe = append(m.asks.Maybe, p.Name)
	default:
		m.asks.Names = append(m.asks.Names, p.Name)
	}
	if len(texts) == 2 {
		version := strings.TrimSpace(strings.TrimPrefix(texts[1], "="))
		if p = named(texts[0], version, ""); p.Name != "" && version != "" && strings.Trim(version, "0123456789.abcdefghijklmnopqrstuvwxyz") == "" {
			p.Line, p.Declared = number, true
			m.found.Packages = append(m.found.Packages, p)
		}
	}
	return nil
}

// arguments are the strings at the beginning of a call, and what follows them.
func arguments(s string) (texts []string, options string) {
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" || s[0] != '"' && s[0] != '\'' {
			return texts, s
		}
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return texts, ""
		}
		texts = append(texts, s[1:end+1])
		s = s[end+2:]
	}
}
