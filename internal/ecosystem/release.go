package ecosystem

import "strings"

// Release is a distribution as the image names it in os-release(5).
type Release struct {
	ID       string // debian, alpine, almalinux …
	Version  string // VERSION_ID
	Codename string // VERSION_CODENAME
	Name     string // PRETTY_NAME
	Like     string // ID_LIKE; for the eye only, never to choose advisories
}

// Major is the version up to its first dot.
func (r Release) Major() string {
	major, _, _ := strings.Cut(r.Version, ".")
	return major
}

// Minor is the version up to its second dot: 3.19 of 3.19.1.
func (r Release) Minor() string {
	major, rest, ok := strings.Cut(r.Version, ".")
	if !ok {
		return major
	}
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}
