package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// saved is one image in the manifest.json of an archive (moby, image/spec/v1.2.md "Combined Image
// JSON + Filesystem Changeset Format").
type saved struct {
	Config       string
	RepoTags     []string
	Layers       []string
	LayerSources map[string]image.Descriptor // by diff ID, for layers that are not distributed
}

func dockerCandidates(t tree) ([]candidate, error) {
	f, err := t.find("manifest.json")
	if err != nil {
		return nil, err
	}
	b, err := f.readAll()
	if err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	var all []saved
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("parse manifest.json: %w", err)
	}
	const most = 1000
	if len(all) > most {
		return nil, fmt.Errorf("manifest.json lists %d images, at most %d are read", len(all), most)
	}
	var list []candidate
	for _, s := range all {
		c := candidate{
			names: s.RepoTags, digests: []string{configDigest(s.Config)},
			open: func(_ context.Context, o image.Options) ([]*image.Image, error) { return s.open(t, o) },
		}
		if c.digests[0] == "" {
			c.digests[0] = "the image of " + s.Config
		}
		list = append(list, c)
	}
	return join(list), nil
}

// configDigest is the digest that the name of a configuration file claims: HEX.json, sha256:HEX or
// blobs/sha256/HEX. It is empty for other names.
func configDigest(name string) string {
	hex := strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".json"), "sha256:")
	if digest := "sha256:" + hex; image.CheckDigest(digest) == nil {
		return digest
	}
	return ""
}

func (s saved) open(t tree, o image.Options) ([]*image.Image, error) {
	img, err := s.configured(t)
	if err != nil {
		return nil, err
	}
	if err := fits(img.Config.Platform(), o.Platform); err != nil {
		return nil, err
	}
	if len(s.Layers) != len(img.Config.DiffIDs) {
		return nil, fmt.Errorf("manifest.json lists %d layers, the image configuration %d", len(s.Layers), len(img.Config.DiffIDs))
	}
	img.Layers = make([]image.Layer, len(s.Layers))
	var absent []int
	for i, name := range s.Layers {
		diffID := img.Config.DiffIDs[i]
		if err := image.CheckDigest(diffID); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		f, err := t.find(name)
		if errors.Is(err, fs.ErrNotExist) {
			if s.LayerSources[diffID].IsForeign() {
				absent = append(absent, i)
				continue
			}
			err = fmt.Errorf("%.200q (%s) is missing: %w", name, diffID, fs.ErrNotExist)
		}
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		l := lay(f)
		l.DiffID = diffID
		if strings.HasPrefix(layer.Clean(name), "blobs/sha256/") {
			l.Digest = configDigest(name)
		}
		img.Layers[i] = l
	}
	img.Attribute()
	img.DropForeign(absent)
	return []*image.Image{img}, nil
}

// configured is the image without its layers.
func (s saved) configured(t tree) (*image.Image, error) {
	f, err := t.find(s.Config)
	if err != nil {
		return nil, fmt.Errorf("image configuration: %w", err)
	}
	b, err := f.readAll()
	if err != nil {
		return nil, fmt.Errorf("image configuration: %w", err)
	}
	if claimed := configDigest(s.Config); claimed != "" {
		if err := image.VerifyDigest(b, claimed); err != nil {
			return nil, fmt.Errorf("image configuration: %w", err)
		}
	}
	c, err := image.ParseConfig(b)
	if err != nil {
		return nil, err
	}
	return &image.Image{Digest: image.DigestOf(b), Platform: c.Platform().String(), Config: c}, nil
}

// fits holds the one platform of an image against the one that was asked for.
func fits(has image.Platform, option string) error {
	if option == "" || option == "all" {
		return nil
	}
	want, err := image.ParsePlatform(option)
	if err != nil {
		return err
	}
	if !has.Matches(want) {
		return fmt.Errorf("the image is for %s, not for %s", has, want)
	}
	return nil
}

// lay makes a layer of a file.
func lay(f file) image.Layer {
	return image.Layer{
		Size: f.size, Identity: f.identity,
		Open: func(context.Context) (layer.Blob, error) { return f.open() },
	}
}
