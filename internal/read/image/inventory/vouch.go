package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"path"
	"strings"
)

// vouched names a file and its bytes, by a sum of them, in eight bytes: as package managers list what they
// installed.
func (h *hasher) vouched(p string, sum []byte) uint64 {
	of := h.owned(p)
	h.buf = append(binary.LittleEndian.AppendUint64(h.buf[:0], of), sum...)
	out := sha256.Sum256(h.buf)
	return binary.LittleEndian.Uint64(out[:])
}

// listOf is how a list of installed files and their sums is read; nil for what is none.
func listOf(p string) func(w *layerRead, at string, text []byte) {
	switch {
	case strings.HasPrefix(p, "var/lib/dpkg/") && strings.HasSuffix(p, ".md5sums"):
		return (*layerRead).md5sums
	case strings.HasSuffix(p, ".dist-info/RECORD"):
		return (*layerRead).record
	case strings.HasSuffix(p, "lib/apk/db/installed"):
		return (*layerRead).apkInstalled
	}
	return nil
}

func (w *layerRead) vouch(p string, sum []byte) {
	if w.spend(costHash) {
		w.c.Vouched = append(w.c.Vouched, w.places.hash.vouched(p, sum))
	}
}

// md5sums reads dpkg's list of one package (deb-md5sums(5)): settings are not in it.
func (w *layerRead) md5sums(_ string, text []byte) {
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		sum, p, ok := bytes.Cut(line, []byte("  "))
		if b, err := hex.DecodeString(string(sum)); ok && err == nil && len(b) == 16 {
			w.vouch(string(p), b)
		}
	}
}

// record reads pip's list of one package (packaging.python.org, "Recording installed projects"). A package
// that was built here, and not taken from an index, says where it comes from; for that nobody vouches.
func (w *layerRead) record(at string, text []byte) {
	if bytes.Contains(text, []byte("/direct_url.json,")) {
		return
	}
	root := path.Dir(path.Dir(at))
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		p, rest, ok := strings.Cut(string(line), ",sha256=")
		sum, _, sized := strings.Cut(rest, ",")
		if !ok || !sized {
			continue
		}
		if b, err := base64.RawURLEncoding.DecodeString(sum); err == nil && len(b) == sha256.Size {
			w.vouch(path.Join(root, strings.Trim(p, `"`)), b)
		}
	}
}

// apkInstalled reads apk's database (wiki.alpinelinux.org, "Apk spec"): F is a folder, R a file in it and Z its
// SHA-1, or SHA-256. Settings are left out: what stands in etc is the administrator's.
func (w *layerRead) apkInstalled(_ string, text []byte) {
	dir, file := "", ""
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		key, val, ok := strings.Cut(string(line), ":")
		switch {
		case !ok:
		case key == "F":
			dir = val
		case key == "R":
			file = val
		case key == "Z" && len(val) > 2 && dir != "etc" && !strings.HasPrefix(dir, "etc/"):
			if b, err := base64.StdEncoding.DecodeString(val[2:]); err == nil && len(b) >= 20 {
				w.vouch(path.Join(dir, file), b)
			}
		}
	}
}
