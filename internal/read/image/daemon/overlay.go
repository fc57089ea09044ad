package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// inPlace makes an image of the folders in which an engine on this host keeps its layers. It fails
// when they cannot be read, or when they are not provably the image's: an engine's socket may lead to
// another machine.
func (e *Engine) inPlace(i inspected) (*image.Image, error) {
	if image.OverlayRedirects() {
		return nil, errors.New("overlayfs redirects folders on this host: a layer's folder is not the layer")
	}
	folders := i.GraphDriver.folders()
	if len(folders) == 0 {
		return nil, errors.New("the engine names no folders")
	}
	if e.kind == "podman" {
		root, ok := storageRoot(folders[len(folders)-1], "overlay")
		if !ok {
			return nil, errors.New("the storage has another layout")
		}
		return storage{root}.image(strings.TrimPrefix(i.ID, "sha256:"))
	}
	root, ok := storageRoot(folders[len(folders)-1], "overlay2")
	if !ok {
		return nil, errors.New("the storage has another layout")
	}
	return dockerImage(root, i.ID, folders)
}

// folders lists the layers' folders, bottom first.
func (g graphDriver) folders() []string {
	upper := g.Data["UpperDir"]
	if upper == "" || g.Name != "overlay2" && g.Name != "overlay" {
		return nil
	}
	var all []string
	if lower := g.Data["LowerDir"]; lower != "" {
		all = strings.Split(lower, ":")
		slices.Reverse(all)
	}
	return append(all, upper)
}

// storageRoot is ROOT of ROOT/DRIVER/ID/diff.
func storageRoot(folder, driver string) (string, bool) {
	parent := filepath.Dir(filepath.Dir(folder))
	ok := filepath.Base(folder) == "diff" && filepath.Base(parent) == driver && filepath.IsAbs(folder)
	return filepath.Dir(parent), ok
}

// dockerImage reads Docker's records: the configuration by its digest, and for each chain of layers
// the folder that holds its top one.
func dockerImage(root, id string, folders []string) (*image.Image, error) {
	if err := image.CheckDigest(id); err != nil {
		return nil, err
	}
	records := filepath.Join(root, "image", "overlay2")
	b, err := readFile(filepath.Join(records, "imagedb", "content", "sha256", strings.TrimPrefix(id, "sha256:")))
	if err != nil {
		return nil, err
	}
	img, err := configured(b, id)
	if err != nil {
		return nil, err
	}
	if len(folders) != len(img.Config.DiffIDs) {
		return nil, fmt.Errorf("%d folders for %d layers", len(folders), len(img.Config.DiffIDs))
	}
	chain := image.ChainIDs(img.Config.DiffIDs)
	for n, diffID := range img.Config.DiffIDs {
		cacheID, err := readFile(filepath.Join(records, "layerdb", "sha256", strings.TrimPrefix(chain[n], "sha256:"), "cache-id"))
		if err != nil {
			return nil, err
		}
		if want := filepath.Join(root, "overlay2", string(cacheID), "diff"); want != folders[n] {
			return nil, fmt.Errorf("layer %d lies in %s, not in %s", n, want, folders[n])
		}
		l, err := image.FolderLayer(folders[n], diffID)
		if err != nil {
			return nil, err
		}
		img.Layers = append(img.Layers, l)
	}
	img.Attribute()
	return img, nil
}

// configured is the image of a configuration that has this digest, without layers.
func configured(b []byte, id string) (*image.Image, error) {
	if err := image.VerifyDigest(b, id); err != nil {
		return nil, err
	}
	c, err := image.ParseConfig(b)
	if err != nil {
		return nil, err
	}
	return &image.Image{Digest: id, Config: c, Platform: c.Platform().String()}, nil
}

// readFile reads one of an engine's records.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, image.MaxManifest+1))
	if err == nil && len(b) > image.MaxManifest {
		err = fmt.Errorf("%s has more than %d bytes", path, image.MaxManifest)
	}
	return b, err
}
