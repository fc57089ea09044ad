package export

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

// A name of an image as read/image.ParseReference takes it.
const (
	hostForm       = `(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)`
	repositoryForm = `[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*`
	imageForm      = `^(?:` + hostForm + `/)?` + repositoryForm + `(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`
	// isHost is a beginning that names a registry: by a dot, a port, an upper-case letter or the name localhost.
	isHost = `^(?:[^/]*[.:A-Z][^/]*|localhost)/`
)

// whole is the full repository of an image, with its registry; empty of what names none. It is in a list, so that what
// follows can name it. The image is an optional value.
func whole(image string) string {
	image += `.orValue("")`
	return fmt.Sprintf(`[%[1]s.matches(%[2]q) ? %[1]s.split("@")[0] : ""]`, image, imageForm) +
		`.map(n, n.matches(":[^:/]*$") ? n.substring(0, n.lastIndexOf(":")) : n)` +
		fmt.Sprintf(`.map(n, n == "" || n.matches(%q) ? n : "docker.io/" + n)`, isHost) +
		`.map(n, n.matches("^(index|registry-1)[.]docker[.]io/") ? "docker.io/" + n.substring(n.indexOf("/") + 1) : n)` +
		`.map(n, n.matches("^docker[.]io/[^/]*$") ? "docker.io/library/" + n.substring(n.indexOf("/") + 1) : n)`
}

// The images of a container c and of a volume v, as optional values.
const ofContainer, ofVolume = `c.?image`, `v.?image.?reference`

// unlisted is a list of what is to blame for images that no list allows in the namespace: the containers that run them,
// and the pod that has volumes made of them.
func (e *exporter) unlisted() (string, error) {
	container, err := e.listed(ofContainer)
	if err != nil {
		return "", err
	}
	volume, err := e.listed(ofVolume)
	return fmt.Sprintf(`judged.filter(c, !%s%s).map(c, string(c.name)) + `, container, e.but(unlistedCard, true)) +
		fmt.Sprintf(`(!runs && volumes.exists(v, v.?image.?reference.orValue("") != "" && !%s%s) ? [%q] : [])`, volume, e.but(unlistedCard, false), thePod), err
}

// listed asks whether some list allows an image in the namespace.
func (e *exporter) listed(image string) (string, error) {
	parts := []string{"false"}
	for _, a := range e.File.Listed() {
		is, err := anyImage(image, a.Images)
		if err != nil {
			return "", fmt.Errorf("%s: allow: %w", e.File.Name, err)
		}
		if len(a.Namespaces) > 0 {
			is = admit.Within(a.Namespaces) + " && (" + is + ")"
		}
		parts = append(parts, is)
	}
	return fmt.Sprintf(`%s.exists(n, n != "" && (%s))`, whole(image), strings.Join(parts, " || ")), nil
}

// anyImage asks whether an image, of which n is the full repository, is as one of the patterns says.
func anyImage(image string, all []admissionfile.Image) (string, error) {
	var names []string
	byDigest := map[string][]string{}
	var digests []string
	for _, i := range all {
		pattern, digest, pinned := strings.Cut(string(i), "@")
		form, err := globForm(pattern)
		if err != nil {
			return "", fmt.Errorf("%q: %w", i, err)
		}
		if !pinned {
			names = append(names, form)
			continue
		}
		if byDigest[digest] == nil {
			digests = append(digests, digest)
		}
		byDigest[digest] = append(byDigest[digest], form)
	}
	var parts []string
	if len(names) > 0 {
		parts = append(parts, fmt.Sprintf("n.matches(%q)", "^(?:"+strings.Join(names, "|")+")$"))
	}
	for _, d := range digests {
		parts = append(parts, fmt.Sprintf(`%s.orValue("").endsWith(%q) && n.matches(%q)`, image, "@"+d, "^(?:"+strings.Join(byDigest[d], "|")+")$"))
	}
	return strings.Join(parts, " || "), nil
}

// globForm is a pattern, as path.Match takes it and with /** at its end, as a regular expression.
func globForm(pattern string) (string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return "", err
	}
	pattern, below := strings.CutSuffix(pattern, "/**")
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("[^/]")
		case '\\':
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case '[':
			end := i + 1 + strings.IndexByte(pattern[i+1:], ']')
			b.WriteString(strings.ReplaceAll(pattern[i:end+1], `[\^`, `[\^`))
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if below {
		b.WriteString("/.+")
	}
	return b.String(), nil
}
