package composer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestWants(t *testing.T) {
	for path, want := range map[string]bool{
		"app/vendor/composer/installed.json": true,
		"app/composer.lock":                  true,
		"app/vendor/x/y/composer.lock":       false,
		"app/installed.json":                 false,
		"app/vendor/composer/installed.php":  true,
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

const lock = `{
    "_readme": ["x"],
    "packages": [
        {
            "name": "Monolog/Monolog",
            "version": "2.3.0",
            "source": null,
            "require": {"php": ">=7.2", "psr/log": "^1.0"},
            "license": ["MIT"]
        },
        {"name": "psr/log", "version": "dev-master", "require": [], "license": "MIT", "dist": {"type": "zip"}}
    ],
    "packages-dev": [
        {"name": "phpunit/phpunit", "version": "v9.5.0"},
        {"name": "no-vendor", "version": "1.0"}, {"name": "x/no-version"}, {"name": ["x"], "version": 1}
    ],
    "aliases": []
}`

const installed2 = `{"packages": [{"name": "psr/log", "version": "1.1.4", "version_normalized": "1.1.4.0"},
{"name": "PHPUnit/PHPUnit", "version": "9.5.0"}], "dev": true, "dev-package-names": ["phpunit/phpunit"]}`

const installed1 = `[{"name": "psr/log", "version": "1.1.4"}, {"name": "own/own", "version": "1.0.0", "dist": {"type": "path"}}]`

func TestRead(t *testing.T) {
	for _, test := range []struct {
		path, text string
		want       []ecosystem.Package
	}{
		{"composer.lock", lock, []ecosystem.Package{
			{Namespace: "monolog", Name: "monolog", Version: "2.3.0", Licenses: []string{"MIT"}, Depends: []string{"psr/log"}, Line: 4, Declared: true},
			{Namespace: "psr", Name: "log", Version: "dev-master", Licenses: []string{"MIT"}, Line: 11, Declared: true},
			{Namespace: "phpunit", Name: "phpunit", Version: "v9.5.0", Line: 14, Declared: true, Dev: true},
		}},
		{"vendor/composer/installed.json", installed2, []ecosystem.Package{
			{Namespace: "psr", Name: "log", Version: "1.1.4", Line: 1},
			{Namespace: "phpunit", Name: "phpunit", Version: "9.5.0", Line: 2, Dev: true},
		}},
		{"composer/installed.json", installed1, []ecosystem.Package{
			{Namespace: "psr", Name: "log", Version: "1.1.4", Line: 1},
			{Namespace: "own", Name: "own", Version: "1.0.0", Line: 1, Main: true},
		}},
	} {
		for i := range test.want {
			test.want[i].Type = "composer"
		}
		found, err := readText(test.path, test.text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, found.Packages); diff != "" {
			t.Errorf("%s:\n%s", test.path, diff)
		}
	}
	for _, bad := range []string{"", "7", `{"packages": 7}`, `{"packages": [{"name": "a/b", "version": "1"}`, `[`} {
		if _, err := readText("composer.lock", bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// need gives the path of a program, or ends the test.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("PLIMSOLL_TEST") == "all" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return path
}

// TestComposer installs packages from folders, and holds what is read against what Composer shows.
func TestComposer(t *testing.T) {
	composer := need(t, "composer")
	dir := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("own/a/composer.json", `{"name": "acme/a", "version": "1.2.0", "license": "MIT", "require": {"acme/b": "*"}}`)
	write("own/b/composer.json", `{"name": "acme/b", "version": "v2.0.0-beta3", "license": ["MIT", "ISC"]}`)
	write("own/c/composer.json", `{"name": "acme/c", "version": "0.3"}`)
	write("composer.json", `{"name": "acme/shop", "minimum-stability": "dev", "require": {"acme/a": "*"}, "require-dev": {"acme/c": "*"},
		"repositories": [{"type": "path", "url": "own/*"}, {"packagist.org": false}]}`)
	run := func(args ...string) []byte {
		cmd := exec.Command(composer, append(args, "--no-interaction", "--working-dir="+dir)...)
		cmd.Env = append(os.Environ(), "COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_HOME="+t.TempDir())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("composer %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return out
	}
	run("install", "--quiet")
	var shown struct {
		Installed []struct{ Name, Version string }
	}
	if err := json.Unmarshal(run("show", "--format=json"), &shown); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, p := range shown.Installed {
		want[p.Name] = p.Version
	}
	for _, path := range []string{"vendor/composer/installed.json", "vendor/composer/installed.php", "composer.lock"} {
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		found, err := readText(path, string(b))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, p := range found.Packages {
			got[p.FullName()] = p.Version
			if p.Dev != (p.Name == "c") {
				t.Errorf("%s: %s is for development: %v", path, p.Name, p.Dev)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) != 3 {
			t.Errorf("%s: composer show (-), ours (+):\n%s", path, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, chain := range [][]string{ // Composer's documentation, and Magento's patches
		{"1.0-dev", "1.0-alpha", "1.0-alpha1-dev", "1.0-alpha1", "1.0-alpha.2", "1.0b1", "1.0-beta2", "1.0-beta10", "1.0RC1", "1.0", "1.0-p1", "1.0-pl2", "1.0.1", "1.2", "1.10"},
		{"2.4.7", "2.4.7-p1", "2.4.7-p10", "2.4.8"},
		{"2010-01-02", "2010-01-03", "20100102"},
	} {
		for i, a := range chain {
			for j, b := range chain {
				if got, err := compare(a, b); err != nil || got != min(1, max(-1, i-j)) {
					t.Errorf("compare(%s, %s) = %d, %v", a, b, got, err)
				}
			}
		}
	}
	for _, branch := range []string{"dev-master", "dev-feature/x", "2.x-dev", "2.1.x-dev", "master"} {
		if _, err := compare(branch, "1.0"); err == nil || Ecosystem.AdvisoryVersion(ecosystem.Package{Version: branch}) != "" {
			t.Errorf("%s has a place in the order", branch)
		}
	}
}

// TestSemver holds the order against composer/semver itself, on versions made of the pieces that
// matter.
func TestSemver(t *testing.T) {
	php := need(t, "php")
	const autoload = "/usr/share/php/Composer/Semver/autoload.php"
	if _, err := os.Stat(autoload); err != nil {
		need(t, "composer/semver in /usr/share/php")
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) string { return all[random.IntN(len(all))] }
	version := func() string {
		v := pick("", "v") + pick("0", "1", "2", "10")
		for range random.IntN(4) {
			v += "." + pick("0", "00", "1", "2", "10")
		}
		v += pick("", "", "-", ".", "_") + pick("", "", "alpha", "a", "b", "BETA", "rc", "RC", "p", "pl", "patch", "stable") + pick("", "", "1", ".2", "-10", "1.2")
		return v + pick("", "", "", "-dev", "dev", "+build.1", "@beta", "@dev")
	}
	var pairs [][2]string
	var in bytes.Buffer
	for range 3000 {
		pair := [2]string{version(), version()}
		pairs = append(pairs, pair)
		fmt.Fprintln(&in, pair[0], pair[1])
	}
	cmd := exec.Command(php, "-r", `require "`+autoload+`"; $p = new Composer\Semver\VersionParser;
		while ($l = fgets(STDIN)) { [$a, $b] = explode(" ", trim($l));
			try { echo version_compare($p->normalize($a), $p->normalize($b)), "\n"; } catch (Exception $e) { echo "error\n"; } }`)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range strings.Fields(string(out)) {
		got, err := compare(pairs[i][0], pairs[i][1])
		if (err != nil) != (want == "error") || err == nil && strconv.Itoa(got) != want {
			t.Errorf("compare%q = %d, %v; Composer says %s", pairs[i], got, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(true, lock)
	f.Add(false, installed1)
	f.Add(false, installed2)
	f.Fuzz(func(t *testing.T, isLock bool, text string) {
		path := "vendor/composer/installed.json"
		if isLock {
			path = "composer.lock"
		}
		found, _ := readText(path, text)
		for _, p := range found.Packages {
			if p.Name == "" || p.Namespace == "" || p.Line < 1 {
				t.Errorf("half a package: %+v", p)
			}
		}
	})
}

// TestPHP leaves out what is only replaced or provided by another package.
func TestPHP(t *testing.T) {
	found, err := readText("vendor/composer/installed.php", "<?php return array(\n    'versions' => array(\n        'acme/a' => array(\n            'pretty_version' => 'v1.2.0',\n            'dev_requirement' => true,\n        ),\n"+
		"        'acme/gone' => array(\n            'replaced' => array(\n                0 => '*',\n            ),\n        ),\n    ),\n);\n")
	if err != nil || len(found.Packages) != 1 || found.Packages[0].Version != "v1.2.0" || !found.Packages[0].Dev {
		t.Errorf("%+v, %v", found.Packages, err)
	}
}

func FuzzPHP(f *testing.F) {
	f.Add("<?php return array(\n    'root' => array(\n        'name' => 'a/b',\n    ),\n    'versions' => array(\n        'a/c' => array(\n            'pretty_version' => '1.0',\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, _ := readText("vendor/composer/installed.php", text)
		for _, p := range found.Packages {
			if p.Name == "" || p.Namespace == "" || p.Line < 1 {
				t.Errorf("half a package: %+v", p)
			}
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("v1.0-beta.2", "2010-01-02@dev")
	f.Fuzz(func(t *testing.T, a, b string) {
		c, err := compare(a, b)
		if d, err2 := compare(b, a); c != -d || (err == nil) != (err2 == nil) {
			t.Errorf("compare(%q, %q) = %d, %v, and back %d, %v", a, b, c, err, d, err2)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	text := `{"packages": [` + strings.Repeat(`{"name": "psr/log", "version": "1.1.4", "autoload": {"psr-4": {"x": "y"}}, "description": "`+strings.Repeat("x", 2000)+`", "require": {"php": "7"}},`, 300) + `{}]}`
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := readText("vendor/composer/installed.json", text); err != nil || len(found.Packages) != 300 {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = compare("v2.4.7-p1", "2.4.7-p10")
	}
}
