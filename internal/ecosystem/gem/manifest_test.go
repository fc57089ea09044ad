package gem

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestManifest(t *testing.T) {
	got, err := readManifest(strings.NewReader(`source "https://rubygems.org"
ruby "3.1.0"
gem "rails", "4.2.0" # why
gem('puma', '~> 5.0')
gem "rack", ">= 2", "< 3"
gem "own", path: "own"
gem "debug", platforms: %i[mri windows]
gem "pry", group: :development
group :development, :test do
  gem "rspec", "3.0.0"
end
group :production do
  gem "pg"
end
if ENV["X"]
  gem "perhaps", "= 1.0.0"
end
`))
	want := ecosystem.Found{
		Packages: []ecosystem.Package{
			{Type: "gem", Name: "rails", Version: "4.2.0", Line: 3, Declared: true}, {Type: "gem", Name: "perhaps", Version: "1.0.0", Line: 16, Declared: true},
		},
		Asks: &ecosystem.Asks{Names: []string{"rails", "puma", "rack", "pg"}, Maybe: []string{"debug", "perhaps"}, Locks: []string{"Gemfile.lock", "gems.locked"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for text, asks := range map[string]bool{"source \"x\"\n": false, "gemspec\n": true, "eval_gemfile \"x\"\n": true, "%w[a b].each { |g| gem g }\n": true, "# a | gem b\n": false, "gem name\n": true, "group :test do\n gem \"a\"\nend\nend\n": false} {
		if got, err := readManifest(strings.NewReader(text)); err != nil || (got.Asks != nil) != asks {
			t.Errorf("%q asks: %+v, %v", text, got.Asks, err)
		}
	}
}
