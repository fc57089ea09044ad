package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// layoutStore reads the blobs of an OCI layout (OCI image specification, image-layout.md).
type layoutStore struct{ tree tree }

func blobPath(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return "blobs/" + algorithm + "/" + hex
}

func (s layoutStore) Has(d image.Descriptor) bool {
	_, err := s.tree.find(blobPath(d.Digest))
	return err == nil
}

func (s layoutStore) Document(_ context.Context, d image.Descriptor) ([]byte, error) {
	f, err := s.tree.find(blobPath(d.Digest))
	if err != nil {
		return nil, err
	}
	return f.readAll()
}

func (s layoutStore) Layer(d image.Descriptor) (image.Layer, error) {
	f, err := s.tree.find(blobPath(d.Digest))
	if err != nil {
		return image.Layer{}, err
	}
	if d.Size != 0 && f.size != d.Size {
		return image.Layer{}, fmt.Errorf("it has %d bytes, the manifest says %d", f.size, d.Size)
	}
	return lay(f), nil
}

// layoutCandidates reads the index of a layout. Its entries are no platforms of one image, but the
// images that were put there; only those of one name, each for another platform, belong together.
// A digest that is wanted may also be one that only an index inside the layout lists.
func layoutCandidates(t tree, want string) ([]candidate, error) {
	index, err := readIndex(t)
	if err != nil {
		return nil, err
	}
	var groups []*group
	var attestations []image.Descriptor // of images that no index of their own lists
	for _, d := range index.Manifests {
		name := nameOf(d)
		if d.IsAttestation() {
			attestations = append(attestations, d)
		}
		if !d.IsImage() || signature().MatchString(name) {
			continue
		}
		groups = addTo(groups, name, d)
	}
	store := layoutStore{t}
	var list []candidate
	for _, g := range groups {
		list = append(list, g.candidate(store, attestations))
	}
	inner := image.Descriptor{Digest: want}
	if image.CheckDigest(want) == nil && store.Has(inner) && !slices.ContainsFunc(list, func(c candidate) bool { return c.answers(want) }) {
		list = append(list, (&group{entries: []image.Descriptor{inner}}).candidate(store, attestations))
	}
	return join(list), nil
}

func readIndex(t tree) (image.Manifest, error) {
	f, err := t.find("index.json")
	if err != nil {
		return image.Manifest{}, err
	}
	b, err := f.readAll()
	if err != nil {
		return image.Manifest{}, fmt.Errorf("index.json: %w", err)
	}
	var m image.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("parse index.json: %w", err)
	}
	const most = 10_000
	if len(m.Manifests) > most {
		return m, fmt.Errorf("index.json lists %d manifests, at most %d are read", len(m.Manifests), most)
	}
	for _, d := range m.Manifests {
		if err := image.CheckDigest(d.Digest); err != nil {
			return m, fmt.Errorf("index.json: %w", err)
		}
	}
	return m, nil
}

// nameOf is the name that whoever wrote the layout gave an image: containerd and Docker write it in
// full, others only a tag or what they were told.
func nameOf(d image.Descriptor) string {
	if name := d.Annotations["io.containerd.image.name"]; name != "" {
		return familiar(name)
	}
	return d.Annotations["org.opencontainers.image.ref.name"]
}

// signature knows the tags under which cosign keeps what belongs to an image.
var signature = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|:)sha256-[0-9a-f]{64}(\.(sig|att|sbom))?$`) })

// group is the entries of an index that are one image.
type group struct {
	name    string
	entries []image.Descriptor
}

// addTo puts an entry to those of its name, unless one of them is for the same platform: then nothing
// says which is meant, and each stands for itself.
func addTo(groups []*group, name string, d image.Descriptor) []*group {
	for _, g := range groups {
		switch {
		case g.name == name && g.has(d):
			return groups
		case g.name == name && g.takes(d):
			g.entries = append(g.entries, d)
			return groups
		}
	}
	return append(groups, &group{name: name, entries: []image.Descriptor{d}})
}

func (g *group) has(d image.Descriptor) bool {
	return slices.ContainsFunc(g.entries, func(e image.Descriptor) bool { return e.Digest == d.Digest })
}

func (g *group) takes(d image.Descriptor) bool {
	for _, e := range g.entries {
		if e.Platform == nil || d.Platform == nil || *e.Platform == *d.Platform {
			return false
		}
	}
	return true
}

func (g *group) candidate(s layoutStore, attestations []image.Descriptor) candidate {
	c := candidate{open: func(ctx context.Context, o image.Options) ([]*image.Image, error) {
		return image.Resolve(ctx, s, slices.Concat(g.entries, attestations), o)
	}}
	if g.name != "" {
		c.names = []string{g.name}
	}
	for _, d := range g.entries {
		c.digests = append(c.digests, d.Digest)
	}
	return c
}

// join makes one of candidates that are the same image under several names.
func join(list []candidate) []candidate {
	at := map[string]int{}
	var joined []candidate
	for _, c := range list {
		key := strings.Join(c.digests, " ")
		if i, ok := at[key]; ok {
			joined[i].names = append(joined[i].names, c.names...)
			continue
		}
		at[key] = len(joined)
		joined = append(joined, c)
	}
	return joined
}
