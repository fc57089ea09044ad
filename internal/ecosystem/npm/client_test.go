package npm

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// lookup gives the path of npm, or ends the test.
func lookup(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil && os.Getenv("PLIMSOLL_TEST") == "all" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("npm is not installed")
	}
	return npm
}

// TestGlobal holds what is read where this machine's npm is installed against what npm lists there.
func TestGlobal(t *testing.T) {
	npm := lookup(t)
	root, err := exec.Command(npm, "root", "--global").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := listed(t, npm, "--global")
	got := set(readFolder(t, filepath.Dir(strings.TrimSpace(string(root)))))
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("%d packages; npm ls (-), ours (+):\n%s", len(want), diff)
	}
}

const shop = `{"name": "shop", "version": "1.0.0", "workspaces": ["packages/*"],
  "dependencies": {"express": "4.17.1", "old": "npm:lodash@4.17.20", "@types/node": "^20.0.0"},
  "optionalDependencies": {"fsevents": "^2.3.0"},
  "devDependencies": {"tap-parser": "10.1.0"}}`

// TestProject installs a project from the registry, and holds the installed packages and the lock files
// of npm's three versions against npm's own list.
func TestProject(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("asks the npm registry; set PLIMSOLL_TEST=all")
	}
	npm, dir := lookup(t), t.TempDir()
	write(t, filepath.Join(dir, "package.json"), shop)
	write(t, filepath.Join(dir, "packages/own/package.json"), `{"name": "own", "version": "0.1.0", "dependencies": {"lodash": "4.17.19"}}`)
	run(t, npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir)
	want := listed(t, npm, "--prefix", dir)
	if diff := cmp.Diff(want, set(readFolder(t, dir))); diff != "" || !want["lodash@4.17.20"] || !want["lodash@4.17.19"] {
		t.Errorf("node_modules: npm ls (-), ours (+):\n%s", diff)
	}
	if diff := cmp.Diff(want, set(readFile(t, dir, "node_modules/.package-lock.json"))); diff != "" {
		t.Errorf("hidden lock file: npm ls (-), ours (+):\n%s", diff)
	}
	for _, version := range []string{"1", "2", "3"} {
		run(t, npm, "install", "--silent", "--no-audit", "--package-lock-only", "--lockfile-version", version, "--prefix", dir)
		got := set(readFile(t, dir, "package-lock.json"))
		for p := range got { // a lock file also names what other systems would need
			if strings.HasPrefix(p, "fsevents@") {
				delete(got, p)
			}
		}
		if diff := cmp.Diff(without(want, "fsevents@"), got); diff != "" {
			t.Errorf("lock file of version %s: npm ls (-), ours (+):\n%s", version, diff)
		}
	}
}

func without(all map[string]bool, prefix string) map[string]bool {
	all = maps.Clone(all)
	maps.DeleteFunc(all, func(p string, _ bool) bool { return strings.HasPrefix(p, prefix) })
	return all
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}

func readFile(t *testing.T, dir, file string) []ecosystem.Package {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	found, err := readText(file, string(b))
	if err != nil {
		t.Fatal(err)
	}
	return found.Packages
}

// set is the packages as NAME@VERSION, without the project's own.
func set(packages []ecosystem.Package) map[string]bool {
	all := map[string]bool{}
	for _, p := range packages {
		if !p.Main {
			all[p.FullName()+"@"+p.Version] = true
		}
	}
	return all
}

// listed is what "npm ls --all" says, as NAME@VERSION. It calls an alias by its alias, and in long by
// its name.
func listed(t *testing.T, npm string, args ...string) map[string]bool {
	t.Helper()
	out, _ := exec.Command(npm, slices.Concat([]string{"ls", "--all", "--json", "--long"}, args)...).Output() // it fails for missing peers, too
	var tree listing
	if err := json.Unmarshal(out, &tree); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	tree.collect(all)
	return all
}

type listing struct {
	Dependencies map[string]*listing `json:"dependencies"`
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Resolved     string              `json:"resolved"`
	Missing      bool                `json:"missing"`
}

func (l *listing) collect(into map[string]bool) {
	for name, child := range l.Dependencies {
		if child.Name != "" {
			name = child.Name
		}
		if child.Version != "" && !child.Missing && !strings.HasPrefix(child.Resolved, "file:") {
			into[name+"@"+child.Version] = true
		}
		child.collect(into)
	}
}
