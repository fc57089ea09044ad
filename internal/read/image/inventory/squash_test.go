package inventory

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// The test's own kinds: a file *.pkg is a package NAME of the version that it holds; db is a database
// of NAME=VERSION lines that owns the paths behind them.
var kinds = []ecosystem.Ecosystem{
	{
		Name: "file",
		Better: func(path string) string {
			if p, ok := strings.CutSuffix(path, ".old.pkg"); ok {
				return p + ".pkg"
			}
			return ""
		},
		Wants: func(s ecosystem.Stat) bool { return strings.HasSuffix(s.Path, ".pkg") },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			b, err := f.ReadAll(100)
			name := strings.TrimSuffix(f.Base(), ".pkg")
			return ecosystem.Found{Packages: []ecosystem.Package{{Type: "file", Name: name, Version: string(b)}}}, err
		},
	},
	{
		Name:  "origin", // MAIN says that the package of NAME.main beside it is the project's own
		Wants: func(s ecosystem.Stat) bool { return s.Base() == "MAIN" || strings.HasSuffix(s.Path, ".main") },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			b, err := f.ReadAll(100)
			if f.Base() == "MAIN" {
				return ecosystem.Found{Origin: &ecosystem.Origin{Of: string(b), Main: true}}, err
			}
			return ecosystem.Found{Packages: []ecosystem.Package{{Type: "main", Name: strings.TrimSuffix(f.Base(), ".main")}}}, err
		},
	},
	{
		Name:       "named",
		Wants:      func(s ecosystem.Stat) bool { return strings.HasSuffix(s.Path, ".doc") },
		Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) { return "Upstream", true },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			b, err := f.ReadAll(100)
			return ecosystem.Found{Packages: []ecosystem.Package{{Type: "named", Name: string(b), Version: "1-2"}}}, err
		},
	},
	{
		Name:       "found",
		Wants:      func(s ecosystem.Stat) bool { return strings.HasSuffix(s.Path, ".bin") },
		Advisories: func(p ecosystem.Package, _ ecosystem.Release) (string, bool) { return "Upstream", true },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			return ecosystem.Found{Packages: []ecosystem.Package{{Type: "generic", Name: strings.TrimSuffix(f.Base(), ".bin"), Version: "1"}}}, nil
		},
	},
	{
		Name:  "prog",
		Wants: func(s ecosystem.Stat) bool { return s.IsProgram() && s.Base() == "prog" },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			return ecosystem.Found{Packages: []ecosystem.Package{{Type: "prog", Name: "prog", Version: fmt.Sprint(f.Size)}}}, nil
		},
	},
	{
		Name: "db", Database: true, OS: true, Fixed: []string{"var/db", "var/old.db"}, OneOf: true,
		Wants: func(s ecosystem.Stat) bool { return s.Path == "var/db" || s.Path == "var/old.db" },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			b, err := f.ReadAll(1000)
			var found ecosystem.Found
			for line := range strings.Lines(string(b)) {
				words := strings.Fields(line)
				name, version, _ := strings.Cut(words[0], "=")
				found.Packages = append(found.Packages, ecosystem.Package{Type: "db", Name: name, Version: version, Files: words[1:]})
			}
			return found, err
		},
	},
}

// elf begins as a program; its test's kind knows it by the name "prog" and by that.
const elf = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00 and so on"

// one is an entry: "path=body", "dir/", "link -> target", "hard => target".
func tarOf(t *testing.T, entries ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		var h tar.Header
		var body string
		if name, target, ok := strings.Cut(e, " -> "); ok {
			h = tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}
		} else if name, target, ok := strings.Cut(e, " => "); ok {
			h = tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeLink}
		} else if strings.HasSuffix(e, "/") {
			h = tar.Header{Name: e, Typeflag: tar.TypeDir}
		} else {
			h.Name, body, _ = strings.Cut(e, "=")
			h.Typeflag, h.Size, h.Mode = tar.TypeReg, int64(len(body)), 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	w.Close()
	return buf.Bytes()
}

