package gem

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// spec is what a specification says, as literals.
type spec struct {
	name, version, platform string
	stub                    []string // NAME VERSION PLATFORM, which RubyGems writes in a comment for itself
	licenses, depends       []string
}

// readSpecification reads one .gemspec file. What RubyGems wrote but is not there in literals (Debian's
// packages rewrite a few) is taken from its comment, and at last from the name of the file.
func readSpecification(f *ecosystem.File, kind kind) (ecosystem.Found, error) {
	var s spec
	if err := eachLine(f.Reader, s.line); err != nil {
		return ecosystem.Found{}, err
	}
	heuristic := false
	stem := strings.TrimSuffix(f.Base(), ".gemspec")
	switch {
	case kind == checkout:
		if s.name == "" {
			s.name = stem
		}
	case s.name == "" || s.version == "":
		if len(s.stub) >= 3 {
			s.name, s.version, s.platform = s.stub[0], s.stub[1], s.stub[2]
		} else {
			s.name, s.version, s.platform = splitFull(stem)
			heuristic = true
		}
	}
	p := named(s.name, s.version, s.platform)
	if p.Name == "" || p.Version == "" && kind != checkout {
		return ecosystem.Found{}, nil
	}
	slices.Sort(s.depends)
	p.Licenses, p.Depends, p.Heuristic = s.licenses, slices.Compact(s.depends), heuristic
	return ecosystem.Found{Packages: []ecosystem.Package{p}}, nil
}

func (s *spec) line(_ int, line string) error {
	text := strings.TrimSpace(line)
	if stub, ok := strings.CutPrefix(text, "# stub: "); ok && s.stub == nil {
		s.stub = strings.Fields(stub)
		return nil
	}
	_, call, ok := strings.Cut(text, ".") // "s.name = …", whatever the author called s
	if !ok || text[0] == '#' {
		return nil
	}
	end := strings.IndexAny(call, " =(")
	if end < 0 {
		return nil
	}
	field, value := call[:end], call[end:]
	switch field {
	case "name":
		s.name = or(s.name, literal(value))
	case "version":
		s.version = or(s.version, literal(value))
	case "platform":
		s.platform = or(s.platform, literal(value))
	case "license", "licenses":
		if len(s.licenses) == 0 {
			s.licenses = literals(value)
		}
	case "add_runtime_dependency", "add_dependency":
		if names := literals(value); len(names) > 0 && len(s.depends) < maxDepends && named(names[0], "", "").Name != "" {
			s.depends = append(s.depends, names[0])
		}
	}
	return nil
}

func or(old, more string) string {
	if old != "" {
		return old
	}
	return more
}

// literal is the value of an assignment of one string and nothing else, "" for anything computed.
func literal(value string) string {
	value, ok := strings.CutPrefix(strings.TrimSpace(value), "=")
	if value = strings.TrimSpace(value); !ok || value == "" {
		return ""
	}
	text, rest, ok := cutString(value)
	if rest = strings.TrimSpace(strings.TrimPrefix(rest, ".freeze")); !ok || rest != "" && rest[0] != '#' {
		return ""
	}
	return text
}

// literals are the strings in a value, up to 20.
func literals(value string) (all []string) {
	for len(all) < 20 {
		i := strings.IndexAny(value, `"'%`)
		if i < 0 {
			break
		}
		text, rest, ok := cutString(value[i:])
		if !ok {
			value = value[i+1:]
			continue
		}
		all, value = append(all, text), rest
	}
	return all
}

// cutString cuts "…", '…', %q<…> or the like from the front. Interpolation makes it no literal.
func cutString(s string) (text, rest string, ok bool) {
	closer := s[0]
	body := s[1:]
	if s[0] == '%' {
		if len(s) < 3 || s[1] != 'q' && s[1] != 'Q' {
			return "", s, false
		}
		i := strings.IndexByte("<([{", s[2])
		if i < 0 {
			return "", s, false
		}
		closer, body = ">)]}"[i], s[3:]
	} else if s[0] != '"' && s[0] != '\'' {
		return "", s, false
	}
	end := strings.IndexByte(body, closer)
	if end < 0 || strings.ContainsAny(body[:end], `\`) || strings.Contains(body[:end], "#{") {
		return "", s, false
	}
	return body[:end], body[end+1:], true
}

// splitFull parts NAME-VERSION-PLATFORM as file names have it: the version begins behind the first hyphen
// that a digit follows, since few names have such a place.
func splitFull(stem string) (name, version, platform string) {
	for i := 1; i+1 < len(stem); i++ {
		if stem[i] == '-' && stem[i+1] >= '0' && stem[i+1] <= '9' {
			version, platform, _ = strings.Cut(stem[i+1:], "-")
			return stem[:i], version, platform
		}
	}
	return "", "", ""
}
