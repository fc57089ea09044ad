package inventory

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// FuzzDecode reads what a cache may hold, and lays it over itself: never a fault, and what is encoded
// again decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, c := range []Contents{
		{},
		{Digest: "sha256:a", Reads: []Read{{Ecosystem: "file", Paths: []string{"l/a.pkg"}, Packages: []ecosystem.Package{{Type: "file", Name: "a", Version: "1"}}}}, Links: []Link{{"l", "m"}, {"m", "l"}}, Whiteouts: []string{"x"}, Opaques: []string{""}, Names: []uint64{1}, Folders: []uint64{2}},
		{Reads: []Read{{Ecosystem: "db", Paths: []string{"var/db"}, Owned: []Owned{{Package: "p", Files: []uint64{3}}}, Release: &ecosystem.Release{ID: "debian"}}}, Gaps: []Gap{{Class: "x", Count: 1}}},
		{Names: []uint64{1, 2}, Folders: []uint64{3}, Traits: Traits{
			Files: []Trait{{Paths: []string{"bin/sh", "bin/a"}, Mode: fs.ModeSetuid | 0o755, Program: trait.Binary}, {}}, Implied: []uint64{3},
			Rights: []Rights{{Path: 1, UID: 5}}, Owners: []Owners{{UID: 5, Paths: []string{"a"}}}, Accounts: []Accounts{{Path: "etc/passwd", Users: []trait.User{{Name: "a"}}}},
		}},
	} {
		b, err := c.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		d, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, d); diff != "" {
			t.Error(diff)
		}
		once, twice := Squash([]*Contents{c, {}, d}, kinds), Squash([]*Contents{c, {}, d}, kinds)
		if diff := cmp.Diff(once, twice, cmpopts.IgnoreUnexported(System{})); diff != "" {
			t.Error(diff)
		}
		for _, p := range once.Packages {
			if p.Owner >= len(once.Packages) || len(p.Places) == 0 {
				t.Errorf("%+v", p)
			}
		}
	})
}

// FuzzLayer reads a tar in place and as a stream: the contents are the same, and stay in their budget.
func FuzzLayer(f *testing.F) {
	t := &testing.T{}
	f.Add(tarOf(t, "a.pkg=1", "b.pkg => a.pkg", "l -> a.pkg", "d/", "d/.wh..wh..opq=", ".wh.x="))
	f.Add(tarOf(t, "var/db=a 1 usr/bin/a", "usr/bin/a=x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []*Contents
		for _, blob := range []layer.Blob{{At: bytes.NewReader(b), Size: int64(len(b))}, {Stream: io.NopCloser(bytes.NewReader(b)), Size: -1}} {
			r := &Reader{
				Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: 1 << 20, Traits: true,
				Limits: layer.Limits{Entries: 1000, PathLength: 4096, Uncompressed: 1 << 20},
			}
			c, err := r.Layer(context.Background(), image.Layer{Open: func(context.Context) (layer.Blob, error) { return blob, nil }})
			if err != nil {
				return
			}
			if cost := c.Cost(); cost > 1<<20 {
				t.Errorf("what was kept takes %d bytes", cost)
			}
			c.Digest, c.DiffID, c.Verified, c.Streamed = "", "", false, 0
			got = append(got, c)
		}
		if diff := cmp.Diff(got[0], got[1]); diff != "" {
			t.Error(diff)
		}
	})
}
