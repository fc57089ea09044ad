package dockerfile

import "strings"

// reference is the name of an image, in its parts.
type reference struct {
	name   string // as written, without tag and digest
	host   string // of the registry: docker.io when none is written
	path   string // in the registry: library/debian for debian
	tag    string
	digest string
}

// parseReference takes a name apart as Docker does; false when it is none.
func parseReference(s string) (r reference, ok bool) {
	s, r.digest, _ = strings.Cut(s, "@")
	if at := strings.LastIndex(s, ":"); at > strings.LastIndex(s, "/") {
		s, r.tag = s[:at], s[at+1:]
	}
	if s == "" || strings.ContainsAny(s, " \t$\\\"'{}<>") || r.tag == "" && strings.HasSuffix(s, ":") {
		return r, false
	}
	r.name = s
	host, path, cut := strings.Cut(s, "/")
	switch {
	case cut && (strings.ContainsAny(host, ".:") || host == "localhost"):
		r.host, r.path = strings.ToLower(host), path
	case cut:
		r.host, r.path = "docker.io", s
	default:
		r.host, r.path = "docker.io", "library/"+s
	}
	if r.host == "index.docker.io" {
		r.host = "docker.io"
	}
	if r.host == "docker.io" && !strings.Contains(r.path, "/") {
		r.path = "library/" + r.path
	}
	return r, true
}

// validName says whether a registry takes the name of an image: lower case, and no part empty.
func validName(s string) bool {
	r, ok := parseReference(s)
	if !ok || r.path != strings.ToLower(r.path) || r.path == "" {
		return false
	}
	if strings.HasSuffix(strings.SplitN(s, "@", 2)[0], ":") {
		return false
	}
	if r.tag != "" && !isAlnum(r.tag[0]|0x20) && r.tag[0] != '_' { // |0x20: capitals, too
		return false
	}
	for part := range strings.SplitSeq(r.path, "/") {
		if part == "" || !isAlnum(part[0]) || !isAlnum(part[len(part)-1]) {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
