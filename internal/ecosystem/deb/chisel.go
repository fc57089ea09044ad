package deb

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxManifest = 256 << 20 // bytes of a manifest, uncompressed
	maxWindow   = 64 << 20  // bytes that the decoder may remember
)

// manifestLine is one line of Chisel's manifest: zstd around one JSON object a line
// (https://documentation.ubuntu.com/chisel, "Chisel manifest").
type manifestLine struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Arch    string   `json:"arch"`
	Path    string   `json:"path"`
	Slices  []string `json:"slices"` // PACKAGE_SLICE
}

// readManifest reads packages and the files of their slices. The manifest names no source packages,
// under which advisories are filed: that gap is noted.
func readManifest(f *ecosystem.File) (ecosystem.Found, error) {
	z, err := zstd.NewReader(f.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read chisel's manifest: %w", err)
	}
	defer z.Close()
	in := &io.LimitedReader{R: z, N: maxManifest}
	found, err := parseManifest(in)
	if err == nil && in.N == 0 {
		err = ecosystem.Limit("more than %d bytes", maxManifest)
	}
	if err != nil {
		err = fmt.Errorf("read chisel's manifest: %w", err)
	}
	return found, err
}

func parseManifest(r io.Reader) (found ecosystem.Found, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxField)
	files := map[string]int{} // package → index in found.Owned
	for lines.Scan() {
		var l manifestLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return found, err
		}
		switch {
		case l.Kind == "package" && l.Name != "":
			found.Packages = append(found.Packages, ecosystem.Package{Type: "deb", Name: l.Name, Version: l.Version, Arch: l.Arch})
		case l.Kind == "path" && !strings.HasSuffix(l.Path, "/"):
			own(&found, files, &l)
		}
		if len(found.Packages) > maxPackages {
			return found, ecosystem.Limit("more than %d packages", maxPackages)
		}
	}
	if len(found.Packages) > 0 {
		found.Notes = append(found.Notes, ecosystem.Note{
			Class: "unknown-source", Blocking: true,
			What: "chisel's manifest does not say from which sources its packages were built: advisories find only packages that are named as their source",
		})
	}
	return found, lines.Err()
}

func own(found *ecosystem.Found, files map[string]int, l *manifestLine) {
	for _, slice := range l.Slices {
		name, _, _ := strings.Cut(slice, "_")
		i, ok := files[name]
		if !ok {
			i = len(found.Owned)
			files[name] = i
			found.Owned = append(found.Owned, ecosystem.Owned{Package: name})
		}
		found.Owned[i].Paths = append(found.Owned[i].Paths, strings.TrimLeft(l.Path, "/"))
	}
}
