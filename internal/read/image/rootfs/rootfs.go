// Package rootfs makes an image of one layer out of a root file system that lies unpacked: a folder,
// this host's own root, or the root that a running process sees.
package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Open takes a folder for a root file system. It leaves out what the kernel makes up and has mounted
// there, and of this host's own root also file systems that lie on other machines or belong to containers.
func Open(path string) (*image.Image, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open root file system %s: %w", path, err)
	}
	img, err := folder(abs, path)
	if err != nil {
		return nil, err
	}
	if abs == "/" {
		img.Platform = "linux/" + runtime.GOARCH
		if runtime.GOOS != "linux" {
			img.Platform = runtime.GOOS + "/" + runtime.GOARCH
		}
		img.Layers[0].Folder.Skip = skipped(mounts("/proc/self/mountinfo"), isElsewhere)
		return img, nil
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, fmt.Errorf("open root file system %s: %w", path, err)
	}
	madeUp := map[string]bool{}
	for at, fsType := range mounts("/proc/self/mountinfo") {
		if rel, err := filepath.Rel(real, at); err == nil && rel != "." && filepath.IsLocal(rel) && isMadeUp(fsType) {
			madeUp[rel] = true
		}
	}
	if len(madeUp) > 0 {
		img.Layers[0].Folder.Skip = func(path string) bool { return madeUp[path] }
	}
	return img, nil
}

// OpenProcess takes the root that a process sees, which for the first process of a container is the
// container's. What is mounted there (volumes, /proc, secrets) is no part of it.
func OpenProcess(pid int, name string) (*image.Image, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	img, err := folder(filepath.Join(proc, "root"), name)
	if err != nil {
		return nil, err
	}
	img.Layers[0].Folder.Skip = skipped(mounts(filepath.Join(proc, "mountinfo")), func(string) bool { return true })
	return img, nil
}

func folder(path, name string) (*image.Image, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open root file system: %w", err)
	}
	defer root.Close()
	return &image.Image{Name: name, Origin: "rootfs", Layers: []image.Layer{{Folder: &layer.Folder{Path: path}}}}, nil
}

// Is says whether a folder looks like a root file system: by what names its distribution, its users
// or its packages, or by the folders that programs live in.
func Is(path string) bool {
	has := func(name string) bool {
		_, err := os.Lstat(filepath.Join(path, filepath.FromSlash(name)))
		return err == nil
	}
	for _, mark := range []string{"etc/os-release", "usr/lib/os-release", "etc/passwd", "var/lib/dpkg", "lib/apk/db", "usr/lib/apk/db", "var/lib/rpm", "usr/lib/sysimage/rpm"} {
		if has(mark) {
			return true
		}
	}
	return has("etc") && has("usr/bin")
}

// skipped gives the test that a walk asks of each folder.
func skipped(at map[string]string, unwanted func(fsType string) bool) func(path string) bool {
	return func(path string) bool {
		switch path {
		case "proc", "sys", "dev", "run":
			return true
		}
		fsType, ok := at["/"+path]
		return ok && unwanted(fsType)
	}
}
