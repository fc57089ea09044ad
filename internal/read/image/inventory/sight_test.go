package inventory

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// finder finds every line with the word SECRET.
type finder struct{}

func (finder) Wants(path string, _ int64) bool { return !strings.HasSuffix(path, ".png") }
func (finder) IsText(head []byte) bool         { return bytes.IndexByte(head, 0) < 0 }
func (finder) Inspect(path string, text []byte) (all []Sight, cut string) {
	if strings.Contains(path, "broken") {
		panic("out of range")
	}
	for n, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "SECRET") {
			all = append(all, Sight{Rule: "word", Line: n + 1})
		}
	}
	return all, ""
}

func inspected(t *testing.T, c imagetest.Compression, layers ...[]imagetest.File) (Inventory, []*Contents) {
	t.Helper()
	var all []*Contents
	for _, files := range layers {
		b := imagetest.Compress(imagetest.Tar(files...), c)
		r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<30, t.TempDir()), Inspect: finder{}, Kept: 32 << 20, Budget: NewBudget(64 << 20)}
		read, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
			return layer.Blob{At: bytes.NewReader(b), Size: int64(len(b))}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := read.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if read, err = Decode(encoded); err != nil {
			t.Fatal(err)
		}
		all = append(all, read)
	}
	return Squash(all, kinds), all
}

func told(inv Inventory) (all []string) {
	for _, s := range inv.Sights {
		one := fmt.Sprintf("%d %s:%d", s.Layer, s.Path, s.Line)
		if s.Deleted {
			one += " deleted"
		}
		all = append(all, one)
	}
	return all
}

// TestSights looks into the files of every layer, also of those that layers above hide, and leaves packages
// as they are.
func TestSights(t *testing.T) {
	for _, c := range []imagetest.Compression{imagetest.None, imagetest.Gzip} {
		inv, _ := inspected(t, c, []imagetest.File{
			{Path: "a.txt", Body: "x\nSECRET\n"},
			{Path: "b.txt", Body: "SECRET"},
			{Path: "dir/c.txt", Body: "SECRET"},
			{Path: "kept.pkg", Body: "1 SECRET"},
			{Path: "a.png", Body: "SECRET"},
			{Path: "binary", Body: "\x00SECRET"},
			{Path: "broken.txt", Body: "SECRET"},
			{Path: "large.txt", Body: "SECRET\n" + strings.Repeat("x", maxText)},
		}, []imagetest.File{
			{Path: ".wh.a.txt"}, {Path: "b.txt", Body: "clean"}, {Path: "dir/.wh..wh..opq"}, {Path: "dir/d.txt", Body: "SECRET"},
		})
		want := []string{"0 a.txt:2 deleted", "0 b.txt:1 deleted", "0 dir/c.txt:1 deleted", "1 dir/d.txt:1", "0 kept.pkg:1", "0 large.txt:1"}
		if diff := cmp.Diff(want, told(inv)); diff != "" {
			t.Errorf("%s: %s", c, diff)
		}
		if len(inv.Packages) != 1 || inv.Packages[0].Version != "1 SECRET" {
			t.Errorf("%s: packages %+v", c, inv.Packages)
		}
		var gaps []string
		for _, g := range inv.Layers[0] {
			gaps = append(gaps, fmt.Sprintf("%s %v %s", g.Class, g.Blocking, g.Path))
		}
		if diff := cmp.Diff([]string{"limit-reached true broken.txt", "large-text false large.txt"}, gaps); diff != "" {
			t.Errorf("%s: %s", c, diff)
		}
	}
}

