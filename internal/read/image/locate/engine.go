package locate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
)

// patience is how long an engine that nobody named is waited for.
const patience = 5 * time.Second

// engine is a place on this host that may keep images.
type engine struct {
	scheme Kind
	// find says whether it has an image: *image.NotFoundError when it has not.
	find func(ctx context.Context, name string, o image.Options) error
	open func(ctx context.Context, name string, o image.Options) ([]*image.Image, error)
	// names lists the images that it has; nil where that is not known.
	names func(ctx context.Context, o image.Options) ([]string, error)
	// container opens a container; nil where that is not known.
	container func(ctx context.Context, name string) (*image.Image, error)
}

func (e engine) title() string {
	switch e.scheme {
	case Docker:
		return "Docker"
	case Podman:
		return "Podman"
	}
	return string(e.scheme)
}

// has asks for a short while.
func (e engine) has(ctx context.Context, name string, o image.Options) error {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e.find(short, name, o)
}

// no is why an engine did not have an image.
func (e engine) no(err error) string {
	var none *image.NotFoundError
	switch {
	case errors.As(err, &none):
		return e.title() + " has no such image"
	case isAbsent(err):
		return e.title() + " does not run here"
	}
	return fmt.Sprintf("%s could not be asked (%v)", e.title(), err)
}

// failed says whether an engine might have had the image, for all that its answer tells. containerd,
// which stands under many a Docker, opens its records to root alone; who is not root keeps nothing there.
func (e engine) failed(err error) bool {
	var none *image.NotFoundError
	return !errors.As(err, &none) && !isAbsent(err) && !(e.scheme == Containerd && errors.Is(err, fs.ErrPermission))
}

func isAbsent(err error) bool {
	return errors.Is(err, daemon.ErrAbsent) || errors.Is(err, containerd.ErrAbsent)
}

// here lists the engines of this host in the order in which they are asked.
func here() []engine {
	return []engine{
		{Docker, findIn(daemon.Docker), openIn(daemon.Docker), namesIn(daemon.Docker), containerIn(daemon.Docker)},
		{
			Containerd, func(ctx context.Context, name string, _ image.Options) error { return containerd.Has(ctx, name) }, containerd.Open,
			func(context.Context, image.Options) ([]string, error) { return containerd.Names() }, containerd.OpenContainer,
		},
		{Podman, findPodman, openPodman, namesIn(daemon.Podman), containerIn(daemon.Podman)},
	}
}

func (w world) engine(kind Kind) engine {
	return w.engines[slices.IndexFunc(w.engines, func(e engine) bool { return e.scheme == kind })]
}

func findIn(connect func() (*daemon.Engine, error)) func(context.Context, string, image.Options) error {
	return func(ctx context.Context, name string, o image.Options) error {
		e, err := connect()
		if err != nil {
			return err
		}
		if o.Offline && e.Network() {
			return errors.New("it is on the network, and --offline is given")
		}
		return e.Has(ctx, name)
	}
}

func openIn(connect func() (*daemon.Engine, error)) func(context.Context, string, image.Options) ([]*image.Image, error) {
	return func(ctx context.Context, name string, o image.Options) ([]*image.Image, error) {
		e, err := connect()
		if err != nil {
			return nil, err
		}
		if o.Offline && e.Network() {
			return nil, fmt.Errorf("%s is on the network, and --offline is given", e)
		}
		return e.Open(ctx, name, o)
	}
}

func namesIn(connect func() (*daemon.Engine, error)) func(context.Context, image.Options) ([]string, error) {
	return func(ctx context.Context, o image.Options) ([]string, error) {
		e, err := connect()
		if err != nil {
			return nil, err
		}
		if o.Offline && e.Network() {
			return nil, fmt.Errorf("%s is on the network, and --offline is given", e)
		}
		return e.Names(ctx)
	}
}

func containerIn(connect func() (*daemon.Engine, error)) func(context.Context, string) (*image.Image, error) {
	return func(ctx context.Context, name string) (*image.Image, error) {
		e, err := connect()
		if err != nil {
			return nil, err
		}
		return e.OpenContainer(ctx, name)
	}
}

// findPodman asks Podman's service, and its storage when no service runs.
func findPodman(ctx context.Context, name string, o image.Options) error {
	if _, err := daemon.Podman(); !errors.Is(err, daemon.ErrAbsent) {
		return findIn(daemon.Podman)(ctx, name, o)
	}
	_, err := daemon.OpenStorage(name, image.Options{})
	return err
}

func openPodman(ctx context.Context, name string, o image.Options) ([]*image.Image, error) {
	if _, err := daemon.Podman(); !errors.Is(err, daemon.ErrAbsent) {
		return openIn(daemon.Podman)(ctx, name, o)
	}
	return daemon.OpenStorage(name, o)
}

// container asks each engine that knows containers; the first that has it wins. What each answers is
// gathered, and one that fails counts for more than those that have none.
func (w world) container(ctx context.Context, name string) ([]*image.Image, error) {
	var asked []string
	var failed error
	for _, e := range w.engines {
		if e.container == nil {
			continue
		}
		img, err := e.container(ctx, name)
		if err == nil {
			return []*image.Image{img}, nil
		}
		var none *image.NotFoundError
		switch {
		case errors.As(err, &none):
			asked = append(asked, e.title()+" has no such container")
		case isAbsent(err):
			asked = append(asked, e.no(err))
		case failed == nil:
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, fmt.Errorf("cannot find container %q: %s", name, strings.Join(asked, "; "))
}
