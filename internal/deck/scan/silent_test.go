package scan_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestManifests lays manifests beside what answers them and what does not. Each layer is a list of
// PATH, TEXT; want is the packages, then the classes of gap with their paths.
func TestManifests(t *testing.T) {
	const (
		shop    = `{"name": "shop", "version": "1.0.0", "dependencies": {"axios": "0.21.1", "express": "^4"}, "devDependencies": {"jest": "1.0.0"}}`
		axios   = `{"name": "axios", "version": "0.21.1"}`
		flask   = "Metadata-Version: 2.1\nName: Flask\nVersion: 2.0.1\n"
		project = "[project]\nname = 'x'\ndependencies = ['Flask==2.0.0', 'tomli; python_version < \"3.11\"']\n"
		site    = "usr/lib/python3.11/site-packages/"
	)
	for _, test := range []struct {
		name   string
		layers [][]string
		want   string
	}{
		{"nothing beside", [][]string{{"app/package.json", shop}}, "axios 0.21.1, shop 1.0.0 | no-lock-file app/package.json"},
		{"installed beside", [][]string{{"app/package.json", shop, "app/node_modules/axios/package.json", axios}}, "axios 0.21.1, shop 1.0.0 |"},
		{"installed above", [][]string{{"app/node_modules/axios/package.json", axios}, {"app/web/package.json", shop}}, "axios 0.21.1, shop 1.0.0 |"},
		{"installed elsewhere", [][]string{{"app/package.json", shop, "other/node_modules/axios/package.json", axios}}, "axios 0.21.1, shop 1.0.0 | no-lock-file app/package.json"},
		{"locked beside", [][]string{{"app/package.json", shop, "app/yarn.lock", "# yarn lockfile v1\n\naxios@0.21.1:\n  version \"0.21.2\"\n"}}, "axios 0.21.2, shop 1.0.0 |"},
		{"locked in a lower layer, above", [][]string{{"app/yarn.lock", "# yarn lockfile v1\n\naxios@1:\n  version \"0.21.2\"\n"}, {"app/web/package.json", shop}}, "axios 0.21.2, shop 1.0.0 |"},
		{"the lock removed", [][]string{{"app/package.json", shop, "app/yarn.lock", "# yarn lockfile v1\n"}, {"app/.wh.yarn.lock", ""}}, "axios 0.21.1, shop 1.0.0 | no-lock-file app/package.json"},
		{"a package's own", [][]string{{"app/node_modules/a/package.json", shop, site + "lab/static/package.json", shop, "srv/vendor/x/composer.json", `{"require": {"a/b": "^1"}}`}}, "shop 1.0.0 |"},
		{"a file of an OS package", [][]string{{
			"usr/share/x/package.json", shop, "etc/os-release", "ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/info/x.list", "/usr/share/x/package.json\n",
			"var/lib/dpkg/status", "Package: x\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x\n\n",
		}}, "axios 0.21.1, shop 1.0.0, x 1 |"},
		{"Python with nothing installed", [][]string{{"app/pyproject.toml", project}}, "flask 2.0.0 | no-lock-file app/pyproject.toml"},
		{"Python with all installed", [][]string{{"app/pyproject.toml", project, site + "Flask-2.0.1.dist-info/METADATA", flask}}, "flask 2.0.1 |"},
		{"Python with requirements", [][]string{{"app/pyproject.toml", project, "app/requirements.txt", "flask==1.0\ntomli==2.0\n"}}, "flask 1.0, tomli 2.0 |"},
		{"wishes installed", [][]string{{"app/requirements.txt", "flask>=2", site + "Flask-2.0.1.dist-info/METADATA", flask}}, "flask 2.0.1 |"},
		{"wishes not installed", [][]string{{"app/requirements.txt", "flask>=2\nrequests", site + "Flask-2.0.1.dist-info/METADATA", flask}}, "flask 2.0.1 | no-lock-file app/requirements.txt"},
		{"wishes for development", [][]string{{"app/requirements-dev.txt", "flask>=2"}}, "| no-packages, unknown-version app/requirements-dev.txt"},
		{"included", [][]string{{"app/base.txt", "flask==1.0\n-r deep/more.in\n", "app/deep/more.in", "# nothing\n-r ../base.txt\nrequests==2.0"}, {"app/requirements.txt", "-r base.txt\n"}}, "flask 1.0, requests 2.0 |"},
		{"included in a circle", [][]string{{"app/requirements.txt", "-r a.txt", "app/a.txt", "-r b.txt\nflask==1.0", "app/b.txt", "-r a.txt\n-r requirements.txt"}}, "flask 1.0 |"},
		{"included and empty", [][]string{{"app/requirements.txt", "flask==1.0\n-r a.txt", "app/a.txt", "# nothing"}}, "flask 1.0 |"},
		{"included and not there", [][]string{{"app/requirements.txt", "flask==1.0\n--requirement=a.txt"}}, "flask 1.0 | no-lock-file app/requirements.txt"},
		{"included and removed", [][]string{{"app/requirements.txt", "flask==1.0\n-r a.txt", "app/a.txt", "requests"}, {"app/.wh.a.txt", ""}}, "flask 1.0 | no-lock-file app/requirements.txt"},
		{"included from outside", [][]string{{"app/requirements.txt", "-r ../../etc/a.txt\n-r https://example.org/b.txt", "etc/a.txt", "flask==1.0"}}, "| no-lock-file app/requirements.txt, no-lock-file app/requirements.txt"},
		{"included by its place in the image", [][]string{{"app/requirements.txt", "-r /etc/a.txt", "etc/a.txt", "flask==1.0"}}, "flask 1.0 |"},
		{"included too deep", [][]string{{
			"requirements.txt", "-r 1.txt", "1.txt", "flask==1.0\n-r 2.txt", "2.txt", "-r 3.txt", "3.txt", "-r 4.txt", "4.txt", "-r 5.txt", "5.txt", "-r 6.txt", "6.txt", "a==1",
		}}, "flask 1.0 | limit-reached 6.txt"},
		{"constrained", [][]string{{"app/requirements.txt", "-c c.txt\nflask\n", "app/c.txt", "flask==1.0\nrequests>1\n"}}, "flask 1.0 |"},
		{"constrained by what is not there", [][]string{{"app/requirements.txt", "-c https://example.org/c.txt\nflask==1.0\n"}}, "flask 1.0 |"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, c := range []imagetest.Compression{imagetest.None, imagetest.Gzip} {
				var layers []imagetest.Layer
				for _, files := range test.layers {
					l := imagetest.Layer{Compression: c}
					for i := 0; i < len(files); i += 2 {
						l.Files = append(l.Files, imagetest.File{Path: files[i], Body: files[i+1]})
					}
					layers = append(layers, l)
				}
				if diff := cmp.Diff(test.want, said(t, layers)); diff != "" {
					t.Errorf("%s: %s", c, diff)
				}
			}
		})
	}
}

