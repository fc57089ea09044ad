package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// inPlace makes an image of the folders in which an engine on this host keeps its layers. It fails
// when they cannot be read, or when they are not provably the image's: an engine's socket may lead to
// another machine.
func (e *Engine) inPlace(i inspected) (*image.Image, error) {
	if redirects() {
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

// redirects says whether the kernel lets overlayfs leave marks in place of renamed folders or changed
// metadata, which only a mount understands.
func redirects() bool {
	for _, name := range []string{"redirect_dir", "metacopy"} {
		b, _ := os.ReadFile("/sys/module/overlay/parameters/" + name)
		if strings.HasPrefix(string(b), "Y") {
			return true
		}
	}
	return false
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
	chain := ""
	for n, diffID := range img.Config.DiffIDs {
		chain = chainID(chain, diffID)
		cacheID, err := readFile(filepath.Join(records, "layerdb", "sha256", strings.TrimPrefix(chain, "sha256:"), "cache-id"))
		if err != nil {
			return nil, err
		}
		if want := filepath.Join(root, "overlay2", string(cacheID), "diff"); want != folders[n] {
			return nil, fmt.Errorf("layer %d lies in %s, not in %s", n, want, folders[n])
		}
		l, err := folderLayer(folders[n], diffID)
		if err != nil {
			return nil, err
		}
		img.Layers = append(img.Layers, l)
	}
	img.Attribute()
	return img, nil
}

// chainID names a layer together with those below it (OCI image specification, config.md "Layer
// ChainID").
func chainID(below, diffID string) string {
	if below == "" {
		return diffID
	}
	sum := sha256.Sum256([]byte(below + " " + diffID))
	return "sha256:" + hex.EncodeToString(sum[:])
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

func folderLayer(path, diffID string) (image.Layer, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return image.Layer{}, err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return image.Layer{}, err
	}
	identity := image.FileIdentity(info)
	if identity != "" {
		identity += ",folder=" + path
	}
	return image.Layer{DiffID: diffID, Folder: &layer.Folder{Path: path, Overlay: true}, Identity: identity}, nil
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
