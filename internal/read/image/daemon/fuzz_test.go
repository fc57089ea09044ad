package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// FuzzAnswers reads what an engine says of an image, and the records that it keeps. No folder is taken
// that does not lie in the storage's own.
func FuzzAnswers(f *testing.F) {
	config := `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("a", 64) + `"]}}`
	id := image.DigestOf([]byte(config))
	f.Add([]byte(`{"Id":"`+id+`","RepoTags":["a:1"],"GraphDriver":{"Name":"overlay2","Data":{"UpperDir":"ROOT/overlay2/x/diff","LowerDir":""}}}`), []byte(config), []byte("x"))
	f.Add([]byte(`{"Id":"`+id+`","GraphDriver":{"Name":"overlay","Data":{"UpperDir":"ROOT/overlay/x/diff","LowerDir":"a:b"}}}`), []byte(config), []byte("../../etc"))
	f.Add([]byte(`[{"id":"`+strings.Repeat("a", 64)+`","names":["a:1"],"layer":"x"}]`), []byte(`[{"id":"x","parent":"x","diff-digest":"sha256:aa"}]`), []byte(`tcp://h:1`))
	root := f.TempDir()
	records := filepath.Join(root, "image", "overlay2")
	f.Fuzz(func(t *testing.T, answer, config, word []byte) {
		_, _ = parseHost(string(word), "", "fuzz")
		_ = pathOf(string(word))
		put(t, filepath.Join(root, "overlay-images", "images.json"), answer)
		put(t, filepath.Join(root, "overlay-layers", "layers.json"), config)
		s := storage{root}
		if found, err := s.find(string(word)); err == nil {
			_, _ = s.image(found.ID)
		}
		var i inspected
		if json.Unmarshal([]byte(strings.ReplaceAll(string(answer), "ROOT", root)), &i) != nil {
			return
		}
		folders := i.GraphDriver.folders()
		if image.CheckDigest(i.ID) != nil || len(folders) == 0 {
			return
		}
		put(t, filepath.Join(records, "imagedb", "content", "sha256", i.ID[7:]), config)
		if c, err := image.ParseConfig(config); err == nil {
			for _, chain := range image.ChainIDs(c.DiffIDs) {
				if image.CheckDigest(chain) == nil {
					put(t, filepath.Join(records, "layerdb", "sha256", chain[7:], "cache-id"), word)
				}
			}
		}
		img, err := dockerImage(root, i.ID, folders)
		if err != nil {
			return
		}
		if img.Digest != i.ID || image.DigestOf(config) != i.ID {
			t.Errorf("the configuration is not that of %s", i.ID)
		}
	})
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
