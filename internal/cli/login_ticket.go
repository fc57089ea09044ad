package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	face "github.com/plimsoll/plimsoll/internal/face/directory"
)

// held is what is kept of somebody who signed in.
type held struct {
	face.Answer
	As string `json:"as"` // the name that was signed in with
}

// ticket is the file in which it is kept; empty where there is no such place.
type ticket string

// spare is how much life a token must have left to be used: a request is to end before it does.
const spare = time.Minute

func ticketOf(g *global, o *loginOptions) ticket {
	home := g.cacheHome()
	if home == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{strings.TrimRight(o.server, "/"), o.audience, o.user}, "\x00")))
	return ticket(filepath.Join(home, "login", hex.EncodeToString(sum[:16])+".json"))
}

// read gives what is kept, and whether its token can be used still.
func (t ticket) read(now time.Time) (h held, usable bool) {
	if t == "" {
		return h, false
	}
	info, err := os.Lstat(string(t))
	if err != nil || !info.Mode().IsRegular() || !private(info) {
		return h, false
	}
	b, err := readFile(string(t), 64<<10)
	if err != nil || json.Unmarshal(b, &h) != nil {
		return held{}, false
	}
	return h, h.Token != "" && now.Add(spare).Before(h.Expires)
}

// write keeps it for this user alone.
func (t ticket) write(h held) error {
	if t == "" {
		return errors.New("there is no cache folder")
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	dir := filepath.Dir(string(t))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-") // which nobody else may read
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), string(t))
}

func (t ticket) forget() error {
	if err := os.Remove(string(t)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// private says that nobody else may read a file. Windows keeps a user's cache folder from others itself.
func private(info fs.FileInfo) bool {
	return filepath.Separator == '\\' || info.Mode().Perm()&0o077 == 0
}
