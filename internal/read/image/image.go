// Package image is what Plimsoll means by an image: a configuration and a pile of layers, wherever
// they live.
//
// Its folders make one: archive (docker save and OCI layouts), registry, daemon (Docker and Podman),
// containerd and rootfs. Folder layer walks a layer, folder inventory turns walked layers into what
// the container sees. An [Image] opens nothing until a layer is asked for.
package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Image is one image for one platform.
type Image struct {
	Name        string   // as the user or the archive names it
	Path        string   // of the archive or layout that it was read from; empty: it was read from elsewhere
	Origin      string   // archive, oci, docker, podman, containerd, registry, rootfs
	Digest      string   // of the manifest, or of the configuration where an engine keeps no manifest
	IndexDigest string   // of the index that the manifest was chosen from
	RepoDigests []string // REPOSITORY@DIGEST, as an engine remembers where the image came from
	Platform    string   // OS/ARCH[/VARIANT]
	Config      Config
	Annotations map[string]string // of the manifest, and of the index where the manifest has none
	Layers      []Layer           // bottom first
	Gaps        []Gap             // what cannot be assessed: foreign layers, for one
	Notice      []string          // for stderr: which credential was used, which mirror answered

	// Materials reads the images that the build's provenance names; nil when there is none beside the
	// image. Its author is not verified.
	Materials func(context.Context) ([]Material, error)

	close func() error
}

// Close frees what the image keeps open. Its layers cannot be read after.
func (i *Image) Close() error {
	f := i.close
	if i.close = nil; f == nil {
		return nil
	}
	return f()
}

// OnClose has f called by Close, after what was registered before.
func (i *Image) OnClose(f func() error) {
	before := i.close
	i.close = func() error {
		if before != nil {
			if err := before(); err != nil {
				f()
				return err
			}
		}
		return f()
	}
}

// CloseTogether has f called when the last of the images is closed.
func CloseTogether(images []*Image, f func() error) {
	var open atomic.Int64
	open.Store(int64(len(images)))
	for _, i := range images {
		i.OnClose(func() error {
			if open.Add(-1) == 0 {
				return f()
			}
			return nil
		})
	}
}

// Gap is a part of an image that cannot be assessed. None is about one of its Layers: those are there.
type Gap struct {
	Class string // foreign-layer …
	What  string
}

// Layer is one layer of an image. Either Folder is set, or Open gives its bytes.
type Layer struct {
	Digest    string // of the blob as stored, "sha256:HEX"; empty when unknown
	DiffID    string // of the uncompressed tar, as the configuration claims
	Size      int64  // bytes as stored; 0 when unknown
	CreatedBy string // the instruction of the history, when history and layers agree in number
	Folder    *layer.Folder
	Open      func(ctx context.Context) (layer.Blob, error)

	// Identity names exactly these bytes on this host (device, inode, size, times), for layers whose
	// bytes are not hashed. Empty: nothing that could be relied on is known.
	Identity string
	// Trusted says that the bytes were verified against Digest by who stored them (a content store
	// that hashes what it takes in).
	Trusted bool
}

// Config is what an image's configuration says (OCI image specification, config.md).
type Config struct {
	Created      time.Time
	Author       string
	Architecture string
	OS           string
	Variant      string
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	WorkingDir   string
	Shell        []string
	Ports        []string // PORT/PROTOCOL, sorted
	Volumes      []string // sorted
	Labels       map[string]string
	StopSignal   string
	Healthcheck  []string
	OCI          bool // it is in OCI's format, which has no health check
	OnBuild      []string
	History      []History
	DiffIDs      []string
}

// History is one step of the build.
type History struct {
	Created    time.Time
	CreatedBy  string
	Comment    string
	EmptyLayer bool
}

// Attribute gives each layer the history step that made it. Steps without a layer are passed over;
// where the counts do not agree (some builders write no history) nothing is attributed.
func (i *Image) Attribute() {
	var steps []string
	for _, h := range i.Config.History {
		if !h.EmptyLayer {
			steps = append(steps, h.CreatedBy)
		}
	}
	if len(steps) != len(i.Layers) {
		return
	}
	for n := range i.Layers {
		i.Layers[n].CreatedBy = Instruction(steps[n])
	}
}

// Instruction is a history step as its Dockerfile would say it: without the shell that ran it, and
// without the build arguments that builders write before it ("|1 VERSION=2 /bin/sh -c make").
func Instruction(createdBy string) string {
	s := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(createdBy), "# buildkit"))
	command := strings.TrimPrefix(s, "RUN ")
	if strings.HasPrefix(command, "|") {
		for i := range command {
			if command[i] == ' ' && shellOf(command[i+1:]) > 0 {
				command = command[i+1:]
				break
			}
		}
	}
	n := shellOf(command)
	if n == 0 {
		return s
	}
	if rest, ok := strings.CutPrefix(command[n:], "#(nop)"); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(command, "/bin/sh -c "); ok {
		return "RUN " + strings.TrimSpace(rest)
	}
	return "RUN " + command // it says its shell
}

// shellOf is the length of a shell with its options at the beginning of a text; 0 where there is none.
func shellOf(text string) int {
	if !strings.HasPrefix(text, "/") {
		return 0
	}
	before, _, ok := strings.Cut(text[:min(len(text), maxShell)], "c ")
	words := strings.Split(before, " ")
	name := words[0][strings.LastIndexByte(words[0], '/')+1:]
	if !ok || len(words) < 2 || !slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh", "ksh"}, name) {
		return 0
	}
	for i, w := range words[1:] {
		if !strings.HasPrefix(w, "-") && (w != "pipefail" || i == 0) {
			return 0
		}
	}
	return len(before) + len("c ")
}

// maxShell bounds what of a step is looked at for its shell.
const maxShell = 64

// Options say which of an image's platforms are wanted, and how far they may reach.
type Options struct {
	// Platform is OS/ARCH[/VARIANT]; empty: this host's (linux where the host is none); "all": every one.
	Platform string
	Offline  bool
	// Verify asks for bytes that can be hashed: no folders where an engine keeps layers unpacked.
	Verify bool
	// TempDir is where a stream or a compressed archive is spooled, to an unlinked file; empty: the
	// system's temporary folder.
	TempDir string
	// MaxSpool bounds the bytes of one spooled archive; 0: 32 GiB.
	MaxSpool int64
}

// DownError says that a place which may have an image does not answer, fails, or does not let this user
// in: the name may well be right.
type DownError struct{ Err error }

func (e *DownError) Error() string { return e.Err.Error() }

func (e *DownError) Unwrap() error { return e.Err }

// ErrOffline says that nobody is to be asked.
var ErrOffline = errors.New("--offline is given")

// NotFoundError says that a place has no image of that name.
type NotFoundError struct {
	Name, Where string
	What        string // what it would be; empty: image
	Err         error
}

func (e *NotFoundError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s has no %s %q: %v", e.Where, orElse(e.What, "image"), e.Name, e.Err)
	}
	return fmt.Sprintf("%s has no %s %q", e.Where, orElse(e.What, "image"), e.Name)
}

func (e *NotFoundError) Unwrap() error { return e.Err }
