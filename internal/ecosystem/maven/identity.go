package maven

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/maven/zipdir"
)

// coordinates name an artifact; path is where in the archive they stand.
type coordinates struct {
	group, artifact, version string
	path                     string
}

func (c coordinates) pkg() ecosystem.Package {
	return ecosystem.Package{Type: "maven", Namespace: c.group, Name: c.artifact, Version: c.version}
}

// identify finds which artifact the archive is, and which others were merged into it.
func (s *scan) identify(d *zipdir.Directory, c contents, at place, holdsOthers bool) {
	poms := s.coordinates(d, c.poms, at)
	stem := at.file[:strings.LastIndexByte(at.file, '.')]
	own := ownPOM(poms, stem)
	var m manifest
	if own < 0 && c.manifest != nil {
		if text, err := s.small(d, c.manifest); err == nil {
			m = parseManifest(text)
		} else {
			s.note("unreadable-package", at.to(string(c.manifest.Name)), fmt.Sprintf("manifest not read: %v", err))
		}
	}
	if own < 0 && len(poms) == 1 && isLoneOwn(poms[0], stem, m) {
		own = 0
	}
	for i, pom := range poms {
		p := pom.pkg()
		p.Inner = at.to(pom.path)
		if i == own {
			p.Inner = at.inner
			p.Main = at.depth == 0 && holdsOthers
		}
		s.add(p)
	}
	if own < 0 && !strings.HasSuffix(at.file, ".jmod") {
		s.guess(d, stem, m, at, holdsOthers, len(poms) > 0)
	}
}

// guess makes a package of what manifest and file name tell.
func (s *scan) guess(d *zipdir.Directory, stem string, m manifest, at place, holdsOthers, hasPoms bool) {
	c := guessCoordinates(stem, m)
	if c.version == "" && (hasPoms || holdsOthers) {
		return // a container for others, with nothing to say of itself
	}
	p := c.pkg()
	p.Heuristic, p.Inner = true, at.inner
	p.Main = at.depth == 0 && holdsOthers
	if p.Namespace == "" {
		p.Digests = sha1Of(d.Archive())
	}
	s.add(p)
}

func (s *scan) add(p ecosystem.Package) {
	if p.Version == "" {
		s.found.Notes = append(s.found.Notes, ecosystem.Note{
			Class: "unknown-version", Path: p.Inner, What: fmt.Sprintf("Java archive %.200s does not tell its version", p.FullName()),
		})
	}
	s.found.Packages = append(s.found.Packages, p)
}

// costXML is how many bytes can be inflated in the time that one byte of XML takes.
const costXML = 20

// coordinates reads the poms of an archive: the pom.properties, and pom.xml where that is missing.
func (s *scan) coordinates(d *zipdir.Directory, poms []zipdir.Entry, at place) []coordinates {
	var list []coordinates
	seen := map[string]bool{}
	for _, base := range []string{"pom.properties", "pom.xml"} {
		for i := range poms {
			path := string(poms[i].Name)
			dir, ok := strings.CutSuffix(path, base)
			if !ok || seen[dir] {
				continue
			}
			if s.ctx.Err() != nil {
				return list
			}
			text, err := s.small(d, &poms[i])
			if err != nil {
				s.note("unreadable-package", at.to(path), fmt.Sprintf("%s not read: %v", base, err))
				continue
			}
			c := parseProperties(text)
			if base == "pom.xml" {
				if s.budget -= costXML * int64(len(text)); s.budget < 0 {
					s.note("limit-reached", at.to(path), "pom.xml not read: the archive holds too many of them")
					return list
				}
				c = projectCoordinates(text)
			}
			if c.artifact == "" {
				continue
			}
			c.path = path
			seen[dir] = true
			list = append(list, c)
		}
	}
	return list
}

// ownPOM is the index of the coordinates that match the file's name best, -1 when none does.
func ownPOM(poms []coordinates, stem string) int {
	best, own := 0, -1
	for i, c := range poms {
		if n := likeness(c, stem); n > best || n == best && n > 0 && len(c.artifact) > len(poms[own].artifact) {
			best, own = n, i
		}
	}
	return own
}

// likeness says how well a file name fits an artifact: 3 for artifact-version, 2 when a classifier
// follows or the version is missing, 1 when the version is another. The group may stand before it.
func likeness(c coordinates, stem string) int {
	best := stemLikeness(c, stem)
	for _, prefix := range []string{c.group + ".", c.group + "-"} {
		if rest, ok := strings.CutPrefix(stem, prefix); ok && c.group != "" {
			best = max(best, stemLikeness(c, rest))
		}
	}
	return best
}

func stemLikeness(c coordinates, stem string) int {
	rest, ok := strings.CutPrefix(stem, c.artifact)
	switch {
	case !ok:
		return 0
	case rest == "-"+c.version:
		return 3
	case rest == "" || c.version != "" && strings.HasPrefix(rest, "-"+c.version+"-"):
		return 2
	case len(rest) > 1 && (rest[0] == '-' || rest[0] == '_' || rest[0] == '.') && isDigit(rest[1]):
		return 1
	}
	return 0
}

// isLoneOwn says whether a lone pom.properties in a file of another name is the archive's own: so it
// is for an application renamed to app.jar, and not for a library that merged another one.
func isLoneOwn(c coordinates, stem string, m manifest) bool {
	if _, version := splitName(stem); version != "" {
		return false
	}
	symbolic := m.symbolicName()
	return symbolic == "" || strings.Contains(symbolic, c.artifact)
}

// guessCoordinates takes name and version from the file name when it has both, else from the manifest.
func guessCoordinates(stem string, m manifest) coordinates {
	var c coordinates
	c.artifact, c.version = splitName(stem)
	if c.version == "" {
		c.version = plainVersion(m["Implementation-Version"])
	}
	if c.version == "" {
		c.version = plainVersion(m["Bundle-Version"])
	}
	symbolic := m.symbolicName()
	if group, ok := strings.CutSuffix(symbolic, "."+c.artifact); ok {
		c.group = group
	}
	if id := m["Implementation-Vendor-Id"]; c.group == "" && isGroup(id) {
		c.group = id
	}
	if group := wellKnownGroup(c.artifact); group != "" {
		c.group = group
	}
	return c
}

//go:embed known.txt
var known string

// wellKnownGroup is the group of artifacts that are built without pom.properties and do not say it
// anywhere else: Spring, Tomcat, Kotlin and others.
func wellKnownGroup(artifact string) string {
	for line := range strings.Lines(known) {
		pattern, group, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || pattern == "#" {
			continue
		}
		if prefix, wild := strings.CutSuffix(pattern, "*"); pattern == artifact || wild && strings.HasPrefix(artifact, prefix) {
			return group
		}
	}
	return ""
}
