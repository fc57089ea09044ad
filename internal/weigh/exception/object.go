package exception

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// imageWord is what an exception says of a container's image: a pattern of its repository, a digest, or both.
// Tags say nothing: who may push can move them.
type imageWord struct {
	repository glob
	any        bool // repository
	digest     string
}

// ImagePattern is a word for a container's image as a regular expression for the full repository, and a digest; either
// is empty where the word does not say it.
func ImagePattern(word string) (repository, digest string) {
	name, digest := imageParts(word)
	if name == "" {
		return "", digest
	}
	return Pattern(wholeName(name), true), digest
}

func imageParts(word string) (name, digest string) {
	if strings.HasPrefix(word, "sha256:") {
		return "", word
	}
	name, digest, _ = strings.Cut(word, "@")
	return name, digest
}

func compileImages(words []string) (all []imageWord) {
	for _, w := range words {
		name, digest := imageParts(w)
		all = append(all, imageWord{compileGlob(wholeName(name), true), name == "", digest})
	}
	return all
}

// wholeName writes the pattern of a repository with what Docker would fill in: docker.io/library/ before nginx.
func wholeName(pattern string) string {
	first, _, more := strings.Cut(pattern, "/")
	switch {
	case !more && pattern != "" && !strings.ContainsAny(pattern, "*?"):
		return "docker.io/library/" + pattern
	case more && !strings.ContainsAny(first, ".:*?") && first != "localhost":
		return "docker.io/" + pattern
	}
	return pattern
}

func (w *imageWord) match(r image.Reference) bool {
	return (w.any || w.repository.match(r.Name())) && (w.digest == "" || w.digest == r.Digest)
}

// aboutObject says whether a subject answers to what an exception says of Kubernetes objects.
func (e *entry) aboutObject(s *finding.Subject) bool {
	if len(e.Kinds)+len(e.namespaces)+len(e.names)+len(e.images) == 0 {
		return true
	}
	if s == nil || s.APIVersion == "" {
		return false
	}
	if len(e.Kinds) > 0 && !slices.ContainsFunc(e.Kinds, func(k string) bool { return strings.EqualFold(k, s.Kind) }) {
		return false
	}
	namespace := s.Namespace
	if s.Kind == "Namespace" && s.APIVersion == "v1" {
		namespace = s.Name // it is in itself
	}
	if len(e.namespaces) > 0 && !anyMatches(e.namespaces, namespace) || len(e.names) > 0 && !anyMatches(e.names, s.Name) {
		return false
	}
	if len(e.images) == 0 {
		return true
	}
	r, err := image.ParseReference(s.Image)
	return err == nil && slices.ContainsFunc(e.images, func(w imageWord) bool { return w.match(r) })
}
