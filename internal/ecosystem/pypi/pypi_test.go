package pypi

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestWants(t *testing.T) {
	const site = "usr/lib/python3/site-packages/"
	for path, want := range map[string]bool{
		site + "PyYAML-6.0.dist-info/METADATA":                      true,
		site + "a-1.0.egg-info/PKG-INFO":                            true,
		site + "a-1.0-py3.11.egg-info":                              true,
		site + "a-1.0-py3.11.egg/EGG-INFO/PKG-INFO":                 true,
		site + "a-1.0-py3.11.egg":                                   true,
		site + "a-1.0.dist-info/direct_url.json":                    true,
		"app/requirements/base.txt":                                 true,
		"app/docs/base.txt":                                         false,
		site + "setuptools/_vendor/wheel-0.43.0.dist-info/METADATA": true,
		site + "pip/_vendor/vendor.txt":                             true,
		site + "setuptools/_vendor/vendored.txt":                    true,
		"opt/conda/conda-meta/openssl-3.0.0-0.json":                 true,
		"app/requirements.txt":                                      true,
		"app/dev-requirements.txt":                                  true,
		"app/poetry.lock":                                           true,
		"app/pylock.toml":                                           true,
		site + "pkg/tests/data/a-1.0.dist-info/METADATA":            false,
		site + "pkg/requirements.txt":                               false,
		site + "a-1.0.dist-info/RECORD":                             false,
		"app/METADATA":                                              false,
		"app/vendor.txt":                                            false,
		"opt/conda/conda-meta/history":                              false,
	} {
		if got := Ecosystem.Wants(ecosystem.Stat{Path: path}); got != want {
			t.Errorf("Wants(%s) = %v", path, got)
		}
	}
}

// readText reads a file with this path and content.
func readText(path, content string) (ecosystem.Found, error) {
	return read(context.Background(), &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(content))},
		Reader: strings.NewReader(content),
		At:     func() (io.ReaderAt, error) { return strings.NewReader(content), nil },
	})
}

const wheel = `Metadata-Version: 2.1
Name: Zope.Interface_X
Version: 5.0
License: MIT
Classifier: Programming Language :: Python
Classifier: License :: OSI Approved :: Zope Public License
Requires-Dist: setuptools
Requires-Dist: PyYAML (>=5) ; python_version > "3"
Requires-Dist: sphinx ; extra == 'docs'
Description: one
        Version: 6.0

Name: the-description
`