// TestVouched passes over what a package manager installed, as long as nobody changed it, whichever layer
// has the list.
func TestVouched(t *testing.T) {
	body := "a SECRET\n"
	md, sha, sha2 := md5.Sum([]byte(body)), sha1.Sum([]byte(body)), sha256.Sum256([]byte(body))
	record := func(name, more string) string {
		return name + ",sha256=" + base64.RawURLEncoding.EncodeToString(sha2[:]) + ",9\n" + more
	}
	inv, contents := inspected(t, imagetest.Gzip, []imagetest.File{
		{Path: "usr/bin/dpkg", Body: body},
		{Path: "usr/bin/changed", Body: body + "x"},
		{Path: "usr/share/apk", Body: body},
		{Path: "etc/apk.conf", Body: body},
		{Path: "opt/site-packages/pip.py", Body: body},
		{Path: "opt/site-packages/own.py", Body: body},
		{Path: "nobody", Body: body},
	}, []imagetest.File{
		{Path: "var/lib/dpkg/info/x.md5sums", Body: hex.EncodeToString(md[:]) + "  bin/dpkg\n" + hex.EncodeToString(md[:]) + "  usr/bin/changed\nbroken\n"},
		{Path: "lib/apk/db/installed", Body: "P:x\nF:usr/share\nR:apk\nZ:Q1" + base64.StdEncoding.EncodeToString(sha[:]) + "\nF:etc\nR:apk.conf\nZ:Q1" + base64.StdEncoding.EncodeToString(sha[:]) + "\n"},
		{Path: "opt/site-packages/pip-1.dist-info/RECORD", Body: record("pip.py", "pip-1.dist-info/RECORD,,\n")},
		{Path: "opt/site-packages/own-1.dist-info/RECORD", Body: record("own.py", "own-1.dist-info/direct_url.json,sha256=AAAA,3\n")},
	})
	if diff := cmp.Diff([]string{"0 etc/apk.conf:1", "0 nobody:1", "0 opt/site-packages/own.py:1", "0 usr/bin/changed:1"}, told(inv)); diff != "" {
		t.Error(diff)
	}
	if inv.Passed != 3 || len(contents[1].Vouched) != 4 {
		t.Errorf("%d passed over, %d vouched for", inv.Passed, len(contents[1].Vouched))
	}
}

// TestVouchedByRPM believes the rpm database of the layer that brought a file, for what is no setting.
func TestVouchedByRPM(t *testing.T) {
	var h hasher
	of := func(paths ...string) Read {
		o := Owned{Package: "x"}
		for _, p := range paths {
			o.Files = append(o.Files, h.owned(p))
		}
		return Read{Ecosystem: "rpm", Paths: []string{"var/lib/rpm/rpmdb.sqlite"}, Owned: []Owned{o}}
	}
	file := func(p string) Sighted { return Sighted{Path: p, Sights: []Sight{{Rule: "word", Line: 1}}} }
	inv := Squash([]*Contents{
		{Reads: []Read{of("usr/lib/a", "etc/b", "usr/lib/c")}, Sighted: []Sighted{file("usr/lib/a"), file("etc/b")}},
		{Reads: []Read{of("usr/lib/a", "etc/b", "usr/lib/c", "usr/lib/d")}, Sighted: []Sighted{file("usr/lib/c"), file("usr/lib/d"), file("usr/lib/e")}},
	}, append(kinds[:len(kinds):len(kinds)], ecosystem.Ecosystem{Name: "rpm"}))
	if diff := cmp.Diff([]string{"0 etc/b:1", "1 usr/lib/c:1", "1 usr/lib/e:1"}, told(inv)); diff != "" {
		t.Error(diff)
	}
}

// TestManySights bounds what one layer may list.
func TestManySights(t *testing.T) {
	inv, contents := inspected(t, imagetest.None, []imagetest.File{
		{Path: "a.txt", Body: strings.Repeat("SECRET\n", maxSights)}, {Path: "b.txt", Body: "SECRET"},
	})
	if len(inv.Sights) != maxSights || len(contents[0].Gaps) != 1 || contents[0].Gaps[0].Class != "limit-reached" || !contents[0].Gaps[0].Blocking {
		t.Errorf("%d sights, gaps %+v", len(inv.Sights), contents[0].Gaps)
	}
}