func inventoryOf(t *testing.T, layers ...[]string) []string {
	t.Helper()
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	var contents []*Contents
	var img []image.Layer
	for _, entries := range layers {
		raw := tarOf(t, entries...)
		l := image.Layer{Open: func(context.Context) (layer.Blob, error) {
			return layer.Blob{At: bytes.NewReader(raw), Size: int64(len(raw))}, nil
		}}
		c, err := r.Layer(context.Background(), l)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if c, err = Decode(b); err != nil {
			t.Fatal(err)
		}
		contents, img = append(contents, c), append(img, l)
	}
	inv := Squash(contents, kinds)
	for _, n := range inv.Needs {
		reads, _, _, err := r.Again(context.Background(), img[n.Layer], map[string][]string{n.Path: {n.As}})
		if err != nil {
			t.Fatal(err)
		}
		contents[n.Layer].Reads = append(contents[n.Layer].Reads, reads...)
	}
	if len(inv.Needs) > 0 {
		inv = Squash(contents, kinds)
	}
	var got []string
	for _, p := range inv.Packages {
		s := p.Name + "@" + p.Version
		for _, at := range p.Places {
			s += fmt.Sprintf(" %s:%d", at.Path, at.Layer)
		}
		if p.Owner >= 0 {
			s += " owned by " + inv.Packages[p.Owner].Name
		}
		if p.Main {
			s += " main"
		}
		got = append(got, s)
	}
	return got
}

