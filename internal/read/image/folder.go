package image

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// FolderLayer is a layer that an engine keeps as an upper folder of overlayfs. Its error is that of
// opening the folder, which often only root may.
func FolderLayer(path, diffID string) (Layer, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return Layer{}, err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return Layer{}, err
	}
	identity := FileIdentity(info)
	if identity != "" {
		identity += ",folder=" + path
	}
	return Layer{DiffID: diffID, Folder: &layer.Folder{Path: path, Overlay: true}, Identity: identity}, nil
}

// OverlayRedirects says whether the kernel lets overlayfs leave marks in place of renamed folders or
// changed metadata. A layer's folder is then not the layer: only a mount understands it.
func OverlayRedirects() bool {
	for _, name := range []string{"redirect_dir", "metacopy"} {
		b, _ := os.ReadFile("/sys/module/overlay/parameters/" + name)
		if strings.HasPrefix(string(b), "Y") {
			return true
		}
	}
	return false
}

// ChainIDs names each layer together with those below it (OCI image specification, config.md "Layer
// ChainID"), bottom first.
func ChainIDs(diffIDs []string) []string {
	chain := make([]string, len(diffIDs))
	for i, id := range diffIDs {
		if chain[i] = id; i > 0 {
			sum := sha256.Sum256([]byte(chain[i-1] + " " + id))
			chain[i] = "sha256:" + hex.EncodeToString(sum[:])
		}
	}
	return chain
}
