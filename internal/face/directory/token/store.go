package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/serving"
)

// Bounds of what is stored: a Secret holds 1 MiB.
const (
	maxItem  = 4 << 10
	maxItems = 5000
)

// Store keeps keys and what was revoked, for all servers that share it. Items are written once and removed, never changed.
type Store interface {
	Read(ctx context.Context) (map[string][]byte, error)
	// Add writes an item, unless one of that name is there: of two servers that write it, one does.
	Add(ctx context.Context, name string, content []byte) error
	Remove(ctx context.Context, names ...string) error
}

// Folder is a store in a folder.
type Folder string

// Read reads all items.
func (f Folder) Read(context.Context) (map[string][]byte, error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, e := range entries {
		if !known(e.Name()) {
			continue
		}
		b, err := serving.File(filepath.Join(string(f), e.Name()), maxItem)
		switch {
		case errors.Is(err, fs.ErrNotExist): // somebody has removed it meanwhile
			continue
		case err != nil:
			return nil, err
		case len(all) == maxItems:
			return nil, fmt.Errorf("%s holds more than %d keys and revocations", string(f), maxItems)
		}
		all[e.Name()] = b
	}
	return all, nil
}

// Add writes an item, whole or not at all.
func (f Folder) Add(_ context.Context, name string, content []byte) error {
	t, err := os.CreateTemp(string(f), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	_, err = t.Write(content)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	// A link fails where the name is taken.
	if err = os.Link(t.Name(), filepath.Join(string(f), name)); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Remove removes items.
func (f Folder) Remove(_ context.Context, names ...string) error {
	var errs []error
	for _, name := range names {
		if err := os.Remove(filepath.Join(string(f), name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Secret is a store in a Secret of the cluster, which is there already.
type Secret struct {
	Client          client.Interface
	Namespace, Name string
}

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

func (s *Secret) get(ctx context.Context) (*unstructured.Unstructured, map[string]string, error) {
	o, err := s.Client.Resource(secrets).Namespace(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("read secret %s/%s: %w", s.Namespace, s.Name, err)
	}
	data, _, err := unstructured.NestedStringMap(o.Object, "data")
	return o, data, err
}

// Read reads all items.
func (s *Secret) Read(ctx context.Context) (map[string][]byte, error) {
	_, data, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for name, text := range data {
		if !known(name) {
			continue
		}
		if all[name], err = base64.StdEncoding.DecodeString(text); err != nil || len(all) > maxItems {
			return nil, fmt.Errorf("read secret %s/%s: %s is no item, or one of more than %d", s.Namespace, s.Name, name, maxItems)
		}
	}
	return all, nil
}

// Add writes an item over the version of the Secret that did not have it.
func (s *Secret) Add(ctx context.Context, name string, content []byte) error {
	return s.change(ctx, func(data map[string]string) map[string]any {
		if _, there := data[name]; there {
			return nil
		}
		return map[string]any{name: base64.StdEncoding.EncodeToString(content)}
	})
}

// Remove removes items.
func (s *Secret) Remove(ctx context.Context, names ...string) error {
	return s.change(ctx, func(data map[string]string) map[string]any {
		gone := map[string]any{}
		for _, name := range names {
			if _, there := data[name]; there {
				gone[name] = nil
			}
		}
		return gone
	})
}

func (s *Secret) change(ctx context.Context, of func(data map[string]string) map[string]any) error {
	const attempts = 5
	var err error
	for range attempts {
		var o *unstructured.Unstructured
		var data map[string]string
		if o, data, err = s.get(ctx); err != nil {
			return err
		}
		change := of(data)
		if len(change) == 0 {
			return nil
		}
		patch, broken := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": o.GetResourceVersion()}, "data": change})
		if broken != nil {
			return broken
		}
		_, err = s.Client.Resource(secrets).Namespace(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("write secret %s/%s: %w", s.Namespace, s.Name, err)
	}
	return nil
}

// known says whether an item is one of ours.
func known(name string) bool {
	return strings.HasPrefix(name, keyPrefix) || strings.HasPrefix(name, tokenPrefix) || strings.HasPrefix(name, personPrefix)
}
