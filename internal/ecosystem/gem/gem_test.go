package gem

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestWants(t *testing.T) {
	for path, want := range map[string]bool{
		"usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec":        true,
		"usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec": true,
		"usr/lib/ruby/gems/3.1.0/gems/rake-13.0.6/rake.gemspec":             false,
		"usr/local/bundle/bundler/gems/rails-0123abc/rails.gemspec":         true,
		"usr/local/bundle/bundler/gems/rails-0123abc/railties/x.gemspec":    false,
		"app/Gemfile.lock":             true,
		"app/gems.locked":              true,
		"app/gems/my-own/Gemfile.lock": true,
		"usr/local/bundle/bundler/gems/rails-f00ba4/Gemfile.lock":   false,
		"usr/lib/ruby/gems/3.1.0/gems/rbs-2.1.0/steep/Gemfile.lock": false,
		"srv/gems/vendor/ruby/3.1.0/gems/rbs-2.1.0/Gemfile.lock":    false,
		"app/shop.gemspec": false,
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
	})
}

const nokogiri = `# -*- encoding: utf-8 -*-
# stub: nokogiri 1.13.0 x86_64-linux lib

Gem::Specification.new do |s|
  s.name = "nokogiri".freeze
  s.version = "1.13.0"
  s.platform = "x86_64-linux".freeze

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.metadata = { "name" => "x" } if s.respond_to? :metadata=
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.3.7".freeze

  if s.respond_to? :specification_version then
    s.specification_version = 4
  end
  if s.respond_to? :add_runtime_dependency then
    s.add_runtime_dependency(%q<racc>.freeze, ["~> 1.4"])
    s.add_development_dependency(%q<bundler>.freeze, [">= 0"])
  else
    s.add_dependency(%q<racc>.freeze, ["~> 1.4"])
  end
end
`

const gemfile = `GIT
  remote: https://github.com/x/forked.git
  revision: 0123abc
  branch: main
  specs:
    forked (0.2.0)
      rack (>= 2)

PATH
  remote: engines/own
  specs:
    own (0.1.0)

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.13.0-x86_64-linux)
      racc (~> 1.4)
    nokogiri (1.13.0)
      racc (~> 1.4)
    rack (2.2.3.pre1)

PLATFORMS
  ruby
  x86_64-linux

DEPENDENCIES
  forked!
  own!
    not (1.0)

BUNDLED WITH
   2.2.22
`

func TestSpecification(t *testing.T) {
	const folder = "usr/lib/ruby/gems/3.1.0/specifications/"
	for name, test := range map[string]struct {
		path, text string
		want       []ecosystem.Package
	}{
		"RubyGems' own": {folder + "nokogiri-1.13.0-x86_64-linux.gemspec", nokogiri, []ecosystem.Package{{
			Type: "gem", Name: "nokogiri", Version: "1.13.0", Qualifiers: []string{"platform=x86_64-linux"},
			Licenses: []string{"MIT", "Ruby"}, Depends: []string{"racc"},
		}}},
		"by its comment": {folder + "a-1.gemspec", "# stub: a 1.2 ruby lib\nGem::Specification.new do |s|\n  s.version = A::VERSION\n", []ecosystem.Package{{Type: "gem", Name: "a", Version: "1.2"}}},
		"by its file's name": {folder + "a-b-1.2-java.gemspec", "load 'x'", []ecosystem.Package{{
			Type: "gem", Name: "a-b", Version: "1.2", Qualifiers: []string{"platform=java"}, Heuristic: true,
		}}},
		"checked out": {"bundle/bundler/gems/own-0123/own.gemspec", "Gem::Specification.new do |gem|\n  gem.name='own' # x\n  gem.version = \"1.#{minor}\"\n", []ecosystem.Package{{Type: "gem", Name: "own"}}},
		"not a gem":   {folder + "readme.gemspec", "", nil},
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

func TestLock(t *testing.T) {
	found, err := readText("Gemfile.lock", gemfile)
	if err != nil {
		t.Fatal(err)
	}
	want := []ecosystem.Package{
		{Type: "gem", Name: "forked", Version: "0.2.0", Line: 6, Declared: true, Depends: []string{"rack"}, Qualifiers: []string{"vcs_url=git+https://github.com/x/forked.git@0123abc"}},
		{Type: "gem", Name: "own", Version: "0.1.0", Line: 12, Declared: true, Main: true},
		{Type: "gem", Name: "nokogiri", Version: "1.13.0", Line: 17, Declared: true, Depends: []string{"racc"}, Qualifiers: []string{"platform=x86_64-linux"}},
		{Type: "gem", Name: "nokogiri", Version: "1.13.0", Line: 19, Declared: true, Depends: []string{"racc"}},
		{Type: "gem", Name: "rack", Version: "2.2.3.pre1", Line: 21, Declared: true},
	}
	if diff := cmp.Diff(want, found.Packages); diff != "" {
		t.Error(diff)
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

// TestGemList holds what is read in this machine's gem folders against RubyGems' own list.
func TestGemList(t *testing.T) {
	out, err := exec.Command(need(t, "gem"), "list", "--local", "--quiet").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if m := regexp.MustCompile(`^(\S+) \((.*)\)`).FindStringSubmatch(line); m != nil {
			for version := range strings.SplitSeq(m[2], ", ") {
				version, _, _ = strings.Cut(strings.TrimPrefix(version, "default: "), " ")
				want[m[1]+" "+version] = true
			}
		}
	}
	paths, err := exec.Command(need(t, "ruby"), "-e", "puts Gem.path, Gem.default_dir").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dir := range strings.FieldsSeq(string(paths)) {
		_ = fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || kindOf(path) != specification {
				return nil // a folder of RubyGems' path that is not there
			}
			b, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return nil
			}
			found, err := readText(path, string(b))
			if err != nil {
				t.Error(err)
			}
			for _, p := range found.Packages {
				got[p.Name+" "+p.Version] = true
			}
			return nil
		})
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("%d gems; gem list (-), ours (+):\n%s", len(want), diff)
	}
}

