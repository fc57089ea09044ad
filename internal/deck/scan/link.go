package scan

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// linked are the manifests of a source folder that links in it lead to, within it, and that are not read by their own names: kubectl
// reads them. Links that lead elsewhere are not followed, and told.
func (s *scan) linked(id string, img *image.Image, st *stack, docs []inventory.Document) (more []inventory.Document, gaps []finding.Gap) {
	if img.Origin != sourceFolder || !s.concerns(manifests) {
		return nil, nil
	}
	links := slices.DeleteFunc(slices.Clone(st.contents[0].Links), func(l inventory.Link) bool { return !kube.MayBe(l.Path) || s.renders.parts(l.Path) })
	if len(links) == 0 {
		return nil, nil
	}
	root, err := os.OpenRoot(img.Layers[0].Folder.Path)
	if err != nil {
		return nil, nil // it was read before
	}
	defer root.Close()
	var known []fs.FileInfo
	for _, d := range docs {
		if info, err := root.Stat(d.Path); err == nil {
			known = append(known, info)
		}
	}
	for _, l := range links {
		info, err := root.Stat(l.Path)
		var b []byte
		switch {
		case err == nil && !info.Mode().IsRegular():
			continue
		case err == nil && slices.ContainsFunc(known, func(one fs.FileInfo) bool { return os.SameFile(one, info) }):
			continue
		case err == nil:
			known = append(known, info)
			b, err = readLinked(root, l.Path)
		}
		d := inventory.Document{Path: l.Path, Bytes: b}
		switch {
		case err != nil || int64(len(b)) > mostLinked():
			// What is JSON may be anything.
			gaps = append(gaps, finding.Gap{
				Class: "unreadable-file", Blocking: path.Ext(l.Path) != ".json", Target: id, Path: l.Path, Count: 1,
				What: cmp.Or(tooLarge(b), "a link that leads nowhere, or out of the folder, where nothing is read"),
			})
		case isManifest(d):
			more = append(more, d)
		}
	}
	return more, gaps
}

// mostLinked is what is read of a manifest of a source folder, in bytes.
func mostLinked() int64 { return cmp.Or(manifests.most, inventory.MaxDocument) }

func tooLarge(b []byte) string {
	if int64(len(b)) > mostLinked() {
		return "a link that leads to a file that is too large"
	}
	return ""
}

func readLinked(root *os.Root, at string) ([]byte, error) {
	f, err := root.Open(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostLinked()+1))
}
