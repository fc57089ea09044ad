// Package dump keeps what a cluster holds in a folder, and reads it again, so that it is judged where the cluster is not.
//
// The folder has dump.json, which says what was read and what was not, and for each namespace and kind a file that kubectl
// reads, as in shop/Deployment.apps.yaml; what belongs to no namespace is in _cluster. Two dumps of one state are the same,
// byte for byte. Secrets and ConfigMaps are not in it, and a secret that stands in an object in the clear is replaced by
// words that say which sort it is ([Mark]): the same is found in the dump as in the cluster.
//
// Files are for the user alone (mode 0600).
package dump

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

const (
	// Head is the file that makes a folder a dump.
	Head   = "dump.json"
	schema = "plimsoll/dump/v1"
	wide   = "_cluster"
)

// Bounds on a dump that is read.
const (
	mostHead    = 64 << 20
	mostFiles   = 200_000
	mostBytes   = 2 << 30
	mostObjects = 100_000
)

// head is what dump.json says.
type head struct {
	Schema     string           `json:"schema"`
	Cluster    string           `json:"cluster"`
	UID        string           `json:"uid,omitempty"` // by which it is known
	Version    string           `json:"version,omitempty"`
	Namespaces []string         `json:"namespaces,omitempty"` // that were selected; none: all
	Kinds      []string         `json:"kinds,omitempty"`      // as well
	Objects    int              `json:"objects"`
	Missing    []client.Missing `json:"missing,omitempty"`
	Settings   *client.Settings `json:"settings,omitempty"`
	Addresses  client.Addresses `json:"addresses,omitempty"`
}

// safe is a name of a namespace, a kind or a group, as Kubernetes has them.
var safe = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`) })

// Check wants a folder to be new, or empty.
func Check(dir string) error {
	held, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && len(held) > 0:
		return fmt.Errorf("%s is not empty: name another folder", dir)
	}
	return err
}

// Write writes a dump into a folder, which is made where there is none; one that holds anything is an error.
func Write(dir string, c *client.Contents, s Secrets) error {
	if err := errors.Join(Check(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files := map[string][]*kube.Object{}
	for _, o := range c.Objects {
		for _, part := range []string{o.Namespace, o.Kind, o.Group()} {
			if part != "" && !safe().MatchString(part) {
				return fmt.Errorf("the cluster has %s %s in %q, and %q is no name that Kubernetes gives", o.Kind, o.Name, o.Namespace, part)
			}
		}
		name := path.Join(cmp.Or(o.Namespace, wide), strings.TrimSuffix(o.Kind+"."+o.Group(), ".")+".yaml")
		files[name] = append(files[name], o)
	}
	for name, objects := range files {
		slices.SortFunc(objects, func(a, b *kube.Object) int { return cmp.Compare(a.Name, b.Name) })
		var text bytes.Buffer
		for i, o := range objects {
			one, err := yaml.Marshal(s.hide(o.Fields))
			if err != nil {
				return fmt.Errorf("write %s %s: %w", o.Kind, o.Name, err)
			}
			if i > 0 {
				text.WriteString("---\n")
			}
			text.Write(one)
		}
		if err := write(root, name, text.Bytes()); err != nil {
			return err
		}
	}
	// It comes last: a dump that was cut off is none.
	text, err := json.MarshalIndent(head{schema, c.Name, c.UID, c.Version, c.Namespaces, c.Kinds, len(c.Objects), c.Missing, c.Settings, c.Addresses}, "", "  ")
	if err != nil {
		return err
	}
	return write(root, Head, append(text, '\n'))
}

func write(root *os.Root, name string, text []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Is says that a folder holds a dump.
func Is(dir string) bool {
	f, err := os.OpenInRoot(dir, Head)
	if err != nil {
		return false
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 1<<10))
	return bytes.Contains(text, []byte(`"`+schema+`"`))
}

// Read reads a dump. What of it cannot be read, or is not there any more, is missing.
func Read(dir string) (*client.Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	text, err := readFile(root, Head, mostHead)
	if err != nil {
		return nil, err
	}
	var h head
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil || h.Schema != schema {
		return nil, fmt.Errorf("%s: it is no dump of this version of plimsoll (%s): %w", path.Join(dir, Head), schema, cmp.Or(err, errors.New("it names another")))
	}
	c := &client.Contents{Name: h.Cluster, UID: h.UID, Version: h.Version, Namespaces: h.Namespaces, Kinds: h.Kinds, Missing: h.Missing, Settings: h.Settings, Addresses: h.Addresses}
	if err := readAll(root, c); err != nil {
		return nil, err
	}
	if n := len(c.Objects); n != h.Objects {
		c.Missing = append(c.Missing, client.Missing{Class: "unreadable-file", Blocking: true, What: fmt.Sprintf("the dump was written with %d objects, and %d are there", h.Objects, n)})
	}
	return c, nil
}

func readAll(root *os.Root, c *client.Contents) error {
	files, size := 0, 0
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() || name == Head:
			return err
		case !d.Type().IsRegular() || path.Ext(name) != ".yaml":
			return fmt.Errorf("%s is no file of a dump", name)
		}
		text, err := readFile(root, name, kube.MaxFile)
		if err != nil {
			return err
		}
		objects, problems := kube.Manifest(name, text)
		for _, p := range problems {
			c.Missing = append(c.Missing, client.Missing{Class: "unreadable-file", Blocking: true, What: p.Error()})
		}
		for _, o := range objects {
			o.Source = kube.Source{} // it is an object of a cluster
		}
		c.Objects = append(c.Objects, objects...)
		if files, size = files+1, size+len(text); files > mostFiles || size > mostBytes || len(c.Objects) > mostObjects {
			return fmt.Errorf("the dump has more than %d files, %d bytes or %d objects", mostFiles, mostBytes, mostObjects)
		}
		return nil
	})
}

func readFile(root *os.Root, name string, most int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return text, err
}
