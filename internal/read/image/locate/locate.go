// Package locate says what a word means that a user writes for something to look at, and opens it.
//
// A scheme wins:
//
//	docker:shop/cart:1.4     podman:…  containerd:…   kept by an engine on this host
//	registry:shop/cart:1.4                            in a registry, even if an engine has it too
//	archive:cart.tar  oci:./layout  rootfs:./root     files
//	container:cart-1                                  a container, with what it has written
//
// Without one, what begins with ".", "/" or "~" is a path, then what exists is one, then an engine of
// this host is asked for an image (Docker, containerd, Podman), and then a registry. A word that is
// both a path and a local image is an error that names both spellings.
package locate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

// Options say how far a word may reach.
type Options struct {
	image.Options
	// Registry says how registries are reached; its platform and the like are not looked at.
	Registry registry.Options
	// Stdin is what "-" means; nil: the standard input. It is looked at, and not used up, where it turns out
	// to be no archive.
	Stdin *bufio.Reader
}

// KindError says that a word means something that is no image: a folder of sources, an SBOM, another
// file. The caller looks at it itself.
type KindError struct {
	Kind Kind
	Path string
}

func (e *KindError) Error() string {
	if e.Kind == File {
		return fmt.Sprintf("%s is neither an archive of an image nor a folder", e.Path)
	}
	return fmt.Sprintf("%s is taken for %s, not for an image", e.Path, e.Kind.title())
}

// Open gives the images that a word means: one, or with all platforms several. A word that means no
// image gives a *KindError.
func Open(ctx context.Context, word string, o Options) ([]*image.Image, error) {
	return world{here()}.open(ctx, word, o)
}

// world is the engines that may be asked.
type world struct{ engines []engine }

func (w world) open(ctx context.Context, word string, o Options) ([]*image.Image, error) {
	kind, rest, err := Parse(word)
	if err != nil {
		return nil, err
	}
	if kind == Image {
		return w.search(ctx, word, o)
	}
	if kind == Archive && onStdin(rest) && o.Stdin != nil {
		if head, _ := o.Stdin.Peek(headSize); word == "-" && len(head) > 0 && !looksPacked(head) {
			return nil, &KindError{Kind: File, Path: "-"}
		}
		return archive.OpenStdin(ctx, o.Stdin, rest, o.Options)
	}
	if onlyExists(kind, word, rest) {
		if e := w.holder(ctx, word, o); e != nil {
			return nil, fmt.Errorf("%q is both a path and an image in %s: write ./%s or %s:%s", word, e.title(), word, e.scheme, word)
		}
	}
	images, err := w.openKind(ctx, kind, rest, o)
	return images, hinted(err, word, kind)
}

func (w world) openKind(ctx context.Context, kind Kind, rest string, o Options) ([]*image.Image, error) {
	switch kind {
	case Archive, OCI:
		return archive.Open(ctx, rest, o.Options)
	case Rootfs:
		return one(rootfs.Open(rest))
	case Registry:
		return fromRegistry(ctx, rest, o)
	case Docker, Containerd, Podman:
		return w.fromEngine(ctx, w.engine(kind), rest, o)
	case Container:
		return w.container(ctx, rest)
	}
	return nil, &KindError{Kind: kind, Path: rest}
}

func one(img *image.Image, err error) ([]*image.Image, error) {
	if err != nil {
		return nil, err
	}
	return []*image.Image{img}, nil
}

func (w world) fromEngine(ctx context.Context, e engine, name string, o Options) ([]*image.Image, error) {
	images, err := e.open(ctx, name, o.Options)
	var none *image.NotFoundError
	if errors.As(err, &none) {
		like := world{[]engine{e}}.containerOf(ctx, name, o)
		if like == "" {
			like = e.near(ctx, name, o.Options)
		}
		err = orMeant(err, like)
	}
	return images, err
}

func fromRegistry(ctx context.Context, name string, o Options) ([]*image.Image, error) {
	o.Registry.Options = o.Options
	return registry.Open(ctx, name, o.Registry)
}

