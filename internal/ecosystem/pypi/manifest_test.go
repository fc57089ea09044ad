package pypi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// TestAsks shows what manifests ask for: the packages that they declare, the names that they need, those
// that they need on some platforms in brackets, what they include.
func TestAsks(t *testing.T) {
	for _, test := range []struct{ path, text, want string }{
		{"app/requirements.txt", requirements, "flask 2.0.1, requests 2.25.1, pyyaml 5.4 | django, numpy, celery, y, z | app/more.txt#requirements, app/requirements/base.txt"},
		{"requirements.txt", "-e .\n./lib\n./wheels/foo_x-1.0-py3-none-any.whl\ngit+https://example.org/a/b.git@v1\nhttps://example.org/c-1.0.tar.gz\n-c /etc/c.txt\nd; python_version < '3'", "| (lib, foo-x, b, c, d) | etc/c.txt#constraints"},
		{"requirements.txt", "<html>", "| and more"},
		{"a.txt#constraints", "flask==1.0\nrequests>2\n-r b.txt", "flask 1.0 |"},
		{"x/dev.txt#requirements", "-r b.txt\nflask==1.0", "flask 1.0 | | x/b.txt#requirements"},
		{"x/dev.txt#dev-requirements", "-r b.txt\nflask==1.0", "flask 1.0 dev | | x/b.txt#dev-requirements"},
		{"pyproject.toml", "[build-system]\nrequires = [\"setuptools\"]\n[project]\ndependencies = [\"Django==3.2.0\", \"a[b]>=1; extra == 'x'\", \"c; sys_platform=='win32'\"]\noptional-dependencies.x = [\"d\"]\n", "django 3.2.0 | django (c)"},
		{"pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3.9\"\nDjango = \"3.2.0\"\nflask = \"^1\"\nown = {path = \"x\"}\nextra = {version = \"*\", optional = true}\nw = {version = \"1.0\", markers = \"sys_platform == 'win32'\"}\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"", "django 3.2.0, w 1.0 | django, flask (w)"},
		{"pyproject.toml", "[tool.setuptools.dynamic]\ndependencies = {file = [\"reqs.in\"]}", "| | reqs.in#requirements"},
		{"pyproject.toml", "[tool.black]\n", "|"},
		{"Pipfile", "[packages]\nrequests = \"==2.0\"\nflask = \"*\"\n[dev-packages]\npytest = \"*\"\n", "requests 2.0 | flask, requests"},
		{"setup.cfg", "[metadata]\nname = x\n[options]\ninstall_requires =\n    Django==3.2.0\n    # why\n    flask>1\nzip_safe = no\n[options.extras_require]\nx = y\n", "django 3.2.0 | django, flask"},
		{"setup.py", "setup(name='x',\n  install_requires=[\n    'Django==3.2.0', # [why]\n    \"flask\",\n  ], extras_require={'x': ['y']})", "django 3.2.0 | django, flask"},
		{"setup.py", "setup(install_requires=open('x').read())", "| and more"},
		{"setup.py", "setup(name='x')", "|"},
		{"lib/python3/site-packages/x/pyproject.toml", "[project]\ndependencies = [\"a\"]", "not read"},
	} {
		if readerOf(test.path) == nil {
			if test.want != "not read" {
				t.Errorf("%s is not read", test.path)
			}
			continue
		}
		found, err := readText(test.path, test.text)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
		if diff := cmp.Diff(test.want, asked(found)); diff != "" {
			t.Errorf("%s: %s\n%s", test.path, test.text, diff)
		}
	}
}

func asked(f ecosystem.Found) string {
	var packages, includes []string
	for _, p := range f.Packages {
		text := p.Name + " " + p.Version
		if p.Dev {
			text += " dev"
		}
		packages = append(packages, text)
	}
	for _, i := range f.Includes {
		includes = append(includes, i.As)
	}
	names := ""
	if f.Asks != nil {
		names = strings.Join(f.Asks.Names, ", ")
		if len(f.Asks.Maybe) > 0 {
			names += " (" + strings.Join(f.Asks.Maybe, ", ") + ")"
		}
		if f.Asks.More {
			names += " and more"
		}
	}
	text := strings.Join(packages, ", ") + " | " + strings.TrimSpace(names)
	if len(includes) > 0 {
		text = strings.TrimRight(text, " ") + " | " + strings.Join(includes, ", ")
	}
	return strings.TrimSpace(text)
}