// TestSquash follows the OCI image layer specification (layer.md, "Applying Changesets", "Whiteouts")
// and what Docker and containerd do where that is silent: TestEngines holds them against it.
func TestSquash(t *testing.T) {
	type layers [][]string
	for name, c := range map[string]struct {
		layers layers
		want   []string
	}{
		"plain":                         {layers{{"a.pkg=1"}, {"b.pkg=2"}}, []string{"a@1 a.pkg:0", "b@2 b.pkg:1"}},
		"whiteout":                      {layers{{"d/a.pkg=1", "d/b.pkg=1"}, {"d/.wh.a.pkg="}}, []string{"b@1 d/b.pkg:0"}},
		"whiteout of a folder":          {layers{{"d/e/a.pkg=1"}, {".wh.d="}}, nil},
		"whiteout spares its own layer": {layers{{"a.pkg=1"}, {"a.pkg=2", ".wh.a.pkg="}}, []string{"a@2 a.pkg:1"}},
		"whiteout and folder":           {layers{{"d/a.pkg=1", "d/b.pkg=1"}, {".wh.d=", "d/", "d/a.pkg=2"}}, []string{"a@2 d/a.pkg:1", "b@1 d/b.pkg:0"}},
		"opaque":                        {layers{{"d/a.pkg=1", "a.pkg=1"}, {"d/b.pkg=2", "d/.wh..wh..opq="}}, []string{"a@1 a.pkg:0", "b@2 d/b.pkg:1"}},
		"opaque root":                   {layers{{"d/a.pkg=1"}, {".wh..wh..opq=", "b.pkg=1"}}, []string{"b@1 b.pkg:1"}},
		"replaced":                      {layers{{"a.pkg=1"}, {"a.pkg=2"}}, []string{"a@2 a.pkg:1"}},
		"replaced by a link":            {layers{{"a.pkg=1"}, {"a.pkg -> nowhere"}}, nil},
		"file replaces folder":          {layers{{"d/a.pkg=1"}, {"d=file"}}, nil},
		"folder replaces file":          {layers{{"a.pkg=1"}, {"a.pkg/"}}, nil},
		"link replaces folder":          {layers{{"d/a.pkg=1"}, {"d -> e"}}, nil},
		"last entry wins":               {layers{{"a.pkg=1", "a.pkg=2"}}, []string{"a@2 a.pkg:0"}},
		"last entry is a link":          {layers{{"a.pkg=1", "a.pkg -> b"}}, nil},
		"hard link":                     {layers{{"x/a.pkg=1", "y/a.pkg => x/a.pkg"}}, []string{"a@1 x/a.pkg:0 y/a.pkg:0"}},
		"hard link outlives its target": {layers{{"x/a.pkg=1", "y/a.pkg => x/a.pkg"}, {"x/.wh.a.pkg="}}, []string{"a@1 y/a.pkg:0"}},
		"hard link to an unread file":   {layers{{"x/data=1", "y/a.pkg => x/data"}}, []string{"a@1 y/a.pkg:0"}},
		"hard link to a program":        {layers{{"bin/[=" + elf, "bin/prog => bin/["}}, []string{"prog@30 bin/prog:0"}},
		"written through a link":        {layers{{"usr/lib/", "lib -> usr/lib", "lib/a.pkg=1"}}, []string{"a@1 usr/lib/a.pkg:0"}},
		"replaced through a link":       {layers{{"usr/lib/a.pkg=1"}, {"lib -> usr/lib", "lib/a.pkg=2"}}, []string{"a@2 usr/lib/a.pkg:1"}},
		"removed through a link":        {layers{{"usr/lib/a.pkg=1"}, {"lib -> usr/lib", "lib/.wh.a.pkg="}}, nil},
		"opaque through a link":         {layers{{"usr/lib/a.pkg=1"}, {"lib -> usr/lib", "lib/.wh..wh..opq="}}, nil},
		"folder takes a link's place":   {layers{{"usr/lib/a.pkg=1", "lib -> usr/lib"}, {"lib/a.pkg=2"}}, []string{"a@1 usr/lib/a.pkg:0", "a@2 lib/a.pkg:1"}},
		"whiteout takes a link's place": {layers{{"usr/lib/a.pkg=1", "lib -> usr/lib"}, {"lib/.wh.a.pkg="}}, []string{"a@1 usr/lib/a.pkg:0"}},
		"link to a link":                {layers{{"p/q/", "x -> p/q", "y -> x/../r", "y/a.pkg=1"}}, []string{"a@1 p/r/a.pkg:0"}},
		"link replaces its own folder":  {layers{{"d/a.pkg=1", "d -> e", "d/b.pkg=1"}}, []string{"b@1 e/b.pkg:0"}},
		"file replaces its own folder":  {layers{{"d/a.pkg=1", "d=file"}}, nil},
		"folder replaces its own file":  {layers{{"d/a.pkg=1"}, {"d=file", "d/", "d/b.pkg=1"}}, []string{"a@1 d/a.pkg:0", "b@1 d/b.pkg:1"}},
		"folder replaces its own link":  {layers{{"d -> e", "d/", "d/a.pkg=1"}}, []string{"a@1 d/a.pkg:0"}},
		"hard link to a link":           {layers{{"x -> y", "z => x", "z/a.pkg=1"}}, []string{"a@1 y/a.pkg:0"}},
		"hard link through a link":      {layers{{"y/data=1", "x -> y", "a.pkg => x/data"}}, []string{"a@1 a.pkg:0"}},
		"hard link to a hard link":      {layers{{"x/data=1", "y => x/data", "a.pkg => y", "b/a.pkg => a.pkg"}}, []string{"a@1 a.pkg:0 b/a.pkg:0"}},
		"hard links nobody wants":       {layers{{"x=1", "y => x", "z => y", "a.pkg => z", "b.pkg => y"}}, []string{"a@1 a.pkg:0", "b@1 b.pkg:0"}},
		"replaced under hard links":     {layers{{"x=1", "y => x", "x=2", "a.pkg => y", "y=3", "b.pkg => x"}}, []string{"a@1 a.pkg:0", "b@2 b.pkg:0"}},
		"link to a file that links":     {layers{{"x=1", "y => x", "a.pkg => y", "y=3", "y => x", "b.pkg => y"}}, []string{"a@1 a.pkg:0", "b@1 b.pkg:0"}},
		"hard link outlives its file":   {layers{{"data=1", "a.pkg => data", "data=2"}}, []string{"a@1 a.pkg:0"}},
		"hard link is replaced":         {layers{{"data=1", "a.pkg => data", "a.pkg=2"}}, []string{"a@2 a.pkg:0"}},
		"no name after the prefix":      {layers{{"a.pkg=1", "d/b.pkg=1"}, {".wh.=", "d/.wh.=", "d/.wh..=", "d/.wh...="}}, []string{"a@1 a.pkg:0", "b@1 d/b.pkg:0"}},
		"folder instead of a link":      {layers{{"usr/lib/a.pkg=1", "lib -> usr/lib"}, {"lib/", "lib/a.pkg=2"}}, []string{"a@1 usr/lib/a.pkg:0", "a@2 lib/a.pkg:1"}},
		"links in a circle":             {layers{{"x -> y", "y -> x", "x/a.pkg=1"}}, nil},
		"links out of the root":         {layers{{"x -> ../../../../etc", "x/a.pkg=1"}}, []string{"a@1 etc/a.pkg:0"}},
		"database through a link":       {layers{{"var -> data", "data/db=n=1"}}, []string{"n@1 data/db:0"}},
		"database file is a link":       {layers{{"var/db -> /opt/db", "opt/db=n=1"}}, []string{"n@1 opt/db:0"}},
		"database file is a new link":   {layers{{"opt/db=n=1"}, {"var/db -> /opt/db"}}, []string{"n@1 opt/db:0"}},
		"database file is a hard link":  {layers{{"opt/x=n=1", "opt/db => opt/x"}, {"var/db -> /opt/db"}}, []string{"n@1 opt/db:0"}},
		"database grows":                {layers{{"var/db=a=1\nb=1"}, {"other=x"}, {"var/db=a=1\nb=2\nc=1"}}, []string{"a@1 var/db:0", "b@2 var/db:2", "c@1 var/db:2"}},
		"package comes back":            {layers{{"var/db=a=1"}, {"var/db=b=1"}, {"var/db=a=1\nb=1"}}, []string{"a@1 var/db:2", "b@1 var/db:1"}},
		"old form in a lower layer":     {layers{{"var/old.db=a=1\nb=1"}, {"var/db=a=2"}}, []string{"a@2 var/db:1"}},
		"old form in an upper layer":    {layers{{"var/db=a=2"}, {"var/old.db=a=1\nb=1"}}, []string{"a@2 var/db:0"}},
		"new form is empty":             {layers{{"var/old.db=a=1"}, {"var/db="}}, []string{"a@1 var/old.db:0"}},
		"new form removed again":        {layers{{"var/old.db=a=1"}, {"var/db=a=2"}, {"var/.wh.db="}}, []string{"a@1 var/old.db:0"}},
		"better beside it":              {layers{{"x/a.pkg=1", "x/a.old.pkg=2", "y/a.old.pkg=3"}}, []string{"a@1 x/a.pkg:0", "a.old@3 y/a.old.pkg:0"}},
		"better in another layer":       {layers{{"a.old.pkg=2"}, {"a.pkg=1"}}, []string{"a@1 a.pkg:1"}},
		"better removed again":          {layers{{"a.pkg=1", "a.old.pkg=2"}, {".wh.a.pkg="}}, []string{"a.old@2 a.old.pkg:0"}},
		"origin":                        {layers{{"d/p.main=", "d/MAIN=p.main"}}, []string{"p@ d/p.main:0 main"}},
		"origin through a link":         {layers{{"lib/", "lib64 -> lib", "lib64/d/p.main=", "lib64/d/MAIN=p.main"}}, []string{"p@ lib/d/p.main:0 main"}},
		"owned":                         {layers{{"var/db=deb=1 /usr/x/a.pkg", "usr/x/a.pkg=1", "opt/b.pkg=1"}}, []string{"deb@1 var/db:0", "a@1 usr/x/a.pkg:0 owned by deb", "b@1 opt/b.pkg:0"}},
		"owned on merged usr":           {layers{{"var/db=deb=1 /lib/a.pkg", "usr/lib/a.pkg=1"}}, []string{"deb@1 var/db:0", "a@1 usr/lib/a.pkg:0 owned by deb"}},
		"same software":                 {layers{{"opt/x/x.doc=x", "opt/x/bin/x.bin="}}, []string{"x@1 opt/x/bin/x.bin:0 owned by x", "x@1-2 opt/x/x.doc:0"}},
		"same software elsewhere":       {layers{{"opt/x/x.doc=x", "usr/bin/x.bin="}}, []string{"x@1 usr/bin/x.bin:0", "x@1-2 opt/x/x.doc:0"}},
		"other software inside":         {layers{{"opt/x/x.doc=x", "opt/x/bin/y.bin="}}, []string{"y@1 opt/x/bin/y.bin:0", "x@1-2 opt/x/x.doc:0"}},
		"owned in one of two places":    {layers{{"var/db=deb=1 /x/a.pkg", "x/a.pkg=1", "y/a.pkg=1"}}, []string{"deb@1 var/db:0", "a@1 x/a.pkg:0 owned by deb", "a@1 y/a.pkg:0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, inventoryOf(t, c.layers...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHiddenGaps has files that cannot be read: what upper layers hide of them is not told, however it is
// hidden, and what can still be seen under another name is.
func TestHiddenGaps(t *testing.T) {
	broken := append([]ecosystem.Ecosystem{
		{
			Name:  "broken",
			Wants: func(s ecosystem.Stat) bool { return strings.HasSuffix(s.Path, ".bad") },
			Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
				if b, err := f.ReadAll(100); err != nil || string(b) != "note" {
					return ecosystem.Found{}, fmt.Errorf("no such format")
				}
				return ecosystem.Found{Notes: []ecosystem.Note{{Class: "other-release", What: "x", Path: "in/it"}}}, nil
			},
		},
		{
			Name: "brokendb", Database: true,
			Wants: func(s ecosystem.Stat) bool { return s.Path == "var/list" },
			Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
				if b, err := f.ReadAll(100); err != nil || string(b) != "good" {
					return ecosystem.Found{}, fmt.Errorf("no such format")
				}
				return ecosystem.Found{}, nil
			},
		},
	}, kinds...)
	for name, c := range map[string]struct {
		layers [][]string
		want   []string
	}{
		"seen":                         {[][]string{{"d/a.bad=x"}, {"d/b=x"}}, []string{"0 unreadable-package d/a.bad"}},
		"replaced":                     {[][]string{{"d/a.bad=x"}, {"d/a.bad/"}}, nil},
		"removed":                      {[][]string{{"d/a.bad=x"}, {"d/.wh.a.bad="}}, nil},
		"removed with its folder":      {[][]string{{"d/a.bad=x"}, {"d/.wh..wh..opq="}}, nil},
		"replaced by another":          {[][]string{{"a.bad=x"}, {"a.bad=y"}}, []string{"1 unreadable-package a.bad"}},
		"replaced in its own layer":    {[][]string{{"a.bad=x", "a.bad=note"}}, []string{"0 note other-release a.bad"}},
		"a note":                       {[][]string{{"a.bad=note"}, {"a.bad -> b"}}, nil},
		"one of its names":             {[][]string{{"a.bad=x", "b.bad => a.bad"}, {".wh.a.bad="}}, []string{"0 unreadable-package b.bad"}},
		"a name of a name":             {[][]string{{"a.bad=x", "b => a.bad", "c.bad => b"}, {".wh.a.bad=", ".wh.b="}}, []string{"0 unreadable-package c.bad"}},
		"all of its names":             {[][]string{{"a.bad=x", "b.bad => a.bad"}, {".wh.a.bad=", ".wh.b.bad="}}, nil},
		"its first name in its layer":  {[][]string{{"a.bad=x", "b.bad => a.bad", "a.bad -> c"}}, []string{"0 unreadable-package b.bad"}},
		"where a link leads":           {[][]string{{"usr/lib/", "lib -> usr/lib", "lib/a.bad=x"}, {"usr/lib/.wh.a.bad="}}, nil},
		"what a link leads to":         {[][]string{{"usr/lib/", "lib -> usr/lib", "lib/a.bad=x"}, {"lib/b=x"}}, []string{"0 unreadable-package usr/lib/a.bad"}},
		"a database, replaced":         {[][]string{{"var/list=x"}, {"var/list=good"}}, []string{"0 note unreadable-database var/list"}},
		"a database, replaced in vain": {[][]string{{"var/list=good"}, {"var/list=x"}}, []string{"1 unreadable-database var/list"}},
		"a database, removed":          {[][]string{{"var/list=x"}, {"var/.wh.list="}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var contents []*Contents
			for _, entries := range c.layers {
				raw := tarOf(t, entries...)
				r := &Reader{Ecosystems: broken, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
				l, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
					return layer.Blob{At: bytes.NewReader(raw), Size: int64(len(raw))}, nil
				}})
				if err != nil {
					t.Fatal(err)
				}
				contents = append(contents, l)
			}
			var got []string
			for i, gaps := range Squash(contents, broken).Layers {
				for _, g := range gaps {
					class := g.Class
					if !g.Blocking {
						class = "note " + class
					}
					got = append(got, fmt.Sprintf("%d %s %s", i, class, g.Path))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUnreadable has entries that no engine unpacks, and that may stand for a package: each is a gap.
func TestUnreadable(t *testing.T) {
	for name, entries := range map[string][]string{
		"a hard link to a file of another layer": {"b=x", "a.pkg => elsewhere"},
		"a hard link to a link to such a file":   {"b=x", "y => elsewhere", "a.pkg => y"},
		"links in a circle":                      {"x -> y", "y -> x", "x/a.pkg=1"},
	} {
		raw := tarOf(t, entries...)
		r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
		c, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
			return layer.Blob{At: bytes.NewReader(raw), Size: int64(len(raw))}, nil
		}})
		if err != nil || len(c.Gaps) != 1 || !c.Gaps[0].Blocking || !strings.HasSuffix(c.Gaps[0].Path, "a.pkg") {
			t.Errorf("%s: gaps %+v, %v", name, c.Gaps, err)
		}
	}
}
