// Package containerd makes images of what containerd keeps on this host, straight from its records
// and its content store: its service is not asked, and need not run. Kubernetes' nodes, k3s and
// Docker's containerd image store keep their images so.
package containerd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// ErrAbsent says that containerd keeps nothing on this host.
var ErrAbsent error = &image.DownError{Err: errors.New("containerd keeps nothing here")}

// roots are where containerd keeps its state: CONTAINERD_ROOT, or where the one does that listens at
// CONTAINERD_ADDRESS, or where its packagers put it.
func roots() ([]string, error) {
	if root := os.Getenv("CONTAINERD_ROOT"); root != "" {
		return []string{root}, nil
	}
	if address := os.Getenv("CONTAINERD_ADDRESS"); address != "" {
		root, err := rootOf(address)
		return []string{root}, err
	}
	all := []string{
		"/var/lib/containerd", "/var/lib/docker/containerd/daemon", "/var/lib/rancher/k3s/agent/containerd",
		"/var/lib/rancher/rke2/agent/containerd", "/var/snap/microk8s/common/var/lib/containerd", "/var/lib/k0s/containerd",
	}
	if home, err := os.UserHomeDir(); err == nil {
		all = append(all, filepath.Join(home, ".local/share/containerd"))
	}
	// The usual socket tells when a configuration has moved its state elsewhere.
	if root, err := rootOf("/run/containerd/containerd.sock"); err == nil && !slices.Contains(all, root) {
		all = append([]string{root}, all...)
	}
	return all, nil
}

const (
	records = "io.containerd.metadata.v1.bolt/meta.db"
	content = "io.containerd.content.v1.content"
)

// Has says whether containerd keeps an image of this name: nil, *image.NotFoundError or ErrAbsent.
func Has(_ context.Context, name string) error {
	_, err := find(name)
	return err
}

// Names lists the images that containerd keeps.
func Names() (names []string, err error) {
	all, err := roots()
	if err != nil {
		return nil, err
	}
	for _, root := range all {
		err := store{root: root}.read(records, func(db *bolt) error {
			top, ok, err := db.bucket().sub("v1")
			if err != nil || !ok {
				return err
			}
			spaces, err := namespaces(top)
			if err != nil {
				return err
			}
			for _, space := range spaces {
				images, ok, err := top.sub(space, "images")
				if err != nil || !ok {
					continue
				}
				const most = 10_000
				in, err := images.buckets(most)
				if err != nil {
					return err
				}
				names = append(names, in...)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return names, err
		}
	}
	return names, nil
}

// Open makes an image of one that containerd keeps, in the namespace of CONTAINERD_NAMESPACE, or in
// any: default, k8s.io and moby first.
func Open(ctx context.Context, name string, o image.Options) ([]*image.Image, error) {
	at, err := find(name)
	if err != nil {
		return nil, err
	}
	images, err := open(ctx, at, o)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: pull it again, or write registry:%s", err, familiar(at.name))
	}
	if err != nil {
		return nil, fmt.Errorf("read image %q of containerd (namespace %s): %w", at.name, at.namespace, err)
	}
	for _, img := range images {
		img.Name, img.Origin = familiar(at.name), "containerd"
		img.Notice = append(img.Notice, "of containerd's namespace "+at.namespace)
	}
	return images, nil
}

// OpenDigest makes an image of a manifest or index in any of the content stores on this host. It
// leaves out how the image is called and whose it is.
func OpenDigest(ctx context.Context, digest string, o image.Options) ([]*image.Image, error) {
	if err := image.CheckDigest(digest); err != nil {
		return nil, err
	}
	d := image.Descriptor{Digest: digest}
	all, err := roots()
	if err != nil {
		return nil, err
	}
	for _, root := range all {
		store, err := image.OpenContent(filepath.Join(root, content))
		if err != nil {
			continue
		}
		has := store.Has(d)
		store.Close()
		if has {
			return open(ctx, found{root: root, target: d}, o)
		}
	}
	return nil, &image.NotFoundError{Name: digest, Where: "containerd"}
}

func open(ctx context.Context, at found, o image.Options) ([]*image.Image, error) {
	blobs, err := image.OpenContent(filepath.Join(at.root, content))
	if err != nil {
		return nil, err
	}
	images, err := image.Resolve(ctx, store{blobs, at.root, at.namespace}, []image.Descriptor{at.target}, o)
	if err != nil {
		blobs.Close()
		return nil, err
	}
	image.CloseTogether(images, blobs.Close)
	return images, nil
}

// found is an image in containerd's records.
type found struct {
	root, namespace, name string
	target                image.Descriptor
}

func find(name string) (found, error) {
	all, err := roots()
	if err != nil {
		return found{}, err
	}
	none := ErrAbsent
	for _, root := range all {
		f, err := os.Open(filepath.Join(root, records))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found{}, unread(err)
		}
		at, ok, err := lookUp(f, name)
		f.Close()
		if err != nil {
			return found{}, fmt.Errorf("read containerd's records in %s: %w", root, err)
		}
		if ok {
			at.root = root
			return at, nil
		}
		none = &image.NotFoundError{Name: name, Where: "containerd"}
	}
	return found{}, none
}

