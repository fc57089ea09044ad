package maven

import (
	"bytes"
	"strings"
)

// parseProperties reads a pom.properties: Java's properties format, of which Maven writes only
// KEY=VALUE lines and comments.
func parseProperties(text []byte) coordinates {
	var c coordinates
	for line := range bytes.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if !ok || key == "" || key[0] == '#' || key[0] == '!' {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.Contains(value, "${") || len(value) > 256 {
			value = ""
		}
		switch strings.TrimSpace(key) {
		case "groupId":
			c.group = value
		case "artifactId":
			c.artifact = value
		case "version":
			c.version = value
		}
	}
	return c
}

// manifest is the main section of a MANIFEST.MF.
type manifest map[string]string

// parseManifest reads the main section (JAR File Specification, "JAR Manifest"): up to the first
// empty line; a line that begins with a space continues the one before.
func parseManifest(text []byte) manifest {
	m := manifest{}
	var key string
	var value []byte
	flush := func() {
		if isIdentity(key) {
			m[key] = strings.TrimSpace(string(value))
		}
		key = ""
	}
	for len(text) > 0 {
		var line []byte
		line, text = cutLine(text)
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' {
			value = append(value, line[1:]...)
			continue
		}
		flush()
		k, v, ok := bytes.Cut(line, []byte(":"))
		if ok {
			key, value = string(bytes.TrimSpace(k)), bytes.Clone(bytes.TrimPrefix(v, []byte(" ")))
		}
	}
	flush()
	return m
}

// cutLine cuts at the line's end: CR LF, LF or CR.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil
	}
	if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
		return b[:i], b[i+2:]
	}
	return b[:i], b[i+1:]
}

// isIdentity keeps the keys that tell which artifact an archive is; others can be very long.
func isIdentity(key string) bool {
	switch key {
	case "Implementation-Version", "Implementation-Vendor-Id", "Bundle-SymbolicName", "Bundle-Version":
		return true
	}
	return false
}

// symbolicName is the bundle's name without directives ("org.x.y;singleton:=true").
func (m manifest) symbolicName() string {
	name, _, _ := strings.Cut(m["Bundle-SymbolicName"], ";")
	return strings.TrimSpace(name)
}

// splitName parts a file name without extension into artifact and version: at the first hyphen or
// underscore before a digit behind which no other version begins (log4j-1.2-api-2.14.1 is
// log4j-1.2-api and 2.14.1).
func splitName(stem string) (artifact, version string) {
	for i := 1; i+1 < len(stem); i++ {
		if (stem[i] == '-' || stem[i] == '_') && isDigit(stem[i+1]) && isVersionTail(stem[i+1:]) {
			return stem[:i], stem[i+1:]
		}
	}
	return stem, ""
}

// isVersionTail says whether a text is one version and its qualifiers. A later part with dots begins
// another version, unless it is the time of a snapshot (1.0-20240102.030405-1).
func isVersionTail(s string) bool {
	if len(s) > 128 {
		return false
	}
	for i, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' }) {
		if dot := strings.IndexByte(part, '.'); i > 0 && isDigit(part[0]) && dot >= 0 && dot != len("20240102") {
			return false
		}
	}
	return true
}

// plainVersion keeps what can be a version: it begins with a digit, perhaps after a v, and has no space.
func plainVersion(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "v")
	if s == "" || !isDigit(s[0]) || len(s) > 128 || strings.ContainsAny(s, " \t${}") {
		return ""
	}
	return s
}

// isGroup says whether a text has the form of a reversed domain name.
func isGroup(s string) bool {
	if !strings.Contains(s, ".") || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
