package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// fingerprintForm is hashed first, so that another way of hashing could never give the same value.
const fingerprintForm = "plimsoll/fingerprint/1"

// Fingerprint names what a finding is about, so that the same thing is known again in the next build,
// the next scan and another image: 32 hex digits of a hash over kind, rule, subject, package and paths.
//
// What changes without the thing changing stays out: tags, digests, layers, lines, the time, severity,
// the package's version (also where it stands in a path, as in lib/x-1.2.jar) and the qualifiers of its
// purl that speak of a version or a platform. Purl is the package's with its version; empty when the
// finding has no package. Testdata holds pairs that must and must not be equal.
func Fingerprint(f Finding, purl string) string {
	h := sha256.New()
	var buf []byte
	add := func(field string) { // with its length before it: no two lists of fields read the same
		buf = binary.AppendUvarint(buf[:0], uint64(len(field)))
		h.Write(append(buf, field...))
	}
	name, version := splitVersion(purl)
	for _, field := range []string{fingerprintForm, string(f.Kind), ruleFamily(f.Rule), name} {
		add(field)
	}
	s := Subject{}
	if f.Subject != nil {
		s = *f.Subject
	}
	group, _, grouped := strings.Cut(s.APIVersion, "/")
	if !grouped {
		group = "" // "v1" is a version of the core group
	}
	for _, field := range []string{s.Cluster, group, s.Kind, s.Namespace, s.Name, s.Container, named(s)} {
		add(field)
	}
	for _, p := range paths(f.Locations, version) {
		add(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// named is the field of a subject without the number of its container, which has a name: another container
// before it makes no other finding.
func named(s Subject) string {
	if s.Container == "" {
		return s.Field
	}
	for _, list := range []string{"containers[", "initContainers[", "ephemeralContainers["} {
		before, rest, ok := strings.Cut(s.Field, "."+list)
		if number, after, closed := strings.Cut(rest, "]"); ok && closed && strings.Trim(number, "0123456789") == "" {
			return before + "." + list + "]" + after
		}
	}
	return s.Field
}

// ruleFamily is a rule without the version that a library of rules may give it ("x/rule@3"), in one case.
func ruleFamily(rule string) string {
	family, _, _ := strings.Cut(rule, "@")
	return strings.ToLower(family)
}

// paths are the distinct places of a finding, sorted.
func paths(locations []Location, version string) []string {
	var all []string
	for _, l := range locations {
		p := l.Path
		if l.Inner != "" {
			p += "!/" + l.Inner
		}
		all = append(all, withoutVersion(p, version))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// changing are the qualifiers of a purl that say which version or platform of the same package it is.
var changing = []string{"arch", "checksum", "distro", "download_url", "epoch", "rpmmod", "source", "source_version", "upstream", "vcs_url"}

// splitVersion parts a purl (package-url/purl-spec) into what names the package and its version,
// decoded. The purl is one that Plimsoll composed: only separators stand unescaped.
func splitVersion(purl string) (name, version string) {
	rest, subpath, _ := strings.Cut(purl, "#")
	rest, qualifiers, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at > strings.LastIndexByte(rest, '/') {
		rest, version = rest[:at], rest[at+1:]
	}
	if v, err := url.PathUnescape(version); err == nil {
		version = v
	}
	var kept []string
	for q := range strings.SplitSeq(qualifiers, "&") {
		key, _, _ := strings.Cut(q, "=")
		if q != "" && !slices.Contains(changing, key) {
			kept = append(kept, q)
		}
	}
	slices.Sort(kept)
	return rest + "?" + strings.Join(kept, "&") + "#" + subpath, version
}

// withoutVersion puts "*" wherever the version stands in a path as a word of its own.
func withoutVersion(path, version string) string {
	if version == "" || !strings.Contains(path, version) {
		return path
	}
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(path[from:], version)
		if i < 0 {
			b.WriteString(path[from:])
			return b.String()
		}
		i += from
		end := i + len(version)
		b.WriteString(path[from:i])
		if i > 0 && isWord(path[i-1]) || end < len(path) && isWord(path[end]) {
			b.WriteString(version)
		} else {
			b.WriteByte('*')
		}
		from = end
	}
}

// isWord says whether a byte beside a version makes it part of a longer word or number; "v1.2" is 1.2.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' && c != 'v' || 'A' <= c && c <= 'Z'
}
