package locate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

// Kind is what a word is taken for. Those that can be written as a scheme are that scheme.
type Kind string

// The kinds of thing that a word can mean.
const (
	Docker     Kind = "docker"
	Podman     Kind = "podman"
	Containerd Kind = "containerd"
	Registry   Kind = "registry"
	OCI        Kind = "oci"
	Archive    Kind = "archive"
	Rootfs     Kind = "rootfs"
	Container  Kind = "container"
	SBOM       Kind = "sbom"
	Image      Kind = "image"  // the name of an image, wherever it may be
	Source     Kind = "source" // a folder that is no root file system
	File       Kind = "file"   // a file that is no archive
)

// Schemes lists the kinds that can be written before a colon.
func Schemes() []Kind {
	return []Kind{Docker, Podman, Containerd, Registry, OCI, Archive, Rootfs, Container, SBOM}
}

func (k Kind) title() string {
	switch k {
	case SBOM:
		return "an SBOM"
	case Source:
		return "a folder of sources"
	}
	return "a " + string(k)
}

// Parse says what a word means as far as the word itself and the files here tell, and gives it
// without its scheme. It asks nobody. "-" is the standard input.
func Parse(word string) (Kind, string, error) {
	if word == "" {
		return "", "", fmt.Errorf("an empty word names nothing to look at")
	}
	if scheme, rest, ok := strings.Cut(word, ":"); ok && slices.Contains(Schemes(), Kind(scheme)) {
		if rest == "" {
			return "", "", fmt.Errorf("%q names nothing: write %s:NAME", word, scheme)
		}
		if name, ok := strings.CutPrefix(rest, "//"); ok && slices.Contains([]Kind{Docker, Podman, Containerd, Registry}, Kind(scheme)) {
			return "", "", fmt.Errorf("%q: no slashes follow a scheme: write %s:%s, or registry:%s for what a registry keeps", word, scheme, name, name)
		}
		return Kind(scheme), home(rest), nil
	}
	if onStdin(word) {
		return Archive, word, nil
	}
	path := home(word)
	_, missing := os.Stat(path)
	if missing == nil {
		kind, err := sniff(path)
		return kind, path, err
	}
	// PATH:NAME and PATH@DIGEST, for one of several images in an archive.
	if inside, _, ok := archive.Split(path); ok {
		if kind, err := sniff(inside); err == nil && (kind == Archive || kind == OCI) {
			return kind, path, nil
		}
	}
	if isPathForm(word) && !errors.Is(missing, fs.ErrNotExist) {
		return "", "", missing // the rights do not reach: it may well be there
	}
	if isPathForm(word) {
		return "", "", fmt.Errorf("%s: no such file or folder", word)
	}
	return Image, word, nil
}

// Check says what is wrong with a word, as far as the word itself and the files here tell. It asks nobody,
// and opens nothing.
func Check(word string) error {
	kind, rest, err := Parse(word)
	if err != nil {
		return err
	}
	switch kind {
	case Image:
		return named(word)
	case Archive, OCI:
		if _, _, ok := archive.Split(rest); !ok {
			return fmt.Errorf("open archive %s: %w", rest, fs.ErrNotExist)
		}
	case Rootfs, SBOM:
		if _, err := os.Stat(rest); err != nil && rest != "-" {
			return fmt.Errorf("open %s: %w", rest, fs.ErrNotExist)
		}
	}
	return nil
}

// onStdin says whether a word means the standard input, or an image in it.
func onStdin(word string) bool {
	return word == "-" || strings.HasPrefix(word, "-:") || strings.HasPrefix(word, "-@")
}

// isPathForm says whether a word can only be a path.
func isPathForm(word string) bool {
	return strings.HasPrefix(word, ".") || strings.HasPrefix(word, "/") || strings.HasPrefix(word, "~") || filepath.IsAbs(word) ||
		strings.ContainsRune(word, '\\')
}

// isFileName says whether a word ends as the names of files do, and those of images hardly ever.
func isFileName(word string) bool {
	if strings.Contains(word, ":") {
		return false // a tag, or a scheme that is misspelt
	}
	switch strings.ToLower(filepath.Ext(word)) {
	case ".tar", ".tgz", ".gz", ".zst", ".xz", ".json", ".yaml", ".yml", ".xml", ".sarif", ".spdx":
		return true
	}
	return false
}

// onlyExists says whether a word is taken for a path for no other reason than that it exists.
func onlyExists(kind Kind, word, rest string) bool {
	return word == rest && !isPathForm(word) && word != "-" && slices.Contains([]Kind{Archive, OCI, Rootfs, Source, File}, kind)
}

// home puts the user's folder in place of a "~" that a shell has left standing.
func home(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if dir, err := os.UserHomeDir(); ok && err == nil && (rest == "" || rest[0] == '/') {
		return dir + rest
	}
	return path
}

// sniff tells what lies at a path by looking at it.
func sniff(path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return sniffFolder(path), nil
	}
	if !info.Mode().IsRegular() {
		return Archive, nil // a pipe: <(docker save x)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 && err != io.EOF {
		return "", err
	}
	if looksPacked(head[:n]) {
		return Archive, nil
	}
	return File, nil
}

func sniffFolder(path string) Kind {
	has := func(name string) bool {
		_, err := os.Lstat(filepath.Join(path, name))
		return err == nil
	}
	switch {
	case has("oci-layout"), has("index.json") && has("blobs"):
		return OCI
	case rootfs.Is(path):
		return Rootfs
	}
	return Source
}

// headSize is how many bytes tell an archive: a tar's first block.
const headSize = 512

// looksPacked knows tars and what tars are compressed with by their magic numbers.
func looksPacked(head []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00", "BZh"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return layer.IsSkippable(head) || len(head) == 512 && (string(head[257:262]) == "ustar" || isOldTar(head))
}

// isOldTar holds the checksum of a tar header from before POSIX: the sum of all bytes, with its own
// field taken for spaces.
func isOldTar(head []byte) bool {
	var sum, want int
	for i, b := range head {
		if i >= 148 && i < 156 {
			b = ' '
		}
		sum += int(b)
	}
	_, err := fmt.Sscanf(strings.Trim(string(head[148:156]), " \x00"), "%o", &want)
	return err == nil && want == sum
}
