package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint names a finding so that it is the same one tomorrow: it hashes the kind, the rule, the
// subject, the package without its version, and the paths inside the image. Tag, digest, uid, line and
// time of the scan are no part of it. Purl is the package's, with or without a version; empty when the
// finding is of no package.
func Fingerprint(f Finding, purl string) string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(p))
			h.Write([]byte{0})
		}
	}
	write(string(f.Kind), f.Rule, withoutVersion(purl))
	if s := f.Subject; s != nil {
		write(s.Cluster, s.APIVersion, s.Kind, s.Namespace, s.Name, s.Container, s.Field)
	}
	for _, l := range f.Locations {
		write(l.Path, l.Inner)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// withoutVersion drops the version and the distribution's release, which change with an upgrade, and
// keeps the rest: the version stands between the name's "@" and the qualifiers.
func withoutVersion(purl string) string {
	subpath, qualifiers := "", ""
	if i := strings.IndexByte(purl, '#'); i >= 0 {
		purl, subpath = purl[:i], purl[i:]
	}
	if i := strings.IndexByte(purl, '?'); i >= 0 {
		purl, qualifiers = purl[:i], purl[i+1:]
	}
	// A scope's "@" is written %40, so the last one is the version's.
	if i := strings.LastIndexByte(purl, '@'); i > strings.LastIndexByte(purl, '/') {
		purl = purl[:i]
	}
	var kept []string
	for _, q := range strings.Split(qualifiers, "&") {
		if key, _, _ := strings.Cut(q, "="); q != "" && key != "distro" && key != "epoch" {
			kept = append(kept, q)
		}
	}
	return purl + "?" + strings.Join(kept, "&") + subpath
}