// hinted helps where a scheme was taken for what is the name of an image: registry:2 and docker:27
// are images, too.
func hinted(err error, word string, kind Kind) error {
	var none *image.NotFoundError
	_, rest, _ := strings.Cut(word, ":")
	if err == nil || !errors.As(err, &none) || strings.ContainsAny(rest, ":/") || (kind != Registry && kind != Docker) {
		return err
	}
	return fmt.Errorf("%w (for the image that is called %q, write registry:%s)", err, word, word)
}

// search asks the engines of this host, then a registry. What each answers is gathered, so that one
// error tells the whole story.
func (w world) search(ctx context.Context, word string, o Options) ([]*image.Image, error) {
	if err := named(word); err != nil {
		return nil, err
	}
	var asked, failed []string
	for _, e := range w.engines {
		err := e.has(ctx, word, o.Options)
		if err == nil {
			return noticed(failed)(e.open(ctx, word, o.Options))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		asked = append(asked, e.no(err))
		if e.failed(err) {
			failed = append(failed, e.no(err))
		}
	}
	if isFileName(word) {
		return nil, w.orMeant(ctx, fmt.Errorf("%s: no such file or folder (for an image of a registry that is called so, write registry:%s)", word, word), word, o)
	}
	before := strings.Join(append([]string{"no file or folder here is called so"}, asked...), "; ")
	if !o.Offline {
		images, err := noticed(failed)(fromRegistry(ctx, word, o))
		if err == nil {
			return images, nil
		}
		return nil, w.orMeant(ctx, fmt.Errorf("cannot find %q: %w; before, %s", word, err, before), word, o)
	}
	err := w.orMeant(ctx, fmt.Errorf("cannot find %q: %s; registries are not asked, because --offline is given", word, before), word, o)
	if len(failed) > 0 {
		err = &image.DownError{Err: err}
	}
	return nil, err
}

// named wants a word to be one that an image may have.
func named(word string) error {
	_, err := image.ParseReference(word)
	if err == nil || isID(word) {
		return nil
	}
	if like := meant(word); like != "" {
		scheme, _, _ := strings.Cut(word, ":")
		return fmt.Errorf("%q: there is no scheme %s:, and no such file; did you mean %s?", word, scheme, like)
	}
	return fmt.Errorf("%q is no file or folder here, and no name of an image: %w", word, err)
}

// noticed has what was found tell who could not be asked before: it may not be what was meant.
func noticed(failed []string) func([]*image.Image, error) ([]*image.Image, error) {
	return func(images []*image.Image, err error) ([]*image.Image, error) {
		for _, img := range images {
			img.Notice = append(img.Notice, failed...)
		}
		return images, err
	}
}

// orMeant adds what may have been meant to an error about a word that was not found anywhere.
func (w world) orMeant(ctx context.Context, err error, word string, o Options) error {
	like := meant(word)
	if like == "" {
		like = w.containerOf(ctx, word, o)
	}
	if like == "" {
		like = w.near(ctx, word, o)
	}
	return orMeant(err, like)
}

// containerOf is the word for the container of this name on this host; "" when there is none. Engines
// that may not be asked for their images are not asked for this either.
func (w world) containerOf(ctx context.Context, word string, o Options) string {
	if strings.ContainsAny(word, "/:@") {
		return ""
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, e := range w.engines {
		if e.container == nil || e.names == nil {
			continue
		}
		if _, err := e.names(short, o.Options); err != nil {
			continue
		}
		if img, err := e.container(short, word); err == nil {
			img.Close()
			return string(Container) + ":" + word
		}
	}
	return ""
}

// near is the image on this host that may be meant.
func (w world) near(ctx context.Context, word string, o Options) string {
	for _, e := range w.engines {
		if at := e.near(ctx, word, o.Options); at != "" {
			return at
		}
	}
	return ""
}

// isID says whether a word may be the beginning of an image's id.
func isID(word string) bool {
	return strings.HasPrefix(word, "sha256:") && len(word) > len("sha256:")+3
}

// holder is the first engine of this host that keeps an image of this name; nil if none does. Nobody
// is asked over the network on account of a file.
func (w world) holder(ctx context.Context, word string, o Options) *engine {
	o.Offline = true
	if _, err := image.ParseReference(word); err != nil {
		return nil
	}
	for i, e := range w.engines {
		if e.has(ctx, word, o.Options) == nil {
			return &w.engines[i]
		}
	}
	return nil
}
