package certificate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plimsoll/plimsoll/internal/serving"
)

const maxFile = 1 << 20

// Files are a certificate and its key that somebody else renews, as cert-manager does in a mounted secret.
type Files struct {
	Chain, Key string
	Roots      string // the authorities that signed it; empty: they are not told
}

// Current reads the files.
func (f *Files) Current(context.Context, time.Time) (s State, err error) {
	if s.Chain, err = read(f.Chain); err != nil {
		return s, err
	}
	if s.Key, err = read(f.Key); err != nil {
		return s, err
	}
	if f.Roots != "" {
		s.Roots, err = read(f.Roots)
	}
	return s, err
}

func read(name string) ([]byte, error) { return serving.File(name, maxFile) }

// Folder keeps a state in a folder of this host.
type Folder string

// parts are the names by which a state is kept: those of a TLS secret, so that others can read it.
func (s *State) parts() []part {
	return []part{{"ca.crt", &s.Roots}, {"ca.key", &s.RootKey}, {"tls.crt", &s.Chain}, {"tls.key", &s.Key}}
}

type part struct {
	name string
	text *[]byte
}

// Load reads the state.
func (f Folder) Load(context.Context) (s State, version string, err error) {
	sum := sha256.New()
	found := false
	for _, p := range s.parts() {
		b, err := read(filepath.Join(string(f), p.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, "", err
		}
		*p.text, found = b, true
		sum.Write(b)
	}
	if !found {
		return s, "", nil
	}
	return s, hex.EncodeToString(sum.Sum(nil)), nil
}

// Save writes the state. A write that is broken off leaves a key that does not belong to its certificate, which Renew
// makes anew. One server keeps its state in a folder; several share a Secret.
func (f Folder) Save(ctx context.Context, s State, version string) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	_, now, err := f.Load(ctx)
	if err != nil {
		return err
	}
	if now != version {
		return ErrConflict
	}
	for _, p := range s.parts() {
		name := filepath.Join(string(f), p.name)
		if err := os.WriteFile(name+".new", *p.text, 0o600); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
	}
	return nil
}
