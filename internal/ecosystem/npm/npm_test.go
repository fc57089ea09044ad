package npm

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestWants(t *testing.T) {
	for path, want := range map[string]bool{
		"app/node_modules/a/package.json":                                  true,
		"app/node_modules/@s/a/package.json":                               true,
		"app/node_modules/a/node_modules/b/package.json":                   true,
		"app/node_modules/test/package.json":                               true,
		"app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json":       true,
		"app/node_modules/.pnpm/@s+a@1.0.0/node_modules/@s/a/package.json": true,
		"app/tests/node_modules/a/package.json":                            true,
		"usr/lib/node_modules/npm/package.json":                            true,
		"usr/lib/node_modules/npm/node_modules/tar/package.json":           true,
		"usr/share/nodejs/@types/node/package.json":                        true,

		"app/package.json":                              true,
		"package.json":                                  true,
		"app/node_modules/a/dist/package.json":          false,
		"app/node_modules/a/test/fixtures/package.json": false,
		"app/node_modules/resolve/test/pathfilter/node_modules/x/package.json": false,
		"app/node_modules/@s/package.json":                                     false,
		"app/node_modules/.bin/package.json":                                   false,
		"app/node_modules/package.json":                                        false,
		"app/examples/demo/package.json":                                       false,
		"app/node_modules/.package-lock.json":                                  true,
		"app/package-lock.json":                                                true,
		"app/bun.lock":                                                         true,
		"app/node_modules/a/yarn.lock":                                         false,
		"app/.yarn/cache/a-npm-1.0.0-0123456789-8.zip":                         true,
		"root/.yarn/berry/cache/a-npm-1.0.0-0123456789-10c0.zip":               true,
		"app/bun.lockb":                                                        true,
		"app/node_modules/a/bun.lockb":                                         false,
		"app/some.zip":                                                         false,
	} {
		if got := wants(ecosystem.Stat{Path: path}); got != want {
			t.Errorf("wants(%s) = %v", path, got)
		}
	}
}

// readText reads a file with this path and content.
func readText(path, content string) (ecosystem.Found, error) {
	return read(context.Background(), &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(content))},
		Reader: strings.NewReader(content),
	})
}

func TestManifest(t *testing.T) {
	for name, test := range map[string]struct {
		path, text string
		want       []ecosystem.Package
	}{
		"plain": {
			"node_modules/a/package.json",
			`{"name":"a","version":"v1.2.3","license":"MIT","scripts":{"x":"\"}"},"dependencies":{"b":"^1","al":"npm:@s/real@2","l":"file:../l"},"optionalDependencies":{"b":"^1"}}`,
			[]ecosystem.Package{{Type: "npm", Name: "a", Version: "1.2.3", Licenses: []string{"MIT"}, Depends: []string{"@s/real", "b"}}},
		},
		"scope, old licences, byte order mark": {
			"node_modules/@s/a/package.json",
			"\xef\xbb\xbf" + `{"license":{"type":"ISC","url":"x"},"licenses":[{"type":"MIT"},"BSD"],"name":"@s\/a","version":"1.0.0","x":[1,-2.5e3,{"y":null}]}`,
			[]ecosystem.Package{{Type: "npm", Namespace: "@s", Name: "a", Version: "1.0.0", Licenses: []string{"ISC", "MIT", "BSD"}}},
		},
		"an alias has its real name inside": {
			"node_modules/alias/package.json", `{"name":"real","version":"1.0.0"}`,
			[]ecosystem.Package{{Type: "npm", Name: "real", Version: "1.0.0"}},
		},
		"the project": {
			"app/package.json", `{"name":"shop","version":"1.4.0"}`,
			[]ecosystem.Package{{Type: "npm", Name: "shop", Version: "1.4.0", Main: true}},
		},
		"no version":      {"node_modules/a/package.json", `{"name":"a"}`, nil},
		"types mixed up":  {"node_modules/a/package.json", `{"name":["a"],"version":1,"license":7,"dependencies":[]}`, nil},
		"a template":      {"app/package.json", `{"name": <%= name %>}`, nil},
		"no package name": {"node_modules/a/package.json", `{"name":"../a","version":"1.0.0"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readText(test.path, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, found.Packages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBinaryLock wants a gap that blocks: nothing else may tell what such a project needs.
func TestBinaryLock(t *testing.T) {
	found, err := readText("app/bun.lockb", "#!/usr/bin/env bun\nbun-lockfile-format-v0\n\x02\x00")
	if err != nil || len(found.Packages) > 0 || len(found.Notes) != 1 || !found.Notes[0].Blocking {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestBrokenManifest(t *testing.T) {
	for _, text := range []string{"", "[]", `{"name":"a"`, `{"name":"a",}`, `{"name" "a"}`, `{"name":"a" "version":"1"}`, `{"a":`, `{"a":]}`, strings.Repeat(`{"license":[`, 1) + strings.Repeat("[", 500)} {
		if found, err := readText("node_modules/a/package.json", text); err == nil {
			t.Errorf("%q: no error, %v", text, found)
		}
	}
}

// readFolder reads the node_modules of a folder.
func readFolder(t *testing.T, dir string) (all []ecosystem.Package) {
	t.Helper()
	root := os.DirFS(dir)
	err := fs.WalkDir(root, "node_modules", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !wants(ecosystem.Stat{Path: path}) {
			return err
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		found, err := readText(path, string(b))
		all = append(all, found.Packages...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func BenchmarkManifest(b *testing.B) {
	text := []byte(`{"name":"a","version":"1.2.3","description":"` + strings.Repeat("words ", 20) + `","files":["a","b"],
"scripts":{"test":"jest","lint":"eslint ."},"repository":{"type":"git","url":"x"},"license":"MIT",
"dependencies":{"b":"^1.0.0","c":"^2.0.0","d":"~3.1.0"},"devDependencies":{` + strings.Repeat(`"jest":"^29.0.0",`, 20) + `"x":"1"}}`)
	f := &ecosystem.File{Stat: ecosystem.Stat{Path: "node_modules/a/package.json", Size: int64(len(text))}}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f.Reader = strings.NewReader(string(text))
		if found, err := read(context.Background(), f); err != nil || len(found.Packages) != 1 {
			b.Fatal(found, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	paths := []string{"node_modules/a/package.json", "package-lock.json", "node_modules/.package-lock.json", "bun.lock", "yarn.lock", "pnpm-lock.yaml", "a/.yarn/cache/a-npm-1.0.0-x-y.zip", "package.json"}
	for i, seed := range []string{
		`{"name":"@s/a","version":"1.0.0","license":[{"type":"MIT"}],"dependencies":{"b":"npm:c@1"}}`,
		lockV3, lockV1, bunLock, yarnV1, pnpmV5, yarnBerry, pnpmV9,
	} {
		f.Add(byte(i), seed)
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		found, err := readText(paths[int(which)%len(paths)], text)
		if err == nil && len(found.Packages) > len(text)+1 {
			t.Errorf("%d packages from %d bytes", len(found.Packages), len(text))
		}
		if i := slices.IndexFunc(found.Packages, func(p ecosystem.Package) bool { return p.Name == "" || p.Type != "npm" }); i >= 0 {
			t.Errorf("package %d has no name or type", i)
		}
	})
}