// unread is why records are not read.
func unread(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &image.DownError{Err: fmt.Errorf("read containerd's records: %w: run as root", err)}
	}
	return fmt.Errorf("read containerd's records: %w", err)
}

// lookUp finds an image in the records.
func lookUp(f *os.File, name string) (at found, ok bool, err error) {
	err = consistently(f, func(db *bolt) (err error) {
		at, ok, err = lookUpOnce(db, name)
		return err
	})
	return at, ok, err
}

func lookUpOnce(db *bolt, name string) (at found, ok bool, err error) {
	top, ok, err := db.bucket().sub("v1")
	if err != nil || !ok {
		return at, false, err
	}
	spaces, err := namespaces(top)
	if err != nil {
		return at, false, err
	}
	for _, space := range spaces {
		for _, n := range namesOf(name) {
			target, ok, err := top.sub(space, "images", n, "target")
			if err != nil {
				return at, false, err
			}
			if ok {
				d, err := descriptor(target)
				return found{namespace: space, name: n, target: d}, err == nil, err
			}
		}
	}
	return at, false, nil
}

// namespaces lists those to look into: the one that was named, or all, the usual ones first.
func namespaces(top bucket) ([]string, error) {
	if one := os.Getenv("CONTAINERD_NAMESPACE"); one != "" {
		return []string{one}, nil
	}
	const most = 1000
	all, err := top.buckets(most)
	usual := []string{"default", "k8s.io", "moby"}
	rank := func(name string) int {
		if i := slices.Index(usual, name); i >= 0 {
			return i
		}
		return len(usual)
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all, err
}

// namesOf is a name as it stands, in full, and by its digest alone.
func namesOf(name string) []string {
	names := []string{name}
	if r, err := image.ParseReference(name); err == nil {
		names = append(names, r.String())
		if r.Digest != "" {
			names = append(names, r.Name()+"@"+r.Digest)
		}
	}
	return slices.Compact(names)
}

func familiar(name string) string {
	if r, err := image.ParseReference(name); err == nil && !strings.HasPrefix(name, "sha256:") {
		return r.Familiar()
	}
	return name
}

// descriptor reads what an image points at (containerd, core/metadata/buckets.go).
func descriptor(target bucket) (d image.Descriptor, err error) {
	if d.Digest, err = target.value("digest"); err != nil {
		return d, err
	}
	if d.MediaType, err = target.value("mediatype"); err != nil {
		return d, err
	}
	size, err := target.value("size")
	if err != nil {
		return d, err
	}
	d.Size, _ = binary.Varint([]byte(size))
	return d, image.CheckDigest(d.Digest)
}