func TestOrder(t *testing.T) {
	for _, chain := range [][]string{ // the documentation of Gem::Version, and RubyGems' own tests
		{"1.0.a1", "1.0.a2", "1.0.b1", "1.0.b2", "1.0", "1.1.a1", "1.1", "1.10"},
		{"0.9", "1.0.a.2", "1.0.b1", "1.0"},
		{"1.8.2.a", "1.8.2.a9", "1.8.2.a10", "1.8.2.b", "1.8.2"},
		{"4.0.0-rc1", "4.0.0.pre", "4.0.0.rc1", "4.0.0"},
		{"1.0-1", "1.0", "1.0.1"},
	} {
		for i, a := range chain {
			for j, b := range chain {
				if got, err := compare(a, b); err != nil || got != min(1, max(-1, i-j)) {
					t.Errorf("compare(%s, %s) = %d, %v", a, b, got, err)
				}
			}
		}
	}
	for _, pair := range [][2]string{{"1.0", "1"}, {"", "0"}, {"1.0.0.a", "1.a"}, {"1.0.a2", "1.0.a.2"}, {"1-1", "1.pre.1"}, {" 1.0\n", "1"}} {
		if got, err := compare(pair[0], pair[1]); err != nil || got != 0 {
			t.Errorf("compare(%q, %q) = %d, %v", pair[0], pair[1], got, err)
		}
	}
	if _, err := compare("junk", "1"); err == nil {
		t.Error("junk has a place in the order")
	}
}

// TestRuby holds the order against Ruby itself, on versions made of the pieces that matter.
func TestRuby(t *testing.T) {
	ruby := need(t, "ruby")
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"0", "00", "1", "2", "10", "a", "b", "rc", "pre", "a1", "1a", "RC2", "123456789012345678901234567890"}
	version := func() string {
		v := strconv.Itoa(random.IntN(3))
		for range random.IntN(5) {
			v += "." + pieces[random.IntN(len(pieces))]
		}
		if random.IntN(4) == 0 {
			v += "-" + pieces[random.IntN(len(pieces))]
		}
		return v
	}
	var pairs [][2]string
	var in bytes.Buffer
	for range 3000 {
		pair := [2]string{version(), version()}
		pairs = append(pairs, pair)
		fmt.Fprintln(&in, pair[0], pair[1])
	}
	cmd := exec.Command(ruby, "-e", `STDIN.each_line { |l| a, b = l.split; puts Gem::Version.new(a) <=> Gem::Version.new(b) }`)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range strings.Fields(string(out)) {
		got, err := compare(pairs[i][0], pairs[i][1])
		if strconv.Itoa(got) != want || err != nil {
			t.Errorf("compare%q = %d, %v; Ruby says %s", pairs[i], got, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	paths := []string{"specifications/a-1.gemspec", "bundler/gems/a-0/a.gemspec", "Gemfile.lock", "Gemfile"}
	f.Add(byte(0), nokogiri)
	f.Add(byte(2), gemfile)
	f.Add(byte(3), "group :test do\n gem 'a', \"1\"\nend\ngemspec")
	f.Fuzz(func(t *testing.T, which byte, text string) {
		found, _ := readText(paths[int(which)%len(paths)], text)
		for _, p := range found.Packages {
			if p.Name == "" || p.Type != "gem" {
				t.Errorf("a package without name or type: %+v", p)
			}
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0.0.pre-1", "1.a")
	f.Fuzz(func(t *testing.T, a, b string) {
		c, err := compare(a, b)
		if d, err2 := compare(b, a); c != -d || (err == nil) != (err2 == nil) {
			t.Errorf("compare(%q, %q) = %d, %v, and back %d, %v", a, b, c, err, d, err2)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = compare("1.13.0.rc2", "1.13.0.rc10")
	}
}
