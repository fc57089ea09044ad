package exception

import (
	"regexp"
	"strings"
)

// glob is a pattern of names with slashes: * and ? stay between slashes, ** does not. Unless it is exact, it
// also means all that lies below what it names.
type glob struct {
	literal string // the whole pattern, where it has no wildcards
	exact   bool
	re      *regexp.Regexp
}

func compileGlob(pattern string, exact bool) glob {
	pattern = strings.Trim(strings.TrimPrefix(pattern, "./"), "/")
	if !strings.ContainsAny(pattern, "*?") {
		return glob{literal: pattern, exact: exact}
	}
	return glob{re: regexp.MustCompile(formOf(pattern, exact))} // everything foreign in it is quoted
}

// Pattern is a pattern of an exception as a regular expression (RE2) for the whole name.
func Pattern(pattern string, exact bool) string {
	pattern = strings.Trim(strings.TrimPrefix(pattern, "./"), "/")
	if pattern == "" && !exact {
		return "(?s)^.*$"
	}
	return formOf(pattern, exact)
}

func formOf(pattern string, exact bool) string {
	var b strings.Builder
	b.WriteString("(?s)^")
	for i := 0; i < len(pattern); {
		switch rest := pattern[i:]; {
		case strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += len("**/")
		case strings.HasPrefix(rest, "**"):
			b.WriteString(".*")
			i += len("**")
		case rest[0] == '*':
			b.WriteString("[^/]*")
			i++
		case rest[0] == '?':
			b.WriteString("[^/]")
			i++
		default:
			end := strings.IndexAny(rest, "*?")
			if end < 0 {
				end = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:end]))
			i += end
		}
	}
	if exact {
		b.WriteString("$")
	} else {
		b.WriteString("(?:/.*)?$")
	}
	return b.String()
}

func (g *glob) match(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "./"), "/")
	if g.re != nil {
		return g.re.MatchString(name)
	}
	rest, ok := strings.CutPrefix(name, g.literal)
	return ok && (rest == "" || !g.exact && (rest[0] == '/' || g.literal == ""))
}

func compileGlobs(patterns []string, exact bool) []glob {
	var all []glob
	for _, p := range patterns {
		all = append(all, compileGlob(p, exact))
	}
	return all
}

// compileTargets are patterns of targets. One of nothing but "./" is a folder of that name, and not all there is.
func compileTargets(patterns []string) []glob {
	var all []glob
	for _, p := range patterns {
		all = append(all, compileGlob(p, strings.Trim(p, "./") == ""))
	}
	return all
}

// anyMatches says whether one of the patterns answers to the name.
func anyMatches(all []glob, name string) bool {
	for i := range all {
		if all[i].match(name) {
			return true
		}
	}
	return false
}