// said scans an image: its packages, then its gaps but for those that every such image has.
func said(t *testing.T, layers []imagetest.Layer) string {
	t.Helper()
	imgs, err := archive.Open(context.Background(), imagetest.WriteFile(t, "image.tar", imagetest.New(imagetest.Image{Name: "shop:1", Layers: layers}).Tar()), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	r := report(t, imgs[0], scan.Options{})
	var packages, gaps []string
	for _, p := range r.Packages {
		packages = append(packages, p.Name+" "+p.Version)
	}
	for _, g := range r.Coverage {
		if g.Class == "unknown-distribution" || g.Class == "unknown-source" {
			continue
		}
		gaps = append(gaps, strings.TrimSpace(g.Class+" "+g.Path))
	}
	slices.Sort(packages)
	return strings.TrimSpace(strings.Join(packages, ", ") + " | " + strings.Join(gaps, ", "))
}

// TestInterrupted says of a scan that was stopped that it was, and not what is missing in the rest.
func TestInterrupted(t *testing.T) {
	img := imagetest.New(imagetest.Image{Name: "shop:1", Layers: []imagetest.Layer{npm("a", imagetest.None)}})
	imgs, err := archive.Open(context.Background(), file(t, img.Tar()), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	r, err := scan.Run(ctx, []scan.Subject{{Image: imgs[0]}}, scan.Options{Jobs: 1})
	if err != nil || len(r.Coverage) != 1 || r.Coverage[0].Class != "interrupted" {
		t.Errorf("%v, %+v", err, r.Coverage)
	}
}

// TestEmpty has nothing to look up in an image, which is not the same as nothing found.
func TestEmpty(t *testing.T) {
	for name, files := range map[string][]imagetest.File{
		"nothing":         nil,
		"a document":      {{Path: "readme.txt", Body: "hello"}},
		"a static binary": {{Path: "app", Body: "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00", Mode: 0o755}},
	} {
		if got := said(t, []imagetest.Layer{{Files: files}}); got != "| no-packages" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
