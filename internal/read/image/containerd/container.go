package containerd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

// names are the labels under which a container may be called something else than its id: by nerdctl,
// and by Kubernetes.
var names = []string{"nerdctl/name", "io.kubernetes.container.name"}

// container is one in containerd's records (core/metadata/containers.go).
type container struct {
	root, namespace, id             string
	image, snapshotter, snapshotKey string
}

// OpenContainer makes an image of what a container sees by now: its image's layers with what it has
// written on top. It is found by its id, the beginning of one, or the name that nerdctl or Kubernetes
// gave it. Where its layers are not kept by the overlayfs snapshotter, the root of its running process
// is taken instead.
func OpenContainer(ctx context.Context, name string) (*image.Image, error) {
	c, err := findContainer(name)
	if err != nil {
		return nil, err
	}
	img, err := c.written(ctx)
	if err != nil {
		if pid := c.pid(); pid > 0 {
			img, err = rootfs.OpenProcess(pid, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open container %q of containerd (namespace %s): %w", name, c.namespace, err)
	}
	img.Name, img.Origin = name, "container"
	return img, nil
}

func findContainer(name string) (container, error) {
	all, err := roots()
	if err != nil {
		return container{}, err
	}
	var found []container
	known := false
	for _, root := range all {
		err := store{root: root}.read(records, func(db *bolt) error {
			in, err := containersIn(db, name)
			for i := range in {
				in[i].root = root
			}
			found = append(found, in...)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return container{}, err
		}
		known = true
	}
	if i := slices.IndexFunc(found, func(c container) bool { return c.id == name }); i >= 0 {
		return found[i], nil
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return container{}, fmt.Errorf("%d containers of containerd are called %q: name one by its id: %s", len(found), name, ids(found))
	case !known:
		return container{}, ErrAbsent
	}
	return container{}, &image.NotFoundError{Name: name, What: "container", Where: "containerd"}
}

func ids(of []container) string {
	const most = 10
	var list []string
	for _, c := range of[:min(len(of), most)] {
		list = append(list, c.id)
	}
	return strings.Join(list, ", ")
}

// containersIn gathers those that a name may mean.
func containersIn(db *bolt, name string) (found []container, err error) {
	top, ok, err := db.bucket().sub("v1")
	if err != nil || !ok {
		return nil, err
	}
	spaces, err := namespaces(top)
	if err != nil {
		return nil, err
	}
	for _, space := range spaces {
		all, ok, err := top.sub(space, "containers")
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		const most = 100_000
		ids, err := all.buckets(most)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			c, ok, err := containerIn(all, id, name)
			if err != nil {
				return nil, err
			}
			if c.namespace = space; ok {
				found = append(found, c)
			}
		}
	}
	return found, nil
}

func containerIn(all bucket, id, name string) (c container, ok bool, err error) {
	at, _, err := all.sub(id)
	if err != nil {
		return c, false, err
	}
	if ok = id == name || len(name) >= 4 && strings.HasPrefix(id, name); !ok {
		labels, has, err := at.sub("labels")
		if err != nil || !has {
			return c, false, err
		}
		for _, label := range names {
			called, err := labels.value(label)
			if err != nil {
				return c, false, err
			}
			ok = ok || called == name
		}
	}
	c.id = id
	for key, to := range map[string]*string{"image": &c.image, "snapshotter": &c.snapshotter, "snapshotKey": &c.snapshotKey} {
		if *to, err = at.value(key); err != nil {
			return c, false, err
		}
	}
	return c, ok, nil
}

// written lays the container's own snapshot over those that it stands on.
func (c container) written(ctx context.Context) (*image.Image, error) {
	if c.snapshotter != "overlayfs" {
		return nil, fmt.Errorf("the snapshotter %q is not read", c.snapshotter)
	}
	if image.OverlayRedirects() {
		return nil, errors.New("overlayfs redirects folders on this host: a layer's folder is not the layer")
	}
	s := store{root: c.root, namespace: c.namespace}
	own, err := s.snapshotName(c.snapshotKey)
	if err != nil {
		return nil, err
	}
	chain, folders, err := s.under(own)
	if err != nil {
		return nil, err
	}
	img := c.built(ctx, chain[:len(chain)-1])
	for i, folder := range folders {
		diffID := ""
		if i < len(img.Config.DiffIDs) {
			diffID = img.Config.DiffIDs[i]
		}
		l, err := image.FolderLayer(folder, diffID)
		if err != nil {
			return nil, err
		}
		img.Layers = append(img.Layers, l)
		if i == len(folders)-2 {
			img.Attribute()
		}
	}
	top := &img.Layers[len(img.Layers)-1]
	top.Identity, top.CreatedBy = "", "written by the container" // and may be written to again
	return img, nil
}

// built is the image that the container was made of, without its layers. It is empty when that is gone,
// or is not what the container provably stands on.
func (c container) built(ctx context.Context, chain []string) *image.Image {
	none := &image.Image{Platform: image.HostPlatform().String()}
	at := found{root: c.root, namespace: c.namespace}
	s := store{root: c.root, namespace: c.namespace}
	err := s.read(records, func(db *bolt) error {
		target, ok, err := db.bucket().sub("v1", c.namespace, "images", c.image, "target")
		if err != nil || !ok {
			return errors.Join(err, fs.ErrNotExist)
		}
		at.target, err = descriptor(target)
		return err
	})
	if err != nil {
		return none
	}
	images, err := open(ctx, at, image.Options{})
	if err != nil {
		return none
	}
	defer images[0].Close()
	from := images[0]
	names, err := s.snapshotNames(image.ChainIDs(from.Config.DiffIDs))
	if err != nil || !slices.Equal(names, chain) {
		return none
	}
	return &image.Image{Digest: from.Digest, IndexDigest: from.IndexDigest, Platform: from.Platform, Config: from.Config, Annotations: from.Annotations}
}

// pid is the first process of a running container, as its shim notes it; 0 where there is none.
func (c container) pid() int {
	for _, state := range []string{"/run/containerd", "/run/k3s/containerd"} {
		b, err := os.ReadFile(filepath.Join(state, "io.containerd.runtime.v2.task", c.namespace, c.id, "init.pid"))
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			return pid
		}
	}
	return 0
}
