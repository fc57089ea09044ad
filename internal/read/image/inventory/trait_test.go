package inventory

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// headers make one layer; a body rides in Uname.
type headers []tar.Header

func (hs headers) read(t *testing.T) *Contents {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		body := h.Uname
		h.Uname, h.Format = "", tar.FormatPAX
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte(body))
		}
	}
	w.Close()
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Traits: true}
	c, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
		return layer.Blob{At: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// netRaw is the attribute that setcap cap_net_raw=ep writes.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func capable(name, attribute string) tar.Header {
	return tar.Header{Name: name, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": attribute}}
}

const anELF = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00"

// TestTraits lays layers over each other: what the container sees of special files is what stands there in the end.
func TestTraits(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []headers
		want   []string // PATH[,OTHER NAME] MODE UID:GID LAYER CAPABILITIES
	}{
		{"setuid", []headers{{{Name: "bin/su", Mode: 0o4755}, {Name: "bin/cat", Mode: 0o755}}}, []string{"bin/su urwxr-xr-x 0:0 0"}},
		{"a later layer takes the bit", []headers{{{Name: "bin/su", Mode: 0o4755}}, {{Name: "bin/su", Mode: 0o755}}}, nil},
		{"a later layer sets it", []headers{{{Name: "bin/su", Mode: 0o755}}, {{Name: "bin/su", Mode: 0o4755}}}, []string{"bin/su urwxr-xr-x 0:0 1"}},
		{"removed", []headers{{{Name: "bin/su", Mode: 0o4755}}, {{Name: "bin/.wh.su"}}}, nil},
		{"its folder removed", []headers{{{Name: "opt/x/su", Mode: 0o4755}}, {{Name: ".wh.opt"}}}, nil},
		{"its folder replaced by a file", []headers{{{Name: "opt/x/su", Mode: 0o4755}}, {{Name: "opt", Mode: 0o644}}}, nil},
		{"its folder emptied", []headers{{{Name: "opt/su", Mode: 0o4755}}, {{Name: "opt/.wh..wh..opq"}}}, nil},
		{"twice in one layer", []headers{{{Name: "bin/su", Mode: 0o4755}, {Name: "bin/su", Mode: 0o755}}}, nil},
		{"hard link", []headers{{{Name: "a", Mode: 0o4755}, {Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}}}, []string{"a,b urwxr-xr-x 0:0 0"}},
		{"first name removed", []headers{{{Name: "a", Mode: 0o4755}, {Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}}, {{Name: ".wh.a"}}}, []string{"b urwxr-xr-x 0:0 0"}},
		{"first name replaced", []headers{{{Name: "a", Mode: 0o4755}, {Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}, {Name: "a", Mode: 0o644}}}, []string{"b urwxr-xr-x 0:0 0"}},
		{"through a link of the layer", []headers{{{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"}, {Name: "bin/su", Mode: 0o4755}}}, []string{"usr/bin/su urwxr-xr-x 0:0 0"}},
		{"capabilities", []headers{{capable("bin/ping", netRaw)}}, []string{"bin/ping -rwxr-xr-x 0:0 0 cap_net_raw=ep"}},
		{"capabilities that are none", []headers{{capable("bin/ping", "junk"), capable("bin/pong", strings.Repeat("x", 64<<10))}}, nil},
		{"world-writable", []headers{{{Name: "a", Mode: 0o666}, {Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a", Mode: 0o777}}}, []string{"a -rw-rw-rw- 0:0 0"}},
		{"folders", []headers{{{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, {Name: "all/", Typeflag: tar.TypeDir, Mode: 0o777}}}, []string{"all drwxrwxrwx 0:0 0"}},
		{"folder that a later layer only writes into", []headers{{{Name: "all/", Typeflag: tar.TypeDir, Mode: 0o777}}, {{Name: "all/x", Mode: 0o644}}}, []string{"all drwxrwxrwx 0:0 0"}},
		{"folder that a later layer mends", []headers{{{Name: "all/", Typeflag: tar.TypeDir, Mode: 0o777}}, {{Name: "all/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "all/x", Mode: 0o644}}}, nil},
		{"device", []headers{{{Name: "dev/sda", Typeflag: tar.TypeBlock, Mode: 0o660, Gid: 6}, {Name: "run/pipe", Typeflag: tar.TypeFifo, Mode: 0o600}}}, []string{"dev/sda Drw-rw---- 0:6 0"}},
		{"program", []headers{{{Name: "srv/cart", Mode: 0o755, Uname: anELF}, {Name: "usr/lib/libc.so.6", Mode: 0o755, Uname: anELF}}}, []string{"srv/cart -rwxr-xr-x 0:0 0"}},
		{"numbers beyond the header's", []headers{{{Name: "a", Mode: 0o4755, Uid: 3_000_000}}}, []string{"a urwxr-xr-x 3000000:0 0"}},
		{"dump", []headers{{{Name: "core", Mode: 0o600, Uname: anELF[:16] + "\x04\x00"}, {Name: "core.1", Mode: 0o600, Uname: anELF}}}, []string{"core -rw------- 0:0 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range squashed(t, c.layers).Files {
				one := fmt.Sprintf("%s %v %d:%d %d", strings.Join(f.Paths, ","), f.Mode, f.UID, f.GID, f.Layer)
				if f.Capabilities.Permitted != 0 {
					one += " " + f.Capabilities.String()
				}
				got = append(got, one)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func squashed(t *testing.T, layers []headers) System {
	t.Helper()
	var all []*Contents
	for _, l := range layers {
		c := l.read(t)
		b, err := c.Encode() // what the cache keeps says the same
		if err != nil {
			t.Fatal(err)
		}
		if c, err = Decode(b); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return Squash(all, kinds).System
}

// TestLook asks for the rights of paths that are known only when the image's configuration is read.
func TestLook(t *testing.T) {
	s := squashed(t, []headers{
		{
			{Name: "srv/", Typeflag: tar.TypeDir, Mode: 0o755, Uid: 7},
			{Name: "srv/app.js", Mode: 0o644, Uid: 7},
			{Name: "srv/ours", Mode: 0o644},
			{Name: "app", Typeflag: tar.TypeSymlink, Linkname: "/srv"},
			{Name: "gone", Mode: 0o644, Uid: 7},
			{Name: "opt/x", Mode: 0o664, Gid: 5},
		},
		{{Name: "srv/app.js", Mode: 0o600}, {Name: ".wh.gone"}},
	})
	for path, want := range map[string]string{
		"srv/app.js": "-rwxr-xr-x 0:0 1", "/app/app.js": "-rwxr-xr-x 0:0 1", "srv/ours": "-rwxr-xr-x 0:0 0", "srv": "drwxr-xr-x 7:0 0", "app": "drwxr-xr-x 7:0 0",
		"gone": "none", "nowhere": "none", "srv/nowhere": "none", "opt/x": "-rw-rw-r-- 0:5 0",
	} {
		got := "none"
		if f, ok := s.Look(path); ok {
			got = fmt.Sprintf("%v %d:%d %d", f.Mode, f.UID, f.GID, f.Layer)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestRoles(t *testing.T) {
	s := squashed(t, []headers{
		{
			{Name: "bin/busybox", Mode: 0o755, Uname: anELF},
			{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "/bin/busybox"},
			{Name: "usr/bin/python3.11", Mode: 0o755, Uname: anELF},
			{Name: "usr/bin/python3", Typeflag: tar.TypeSymlink, Linkname: "python3.11"},
			{Name: "usr/lib/npm/cli.js", Mode: 0o755, Uname: "#!/usr/bin/env node\n"},
			{Name: "usr/bin/npm", Typeflag: tar.TypeSymlink, Linkname: "../lib/npm/cli.js"},
			{Name: "usr/bin/bash", Mode: 0o755, Uname: anELF},
		},
		{{Name: "usr/bin/.wh.bash"}},
	})
	var got []string
	for _, f := range s.Files {
		got = append(got, fmt.Sprint(f.Paths[0], f.Roles, f.Manager))
	}
	if diff := cmp.Diff([]string{"bin/busybox[shell]", "usr/bin/python3.11[interpreter]", "usr/lib/npm/cli.js[package manager]npm"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAccounts(t *testing.T) {
	s := squashed(t, []headers{
		{{Name: "etc/passwd", Mode: 0o644, Uname: "root:x:0:0::/:/bin/sh\n"}, {Name: "etc/shadow", Mode: 0o640, Uname: "root::1\napp:$6$salt$hash:1\n"}},
		{{Name: "etc/passwd", Mode: 0o644, Uname: "root:x:0:0::/:/bin/sh\napp:x:5:5::/:/bin/sh\n"}, {Name: "etc/sudoers.d/app", Mode: 0o440, Uname: "app ALL=(ALL) NOPASSWD: ALL\n"}},
	})
	var got []string
	for _, a := range s.Accounts {
		for _, u := range a.Users {
			got = append(got, fmt.Sprint(a.Path, " ", u.Name, " ", u.Password))
		}
		got = append(got, a.Free...)
	}
	if diff := cmp.Diff([]string{"etc/passwd root 0", "etc/passwd app 0", "app", "etc/shadow root 1", "etc/shadow app 2"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestNoPasswords wants no password in what the cache keeps.
func TestNoPasswords(t *testing.T) {
	b, err := headers{{Name: "etc/shadow", Uname: "app:$6$saltsalt$thehash:1\n"}, {Name: "etc/passwd", Uname: "a:$1$saltsalt$otherhash:1:1::/:/bin/sh\n"}}.read(t).Encode()
	if err != nil || bytes.Contains(b, []byte("thehash")) || bytes.Contains(b, []byte("otherhash")) {
		t.Errorf("a hash is kept: %v", err)
	}
}

// TestManyTraits has more setuid files, names and attributes than there is room for: bounded in memory and time.
func TestManyTraits(t *testing.T) {
	start := spent(t)
	attribute := map[string]string{"SCHILY.xattr.security.capability": strings.Repeat("x", 64<<10)}
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: 8 << 20, Traits: true}
	c, err := r.Layer(t.Context(), many(200_000, func(i int) (tar.Header, string) {
		return tar.Header{Name: fmt.Sprintf("%08d", i), Mode: 0o6777, Uid: i}, ""
	}))
	if err == nil || c.Cost() > 8<<20 {
		t.Errorf("%d bytes are kept, %v", c.Cost(), err)
	}
	r.Kept = 64 << 20
	if c, err = r.Layer(t.Context(), many(500, func(i int) (tar.Header, string) {
		return tar.Header{Name: fmt.Sprint(i), Mode: 0o755, PAXRecords: attribute, Format: tar.FormatPAX}, ""
	})); err != nil || len(c.Traits.Files) != 0 || c.Cost() > 1<<20 {
		t.Errorf("%d files, %d bytes, %v", len(c.Traits.Files), c.Cost(), err)
	}
	if c, err = r.Layer(t.Context(), many(100_000, func(i int) (tar.Header, string) {
		if i == 0 {
			return tar.Header{Name: "a", Mode: 0o4755}, ""
		}
		return tar.Header{Name: fmt.Sprintf("a%d", i%50_000), Linkname: "a", Typeflag: tar.TypeLink}, ""
	})); err != nil || len(c.Traits.Files) != 1 {
		t.Errorf("%d files, %v", len(c.Traits.Files), err)
	}
	if took := spent(t) - start; took > time.Minute {
		t.Errorf("took %v", took)
	}
}
