package daemon

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// storage is the folder in which Podman, Buildah and CRI-O keep images (containers/storage with its
// overlay driver).
type storage struct{ root string }

type storedImage struct {
	ID     string
	Digest string
	Names  []string
	Layer  string // the top one
}

type storedLayer struct {
	ID, Parent string
	DiffDigest string `json:"diff-digest"`
}

// storages are where Podman keeps images: the user's own, then root's.
func storages(env func(string) string) []storage {
	var all []storage
	home, _ := os.UserHomeDir()
	data := env("XDG_DATA_HOME")
	if data == "" {
		data = filepath.Join(home, ".local", "share")
	}
	for _, root := range []string{filepath.Join(data, "containers", "storage"), "/var/lib/containers/storage"} {
		if _, err := os.Stat(filepath.Join(root, "overlay-images", "images.json")); err == nil {
			all = append(all, storage{root})
		}
	}
	return all
}

// OpenStorage makes an image of what Podman keeps on this host, without its service.
func OpenStorage(name string, o image.Options) ([]*image.Image, error) {
	if o.Verify {
		return nil, fmt.Errorf("verify image %q: Podman keeps it unpacked: start its service (podman system service), or pipe `podman save` into `plimsoll scan -`", name)
	}
	where := ""
	for _, s := range storages(os.Getenv) {
		where = s.root
		found, err := s.find(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		img, err := s.image(found.ID)
		if err != nil {
			return nil, fmt.Errorf("read image %q in %s: %w", name, s.root, err)
		}
		if err := fits(name, img.Config.Platform(), o.Platform); err != nil {
			return nil, err
		}
		img.Name = nameFor(name, inspected{ID: found.ID, RepoTags: found.Names})
		return []*image.Image{img}, nil
	}
	if where == "" {
		return nil, fmt.Errorf("find Podman: %w, and it keeps nothing", ErrAbsent)
	}
	return nil, &image.NotFoundError{Name: name, Where: where}
}

func (s storage) images() ([]storedImage, error) {
	b, err := readFile(filepath.Join(s.root, "overlay-images", "images.json"))
	if err != nil {
		return nil, err
	}
	var all []storedImage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("parse Podman's list of images: %w", err)
	}
	return all, nil
}

// find looks for a name as Podman does: as it stands, under localhost, and on Docker's registry; or
// for the beginning of an id.
func (s storage) find(name string) (storedImage, error) {
	all, err := s.images()
	if err != nil {
		return storedImage{}, err
	}
	wanted := []string{name, "localhost/" + name, "localhost/" + name + ":latest"}
	if r, err := image.ParseReference(name); err == nil {
		wanted = append(wanted, r.String())
	}
	for _, w := range wanted {
		for _, i := range all {
			if slices.Contains(i.Names, w) {
				return i, nil
			}
		}
	}
	id := strings.TrimPrefix(name, "sha256:")
	for _, i := range all {
		if len(id) >= 4 && strings.HasPrefix(i.ID, id) {
			return i, nil
		}
	}
	return storedImage{}, fs.ErrNotExist
}

// image reads the image with this id, HEX, from its layers' folders.
func (s storage) image(id string) (*image.Image, error) {
	digest := "sha256:" + id
	if err := image.CheckDigest(digest); err != nil {
		return nil, err
	}
	if !ownedByRoot(s.root) {
		return nil, errors.New("a user's storage may mark removed files in ways that only its mount understands")
	}
	all, err := s.images()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(i storedImage) bool { return i.ID == id })
	if at < 0 {
		return nil, fs.ErrNotExist
	}
	// What an image consists of lies under base64 of its name, because names may hold any character.
	config := "=" + base64.StdEncoding.EncodeToString([]byte(digest))
	b, err := readFile(filepath.Join(s.root, "overlay-images", id, config))
	if err != nil {
		return nil, err
	}
	img, err := configured(b, digest)
	if err != nil {
		return nil, err
	}
	img.Origin = "podman"
	if err := s.addLayers(img, all[at].Layer); err != nil {
		return nil, err
	}
	img.Attribute()
	return img, nil
}

func (s storage) addLayers(img *image.Image, top string) error {
	b, err := readFile(filepath.Join(s.root, "overlay-layers", "layers.json"))
	if err != nil {
		return err
	}
	var all []storedLayer
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("parse Podman's list of layers: %w", err)
	}
	byID := map[string]storedLayer{}
	for _, l := range all {
		byID[l.ID] = l
	}
	for n := len(img.Config.DiffIDs) - 1; n >= 0; n-- {
		l, ok := byID[top]
		if !ok || l.DiffDigest != img.Config.DiffIDs[n] {
			return fmt.Errorf("layer %d of the configuration, %s, is not among the stored ones", n, img.Config.DiffIDs[n])
		}
		if image.CheckDigest("sha256:"+l.ID) != nil {
			return fmt.Errorf("%.100q is no id of a layer", l.ID)
		}
		folder, err := image.FolderLayer(filepath.Join(s.root, "overlay", l.ID, "diff"), l.DiffDigest)
		if err != nil {
			return err
		}
		img.Layers = append(img.Layers, folder)
		top = l.Parent
	}
	if top != "" {
		return errors.New("more layers are stored than the configuration lists")
	}
	slices.Reverse(img.Layers)
	return nil
}
