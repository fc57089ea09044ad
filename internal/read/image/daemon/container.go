package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

// OpenContainer makes an image of what a container sees by now: its image's layers with what it has
// written on top. Where the engine's storage cannot be read, the root of its running process is
// taken instead. What is mounted into the container is no part of it.
func (e *Engine) OpenContainer(ctx context.Context, name string) (*image.Image, error) {
	if e.Network() {
		return nil, fmt.Errorf("open container %q: %s is on another machine, where its files cannot be read", name, e)
	}
	var c struct {
		ID          string `json:"Id"`
		Image       string
		State       struct{ Pid int }
		GraphDriver graphDriver
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := e.getJSON(short, "/containers/"+pathOf(name)+"/json", &c)
	if a := (*answerError)(nil); errors.As(err, &a) && a.status == http.StatusNotFound {
		return nil, &image.NotFoundError{Name: name, What: "container", Where: e.String()}
	}
	if err != nil {
		return nil, err
	}
	img, err := e.written(short, c.Image, c.GraphDriver)
	if err != nil && c.State.Pid > 0 {
		img, err = rootfs.OpenProcess(c.State.Pid, name)
	}
	if err != nil {
		return nil, fmt.Errorf("open container %q: %w", name, err)
	}
	img.Name, img.Origin = name, "container"
	return img, nil
}

// written lays the container's own folders over its image.
func (e *Engine) written(ctx context.Context, id string, g graphDriver) (*image.Image, error) {
	i, err := e.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	img, err := e.inPlace(i)
	if err != nil {
		return nil, err
	}
	for _, path := range g.folders() {
		if slices.ContainsFunc(img.Layers, func(l image.Layer) bool { return l.Folder.Path == path }) {
			continue
		}
		l, err := image.FolderLayer(path, "")
		if err != nil {
			return nil, err
		}
		l.Identity, l.CreatedBy = "", "written by the container" // and may be written to again
		img.Layers = append(img.Layers, l)
	}
	return img, nil
}
