package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Store is a place that keeps blobs under their digests: an OCI layout, a content store, a registry.
type Store interface {
	// Has says whether a blob is there. A store that would have to ask far away says yes.
	Has(d Descriptor) bool
	// Document returns a manifest, an index or a configuration; an error that wraps fs.ErrNotExist
	// where it is missing. The caller holds it against its digest.
	Document(ctx context.Context, d Descriptor) ([]byte, error)
	// Layer fills in how the bytes of a layer are had: Open, Identity and Trusted. Its error wraps
	// fs.ErrNotExist where the layer is missing.
	Layer(d Descriptor) (Layer, error)
}

// Unpacker is a Store that may have layers unpacked, too.
type Unpacker interface {
	// Unpacked gives the layers with these diff IDs, bottom first, as folders: all of them or none.
	Unpacked(diffIDs []string) ([]Layer, bool)
}

// Bounds of one resolution. No honest index comes near them.
const (
	maxIndexDepth = 4
	maxImages     = 512
	maxVisits     = 20_000   // descriptors, where indexes list the same ones again and again
	maxDocuments  = 64 << 20 // bytes of all manifests, indexes and configurations together
)

// Resolve follows descriptors, through nested indexes, to the images that a platform option asks
// for. Attestations and other artifacts are no images; the provenance among them can be asked of the
// image that it is about. Images come without a name, an origin and what closes them.
func Resolve(ctx context.Context, s Store, from []Descriptor, o Options) ([]*Image, error) {
	r := &resolver{store: s, documents: map[string][]byte{}, attestations: map[string][]Descriptor{}}
	if u, ok := s.(Unpacker); ok && !o.Verify {
		r.unpacked = u.Unpacked
	}
	for _, d := range from {
		if err := r.expand(ctx, leaf{Descriptor: d}, 0); err != nil {
			return nil, err
		}
	}
	chosen, err := r.choose(ctx, o)
	if err != nil {
		return nil, err
	}
	var images []*Image
	for _, l := range chosen {
		img, err := r.build(ctx, l)
		if o.Platform == "all" && errors.Is(err, fs.ErrNotExist) {
			r.lose(l, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	if len(images) == 0 {
		return nil, r.absent[0].why
	}
	if o.Platform == "all" {
		images[0].Gaps = append(images[0].Gaps, r.absentPlatforms()...)
	}
	return images, nil
}

// A leaf is a manifest of an image, with what the way to it said.
type leaf struct {
	Descriptor
	index       string // digest of the outermost index
	annotations map[string]string
}

type resolver struct {
	store     Store
	documents map[string][]byte
	bytes     int
	visits    int
	leaves    []leaf
	absent    []absence
	unpacked  func(diffIDs []string) ([]Layer, bool)

	attestations map[string][]Descriptor // by the digest of the manifest that they are about
}

// document returns a blob that holds what its digest says.
func (r *resolver) document(ctx context.Context, d Descriptor, what string) ([]byte, error) {
	if b, ok := r.documents[d.Digest]; ok {
		return b, nil
	}
	if err := checkDescriptor(d); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if d.Size > MaxManifest {
		return nil, fmt.Errorf("%w: %s %s of %d bytes, at most %d are read", layer.ErrLimit, what, d.Digest, d.Size, MaxManifest)
	}
	b, err := r.store.Document(ctx, d)
	if err != nil {
		return nil, missing(err, what, d.Digest)
	}
	if r.bytes += len(b); r.bytes > maxDocuments {
		return nil, fmt.Errorf("%w: manifests of more than %d bytes in one image", layer.ErrLimit, maxDocuments)
	}
	if err := VerifyDigest(b, d.Digest); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	r.documents[d.Digest] = b
	return b, nil
}

// VerifyDigest holds bytes against "sha256:HEX"; its error is layer.ErrDigest.
func VerifyDigest(b []byte, digest string) error {
	if got := DigestOf(b); got != digest {
		return fmt.Errorf("%w: %s is named, the bytes are %s", layer.ErrDigest, digest, got)
	}
	return nil
}

// DigestOf is the SHA-256 digest of b, "sha256:HEX".
func DigestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func checkDescriptor(d Descriptor) error {
	if d.Size < 0 {
		return fmt.Errorf("%s has a size of %d bytes", d.Digest, d.Size)
	}
	return CheckDigest(d.Digest)
}

func missing(err error, what, digest string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s %s is missing: %w", what, digest, fs.ErrNotExist)
	}
	return fmt.Errorf("read %s %s: %w", what, digest, err)
}

// expand gathers the leaves below a descriptor.
func (r *resolver) expand(ctx context.Context, l leaf, depth int) error {
	if !l.IsImage() {
		r.attest(l.Descriptor)
		return nil
	}
	if r.visits++; r.visits > maxVisits {
		return fmt.Errorf("%w: indexes that list more than %d manifests", layer.ErrLimit, maxVisits)
	}
	if depth > maxIndexDepth {
		return fmt.Errorf("%w: indexes nested deeper than %d", layer.ErrLimit, maxIndexDepth)
	}
	if err := checkDescriptor(l.Descriptor); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if !r.store.Has(l.Descriptor) {
		r.lose(l, missing(fs.ErrNotExist, "manifest", l.Digest))
		return nil
	}
	if isManifestType(l.MediaType) {
		return r.addLeaf(l)
	}
	b, err := r.document(ctx, l.Descriptor, "manifest")
	if err != nil {
		return err
	}
	m, err := ParseManifest(b)
	if err != nil {
		return err
	}
	if !m.IsIndex() {
		return r.addLeaf(l)
	}
	if l.index == "" {
		l.index = l.Digest
	}
	for _, d := range m.Manifests {
		sub := leaf{Descriptor: d, index: l.index, annotations: merge(l.annotations, m.Annotations)}
		if err := r.expand(ctx, sub, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func isManifestType(mediaType string) bool {
	return strings.Contains(mediaType, "image.manifest") || strings.Contains(mediaType, "distribution.manifest.v2")
}

func (r *resolver) addLeaf(l leaf) error {
	for _, have := range r.leaves {
		if have.Digest == l.Digest {
			return nil
		}
	}
	if len(r.leaves) == maxImages {
		return fmt.Errorf("%w: an index of more than %d images", layer.ErrLimit, maxImages)
	}
	r.leaves = append(r.leaves, l)
	return nil
}

// merge lays the later annotations over the earlier ones.
func merge(of ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range of {
		maps.Copy(all, m)
	}
	return all
}

// choose picks among the leaves. Where a choice is to be made, those whose index does not name their
// platform say it through their configuration.
func (r *resolver) choose(ctx context.Context, o Options) ([]leaf, error) {
	if len(r.leaves) == 0 && len(r.absent) > 0 {
		return nil, r.absent[0].why
	}
	named := o.Platform != "" && o.Platform != "all"
	if named || len(r.leaves) > 1 {
		if err := r.namePlatforms(ctx, o.Platform == "all"); err != nil {
			return nil, err
		}
	}
	byDigest, descriptors := map[string]leaf{}, []Descriptor{}
	for _, l := range r.leaves {
		byDigest[l.Digest] = l
		descriptors = append(descriptors, l.Descriptor)
	}
	picked, err := Choose(descriptors, o.Platform)
	if err != nil {
		return nil, r.absentFor(o.Platform, err)
	}
	var chosen []leaf
	for _, d := range picked {
		chosen = append(chosen, byDigest[d.Digest])
	}
	return chosen, nil
}

// namePlatforms completes the leaves, and drops those that turn out to be no images; when it is to pass
// over what is missing, also those that cannot be read for that.
func (r *resolver) namePlatforms(ctx context.Context, passing bool) error {
	kept := r.leaves[:0]
	var noImage error
	for _, l := range r.leaves {
		if l.Platform == nil {
			_, c, err := r.read(ctx, l)
			if notImage := (*notImageError)(nil); errors.As(err, &notImage) {
				noImage = err
				continue
			} else if passing && errors.Is(err, fs.ErrNotExist) {
				noImage = err
				r.lose(l, err)
				continue
			} else if err != nil {
				return err
			}
			p := c.Platform()
			l.Platform = &p
		}
		kept = append(kept, l)
	}
	if r.leaves = kept; len(kept) == 0 {
		return noImage
	}
	return nil
}

// notImageError says that a manifest holds something else than a container image.
type notImageError struct{ kind string }

func (e *notImageError) Error() string {
	return fmt.Sprintf("this is an OCI artifact (%s) and no container image", e.kind)
}

// read returns the manifest and configuration of a leaf.
func (r *resolver) read(ctx context.Context, l leaf) (m Manifest, c Config, err error) {
	b, err := r.document(ctx, l.Descriptor, "manifest")
	if err != nil {
		return m, c, err
	}
	if m, err = ParseManifest(b); err != nil {
		return m, c, err
	}
	if m.IsIndex() {
		return m, c, fmt.Errorf("manifest %s is an index, its descriptor says it is none", l.Digest)
	}
	switch m.Config.MediaType {
	case "", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json", "application/octet-stream":
	default:
		return m, c, &notImageError{kind: orElse(m.ArtifactType, m.Config.MediaType)}
	}
	if b, err = r.document(ctx, m.Config, "image configuration"); err != nil {
		return m, c, err
	}
	c, err = ParseConfig(b)
	c.OCI = m.Config.MediaType == "application/vnd.oci.image.config.v1+json"
	return m, c, err
}

func (r *resolver) build(ctx context.Context, l leaf) (*Image, error) {
	m, c, err := r.read(ctx, l)
	if err != nil {
		return nil, err
	}
	if len(c.DiffIDs) != len(m.Layers) {
		return nil, fmt.Errorf("manifest %s lists %d layers, its configuration %d", l.Digest, len(m.Layers), len(c.DiffIDs))
	}
	img := &Image{
		Digest: l.Digest, IndexDigest: l.index, Config: c,
		Annotations: merge(l.annotations, l.Annotations, m.Annotations), Layers: make([]Layer, len(m.Layers)),
	}
	img.Platform = c.Platform().String()
	if c.OS == "" && l.Platform != nil {
		img.Platform = l.Platform.String()
	}
	img.Materials = r.materials(l.Descriptor, c.Platform())
	absent, err := r.buildLayers(img, m.Layers)
	if err != nil {
		return nil, err
	}
	img.Attribute()
	img.DropForeign(absent)
	return img, nil
}

// buildLayers fills in the layers, and tells which of them are not distributed.
func (r *resolver) buildLayers(img *Image, from []Descriptor) (absent []int, err error) {
	if r.unpacked != nil {
		if layers, ok := r.unpacked(img.Config.DiffIDs); ok && len(layers) == len(from) {
			img.Layers = layers
			return nil, nil
		}
	}
	for i, d := range from {
		if err := r.buildLayer(img, i, d); d.IsForeign() && errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, i)
		} else if err != nil {
			return nil, err
		}
	}
	return absent, nil
}

func (r *resolver) buildLayer(img *Image, i int, d Descriptor) error {
	what := fmt.Sprintf("layer %d", i)
	if err := checkDescriptor(d); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := CheckDigest(img.Config.DiffIDs[i]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	l, err := r.store.Layer(d)
	if err != nil {
		return missing(err, what, d.Digest)
	}
	l.Digest, l.DiffID, l.Size = d.Digest, img.Config.DiffIDs[i], d.Size
	img.Layers[i] = l
	return nil
}
