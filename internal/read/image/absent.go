package image

import (
	"fmt"
	"io/fs"
)

// An absence is an image that an index lists, and of which a part is not in the store.
type absence struct {
	Descriptor
	why error
}

func (r *resolver) lose(l leaf, why error) {
	r.absent = append(r.absent, absence{l.Descriptor, why})
}

// absentFor tells a user who asked for a platform that the index knows it, but its image is not here.
func (r *resolver) absentFor(option string, otherwise error) error {
	want, err := ParsePlatform(option)
	if err != nil {
		return otherwise
	}
	for _, d := range r.absent {
		if d.Platform != nil && d.Platform.Matches(want) {
			return fmt.Errorf("the index lists %s, but its manifest %s is missing: %w", d.Platform, d.Digest, fs.ErrNotExist)
		}
	}
	return otherwise
}

func (r *resolver) absentPlatforms() (gaps []Gap) {
	for _, a := range r.absent {
		what := "manifest " + a.Digest
		if a.Platform != nil {
			what = a.Platform.String() + ", " + what
		}
		gaps = append(gaps, Gap{Class: "platform-missing", What: fmt.Sprintf("%s, is listed by the index and not whole here: %v", what, a.why)})
	}
	return gaps
}

// DropForeign takes out layers, by index in rising order, whose bytes lie at addresses that only the
// manifest gives, and tells of them as gaps: nobody should make a scanner visit an address.
func (i *Image) DropForeign(absent []int) {
	for n := len(absent) - 1; n >= 0; n-- {
		at := absent[n]
		i.Layers = append(i.Layers[:at], i.Layers[at+1:]...)
	}
	for _, at := range absent {
		i.Gaps = append(i.Gaps, Gap{
			Class: "foreign-layer",
			What:  fmt.Sprintf("layer %d (%s) is not distributed with the image, and its addresses are not visited", at, i.Config.DiffIDs[at]),
		})
	}
}