func TestMetadata(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []ecosystem.Package
	}{
		"wheel": {wheel, []ecosystem.Package{{Type: "pypi", Name: "zope.interface-x", Version: "5.0", Licenses: []string{"MIT"}, Depends: []string{"pyyaml", "setuptools"}}}},
		"licence from classifiers, CRLF": {
			"Name: a\r\nVersion: 1.0\r\nLicense: UNKNOWN\r\nClassifier: License :: OSI Approved :: MIT License\r\nClassifier: License :: OSI Approved\r\n\r\n",
			[]ecosystem.Package{{Type: "pypi", Name: "a", Version: "1.0", Licenses: []string{"MIT License"}}},
		},
		"licence expression": {
			"Name: a\nVersion: 1.0\nLicense: see file\nLicense-Expression: Apache-2.0 OR MIT",
			[]ecosystem.Package{{Type: "pypi", Name: "a", Version: "1.0", Licenses: []string{"Apache-2.0 OR MIT"}}},
		},
		"no version": {"Name: a\n", nil},
		"no name":    {"Name: ../a\nVersion: 1\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readText("a.dist-info/METADATA", test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, found.Packages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSource wants the metadata in a project's own folder to be the project's.
func TestSource(t *testing.T) {
	for path, want := range map[string]bool{
		"app/src/shop.egg-info/PKG-INFO":                                          true,
		"usr/lib/python3/dist-packages/cryptography.egg-info/PKG-INFO":            false,
		"usr/lib/python3/site-packages/a-1.0.egg-info/PKG-INFO":                   false,
		"opt/tool/a-1.0-py3.11.egg-info/PKG-INFO":                                 false,
		"opt/venv/lib/python3.11/site-packages/a-1.0.dist-info/METADATA":          false,
		"usr/lib/python3/site-packages/setuptools/_vendor/b-1.dist-info/METADATA": false,
	} {
		found, err := readText(path, wheel)
		if err != nil || len(found.Packages) != 1 || found.Packages[0].Main != want {
			t.Errorf("%s: %+v, %v", path, found.Packages, err)
		}
	}
}

// TestEgg reads eggs that are run without being unpacked.
func TestEgg(t *testing.T) {
	for name, method := range map[string]uint16{"deflated": zip.Deflate, "stored": zip.Store} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, f := range [][2]string{{"egg_zip.py", "x = 1"}, {"EGG-INFO/PKG-INFO", wheel}, {"EGG-INFO/zip-safe", "\n"}} {
			entry, err := w.CreateHeader(&zip.FileHeader{Name: f[0], Method: method})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = entry.Write([]byte(f[1]))
		}
		_ = w.Close()
		got, err := readText("site-packages/Zope.Interface_X-5.0-py3.11.egg", b.String())
		if err != nil || len(got.Packages) != 1 || got.Packages[0].Name != "zope.interface-x" || got.Packages[0].Version != "5.0" || got.Packages[0].Inner != "EGG-INFO/PKG-INFO" {
			t.Errorf("%s: %+v, %v", name, got.Packages, err)
		}
	}
	if _, err := readText("site-packages/a-1.0.egg", "no zip"); err == nil {
		t.Error("no error for what is no egg")
	}
}

// TestDirectURL follows the examples of packaging.python.org, "Recording the Direct URL Origin".
func TestDirectURL(t *testing.T) {
	const at = "site-packages/a-1.0.dist-info/"
	const of = "METADATA"
	for text, want := range map[string]*ecosystem.Origin{
		`{"url": "https://user:secret@github.com/pypa/pip.git", "vcs_info": {"vcs": "git", "requested_revision": "1.3.1", "commit_id": "7921"}}`: {Of: of, Qualifiers: []string{"vcs_url=git+https://github.com/pypa/pip.git@7921"}},
		`{"url": "https://example.com/r", "vcs_info": {"vcs": "hg", "commit_id": "12"}}`:                                                         {Of: of, Qualifiers: []string{"vcs_url=hg+https://example.com/r@12"}},
		`{"url": "file:///home/user/project", "dir_info": {}}`:                                                                                   {Of: of, Main: true},
		`{"url": "file:///home/user/project", "dir_info": {"editable": true}}`:                                                                   {Of: of, Main: true},
		`{"url": "https://example.com/a-1.0.zip?token=x#sha1=0", "archive_info": {"hash": "sha256=00"}}`:                                         {Of: of, Qualifiers: []string{"download_url=https://example.com/a-1.0.zip"}},
		`{"url": "file:///wheels/a-1.0.whl", "archive_info": {}}`:                                                                                nil,
	} {
		found, err := readText(at+"direct_url.json", text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found.Origin); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestNames(t *testing.T) {
	// The examples of PEP 503's successor at packaging.python.org, "Names and normalization".
	for _, name := range []string{"friendly-bard", "Friendly-Bard", "FRIENDLY-BARD", "friendly.bard", "friendly_bard", "friendly--bard", "FrIeNdLy-._.-bArD"} {
		if got := Ecosystem.Key(ecosystem.Package{Name: name}); got != "friendly-bard" {
			t.Errorf("Key(%s) = %s", name, got)
		}
	}
}

func TestAdvisories(t *testing.T) {
	p := ecosystem.Package{Type: "pypi", Name: "torch", Version: "2.0.0+cu118"}
	if feed, ok := Ecosystem.Advisories(p, ecosystem.Release{}); feed != "PyPI" || !ok {
		t.Error(feed, ok)
	}
	if got := Ecosystem.AdvisoryVersion(p); got != "2.0.0" {
		t.Error(got)
	}
	if _, ok := Ecosystem.Advisories(ecosystem.Package{Type: "conda"}, ecosystem.Release{}); ok {
		t.Error("advisories for conda")
	}
}

// TestPip holds what is read in this machine's site-packages against pip's own list.
func TestPip(t *testing.T) {
	skip := func(why string, err error) {
		if os.Getenv("PLIMSOLL_TEST") == "all" {
			t.Fatal(why, err)
		}
		t.Skip(why, err)
	}
	site, err := exec.Command("python3", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").Output()
	if err != nil {
		skip("python3 is not installed:", err)
	}
	dir := strings.TrimSpace(string(site))
	out, err := exec.Command("python3", "-m", "pip", "list", "--format=json", "--disable-pip-version-check", "--path", dir).Output()
	if err != nil {
		skip("pip is not installed:", err)
	}
	var listed []struct{ Name, Version string }
	if err := json.Unmarshal(out, &listed); err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, p := range listed {
		want[canonical(p.Name)] = p.Version
	}
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(path, "_vendor/") || !Ecosystem.Wants(ecosystem.Stat{Path: "site-packages/" + path}) {
			return err
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		found, err := readText("site-packages/"+path, string(b))
		for _, p := range found.Packages {
			got[Ecosystem.Key(p)] = p.Version
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("%d packages; pip list (-), ours (+):\n%s", len(want), diff)
	}
}

func FuzzRead(f *testing.F) {
	paths := []string{
		"a.dist-info/METADATA", "requirements.txt", "pip/_vendor/vendor.txt", "Pipfile.lock", "poetry.lock", "uv.lock", "conda-meta/a.json", "a.egg", "a.dist-info/direct_url.json",
		"pyproject.toml", "Pipfile", "setup.py", "setup.cfg", "a.txt#constraints",
	}
	for i, seed := range []string{
		wheel, requirements, "a==1 # x\n  b==2\n", pipfile, poetry, uv, conda, "PK", `{"url": "https://a/b", "vcs_info": {"vcs": "git"}}`,
		"[project]\ndependencies = [\"a==1\"]", "[packages]\na = \"*\"", "install_requires=['a==1', # b\n\"c\"]", "[options]\ninstall_requires =\n a==1\n file: b", "a==1\n-c b",
	} {
		f.Add(byte(i), seed)
	}
	f.Add(byte(4), pdm)
	f.Add(byte(4), pylock)
	f.Fuzz(func(t *testing.T, which byte, text string) {
		found, _ := readText(paths[int(which)%len(paths)], text)
		for _, p := range found.Packages {
			if p.Name == "" || p.Type == "" {
				t.Errorf("a package without name or type: %+v", p)
			}
		}
	})
}

func BenchmarkMetadata(b *testing.B) {
	text := wheel + strings.Repeat("A long description. ", 500)
	b.ReportAllocs()
	for b.Loop() {
		if found, err := readText("a.dist-info/METADATA", text); err != nil || len(found.Packages) != 1 {
			b.Fatal(err)
		}
	}
}

func BenchmarkLock(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "[[package]]\nname = \"package-%d\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.org/simple\" }\ndependencies = [\n    { name = \"a\" },\n]\nwheels = [\n%s]\n\n", i,
			strings.Repeat("    { url = \"https://files.pythonhosted.org/packages/aa/bb/x-1.0-py3-none-any.whl\", hash = \"sha256:00\", size = 1 },\n", 10))
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := readText("uv.lock", text.String()); err != nil || len(found.Packages) != 1000 {
			b.Fatal(err)
		}
	}
}
