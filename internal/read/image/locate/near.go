package locate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Near is the word nearest to one that is wrong; "" when none is near.
func Near(word string, among []string) string {
	best, at := min(3, len(word)/2+1), "" // of short words fewer letters
	for _, w := range among {
		d := levenshtein.Distance(word, w, nil)
		if d == 2 && letters(word) == letters(w) {
			d = 1 // two of them changed places
		}
		if d < best {
			best, at = d, w
		}
	}
	return at
}

// letters are those of a word, in their order in the alphabet.
func letters(word string) string {
	all := []rune(word)
	slices.Sort(all)
	return string(all)
}

// near says which image of an engine may be meant, as it would be written: one whose name differs by a
// slip, else one of the same repository. It is empty when there is none, or the engine does not say.
func (e engine) near(ctx context.Context, name string, o image.Options) string {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if e.names == nil {
		return ""
	}
	all, err := e.names(short, o)
	if err != nil {
		return ""
	}
	var same []string
	wanted, err := image.ParseReference(name)
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "localhost/") // where Podman keeps what it built, and finds it without
		r, bad := image.ParseReference(all[i])
		if bad != nil || err != nil {
			continue
		}
		if all[i] = r.Familiar(); r.Name() == wanted.Name() {
			same = append(same, all[i])
		}
	}
	slices.Sort(all)
	if at := Near(familiar(name), all); at != "" {
		return string(e.scheme) + ":" + at
	}
	if len(same) > 0 {
		return string(e.scheme) + ":" + slices.Min(same)
	}
	return ""
}

func familiar(name string) string {
	if r, err := image.ParseReference(name); err == nil {
		return r.Familiar()
	}
	return name
}

// foreign are schemes of other tools, for what has another name here.
var foreign = map[string]Kind{
	"docker-archive": Archive, "oci-archive": Archive, "tar": Archive, "file": Archive, "oci-dir": OCI, "oci-layout": OCI, "docker-daemon": Docker,
	"containers-storage": Podman, "dir": Rootfs, "fs": Rootfs,
}

// meant is the word that somebody may have had in mind who wrote a scheme that there is not; "" when
// nothing looks like one.
func meant(word string) string {
	scheme, rest, ok := strings.Cut(word, ":")
	if !ok || rest == "" {
		return ""
	}
	if rest = strings.TrimPrefix(rest, "//"); scheme == "http" || scheme == "https" {
		return string(Registry) + ":" + rest
	}
	kind, known := foreign[scheme]
	if !known {
		var all []string
		for _, k := range Schemes() {
			all = append(all, string(k))
		}
		kind = Kind(Near(scheme, all))
	}
	if kind == "" {
		return ""
	}
	return string(kind) + ":" + rest
}

// orMeant adds what may have been meant to an error about a word.
func orMeant(err error, meant string) error {
	if err == nil || meant == "" {
		return err
	}
	return fmt.Errorf("%w; did you mean %s?", err, meant)
}
