package ecosystem

import "testing"

func TestIsManifestOfOthers(t *testing.T) {
	for path, want := range map[string]bool{
		"package.json":                                      false,
		"srv/vendors/package.json":                          false,
		"opt/test-app/pyproject.toml":                       false,
		"node_modules/a/package.json":                       true,
		"a/tests/x/Gemfile":                                 true,
		"root/.bun/install/cache/ms@2.1.1@@@1/package.json": true,
		"root/.rustup/toolchains/stable/share/doc/rust/html/error_codes/Cargo.toml": true,
		"go/pkg/mod/example.com/x@v1.0.0/web/package.json":                          true,
	} {
		if got := IsManifestOfOthers(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
