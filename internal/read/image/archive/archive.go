// Package archive makes images of archives and folders: what `docker save` and `podman save` write
// (the layout of old with manifest.json, and the OCI layout of newer engines), OCI archives and OCI
// layout folders.
//
// An archive is indexed once, by its tar headers, and its layers are read in place. One that is
// itself compressed, or comes by a pipe, is first spooled to a temporary file that has no name.
//
// An archive may hold several images. One is named after the path:
//
//	images.tar:shop/cart:1.4     by its name, or by its tag alone if no other has it
//	images.tar@sha256:9f2c…      by the digest of its manifest, index or configuration
//	archive:-:shop/cart:1.4      from the standard input
//
// Where a path itself holds colons, the longest beginning that exists is taken for the path.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Open reads the image, or with all platforms the images, of an archive or OCI layout folder.
// The word is PATH, PATH:NAME or PATH@DIGEST; "-" is the standard input.
func Open(ctx context.Context, word string, o image.Options) ([]*image.Image, error) {
	path, want, ok := Split(word)
	if !ok {
		return nil, fmt.Errorf("open archive %s: %w", word, fs.ErrNotExist)
	}
	if path == "-" {
		return openStdin(ctx, os.Stdin, want, o)
	}
	t, err := openTree(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("open archive %s: %w", path, err)
	}
	images, err := openImages(ctx, t, path, want, o)
	for _, img := range images {
		img.Path = path
	}
	return images, err
}

// OpenStream spools a stream and reads it as Open would. The label names it in errors.
func OpenStream(ctx context.Context, r io.Reader, label string, o image.Options) ([]*image.Image, error) {
	return openStream(ctx, r, label, "", o)
}

func openStream(ctx context.Context, r io.Reader, label, want string, o image.Options) ([]*image.Image, error) {
	f, err := spool(ctx, r, o)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", label, err)
	}
	t, err := indexTar(ctx, f, "")
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s: %w", label, err)
	}
	return openImages(ctx, t, label, want, o)
}

// stdin is how errors call what "-" means.
const stdin = "standard input"

// OpenStdin reads the standard input as Open would, of which r may hold back what was looked at already.
func OpenStdin(ctx context.Context, r io.Reader, word string, o image.Options) ([]*image.Image, error) {
	_, want, _ := Split(word)
	return openStdin(ctx, r, want, o)
}

func openStdin(ctx context.Context, r io.Reader, want string, o image.Options) ([]*image.Image, error) {
	if info, err := os.Stdin.Stat(); err == nil && info.Mode().IsRegular() {
		f, err := os.Open(os.Stdin.Name()) // redirected from a file: it can be read in place
		if err == nil {
			if t, err := indexFile(ctx, f, o); err == nil {
				return openImages(ctx, t, stdin, want, o)
			}
		}
	}
	return openStream(ctx, r, stdin, want, o)
}

// Split parts PATH, PATH:NAME and PATH@DIGEST; the name comes with its ":" or "@" cut off. ok says
// that the path exists. "-" does.
func Split(word string) (path, name string, ok bool) {
	for end := len(word); end > 0; end = strings.LastIndexAny(word[:end], ":@") {
		if path = word[:end]; path != "-" {
			if _, err := os.Stat(path); err != nil {
				continue
			}
		}
		if end < len(word) {
			name = word[end+1:]
		}
		return path, name, true
	}
	return word, "", false
}

// A candidate is one image, for one or several platforms, that an archive offers.
type candidate struct {
	names   []string
	digests []string
	open    func(context.Context, image.Options) ([]*image.Image, error)
}

func openImages(ctx context.Context, t tree, label, want string, o image.Options) (images []*image.Image, err error) {
	defer func() {
		if err != nil {
			t.close()
			err = fmt.Errorf("read %s: %w", label, err)
		}
	}()
	list, origin, err := candidates(t, want)
	if err != nil {
		return nil, err
	}
	c, err := pick(list, label, want)
	if err != nil {
		return nil, err
	}
	if images, err = c.open(ctx, o); err != nil {
		return nil, err
	}
	name := c.name(label)
	for _, img := range images {
		img.Name, img.Origin = name, origin
	}
	image.CloseTogether(images, t.close)
	return images, nil
}

// candidates reads what an archive offers. Newer engines write both layouts: the OCI one is taken,
// because there every byte is named by its digest.
func candidates(t tree, want string) ([]candidate, string, error) {
	if _, err := t.find("index.json"); err == nil {
		list, err := layoutCandidates(t, want)
		return list, "oci", err
	}
	if _, err := t.find("manifest.json"); err == nil {
		list, err := dockerCandidates(t)
		return list, "archive", err
	}
	if _, err := t.find("repositories"); err == nil {
		return nil, "", errors.New("it was written by a Docker older than 1.10: save the image again with a current one")
	}
	return nil, "", errors.New("it holds no image: neither index.json (OCI layout) nor manifest.json (docker save) is in it")
}

// pick finds the one image that was asked for.
func pick(list []candidate, label, want string) (candidate, error) {
	if len(list) == 0 {
		return candidate{}, errors.New("it holds no image")
	}
	var found []candidate
	for _, c := range list {
		if want == "" || c.answers(want) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return candidate{}, fmt.Errorf("it holds no image %q, only %s", want, offers(list))
	}
	if label == stdin {
		label = "archive:-" // "-:NAME" alone would be taken for flags
	}
	return candidate{}, fmt.Errorf("it holds %d images, name one as %s:NAME or %s@DIGEST: %s", len(found), label, label, offers(found))
}

func offers(list []candidate) string {
	const most = 20
	var words []string
	for i, c := range list {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		words = append(words, c.title())
	}
	return strings.Join(words, ", ")
}

// name is what an image is called. A name that is only a tag says nothing without what it is a tag of.
func (c candidate) name(label string) string {
	switch {
	case len(c.names) == 0:
		return label
	case strings.ContainsAny(c.names[0], ":/"):
		return c.names[0]
	}
	return label + ":" + c.names[0]
}

func (c candidate) title() string {
	if len(c.names) > 0 {
		return c.names[0]
	}
	return c.digests[0]
}

// answers says whether a candidate is meant by a digest, a full name, a familiar one or a tag.
func (c candidate) answers(want string) bool {
	for _, d := range c.digests {
		if d == want {
			return true
		}
	}
	for _, name := range c.names {
		if name == want || familiar(name) == familiar(want) {
			return true
		}
		if i := strings.LastIndexByte(name, ':'); i >= 0 && name[i+1:] == want {
			return true
		}
	}
	return false
}

// familiar is a name as people write it; what is no image name stays as it is.
func familiar(name string) string {
	if r, err := image.ParseReference(name); err == nil {
		return r.Familiar()
	}
	return name
}
