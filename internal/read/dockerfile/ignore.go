package dockerfile

import (
	"bytes"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Ignore is a .dockerignore file: what of the folder that is built from the builder never sees.
type Ignore struct {
	Path    string
	matcher *patternmatcher.PatternMatcher
}

// maxPatterns bounds a .dockerignore. Each becomes a regular expression, which is held against each source.
const maxPatterns = 1000

// ParseIgnore reads a .dockerignore file.
func ParseIgnore(at string, source []byte) (*Ignore, error) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(source))
	if err != nil {
		return nil, &tree.Error{Path: at, What: err.Error()}
	}
	if len(patterns) > maxPatterns {
		return nil, &tree.Error{Path: at, What: "it has more lines than a person writes"}
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, &tree.Error{Path: at, What: err.Error()}
	}
	return &Ignore{Path: at, matcher: m}, nil
}

// Excepts says that the file takes some of what it keeps out back in, so that only the folder tells what is left.
func (g *Ignore) Excepts() bool { return g.matcher.Exclusions() }

// Covers says that a source of a COPY is kept out, as the builder warns of it: the folder itself only by a
// pattern that leaves nothing.
func (g *Ignore) Covers(source string) bool {
	source = strings.TrimPrefix(path.Clean(source), "/")
	if source == "." || source == "" {
		for _, p := range g.matcher.Patterns() {
			if s := p.String(); !p.Exclusion() && (s == "*" || s == "**" || s == "**/*") {
				return true
			}
		}
		return false
	}
	covered, err := g.matcher.MatchesOrParentMatches(source)
	return err == nil && covered
}
