package ecosystem

import "strings"

// libraries are folders in which package managers keep what they fetched. A manifest or lock file below
// them is that of a package's author, who says what he once worked with.
var libraries = []string{
	"/node_modules/", "/bower_components/", "/usr/share/nodejs/", "/usr/lib/nodejs/", "/.bun/install/cache/", "/.yarn/", // Node.js
	"/site-packages/", "/dist-packages/", "/share/jupyter/", "/.pyenv/", // Python
	"/gems/",             // Ruby
	"/vendor/",           // PHP, Go, Bundler, Cargo
	"/pkg/mod/",          // Go
	"/.m2/", "/.gradle/", // Java
	"/.nuget/",                                                                     // .NET
	"/registry/src/", "/git/checkouts/", "/.rustup/", "/usr/share/cargo/registry/", // Rust
	"/usr/share/php/", "/usr/share/gocode/", // Debian's packages of sources
	"/share/doc/", "/.cache/",
}

// asides are folders whose manifests are material, not software.
var asides = []string{
	"/test/", "/tests/", "/__tests__/", "/testdata/", "/test_data/", "/testing/", "/fixture/", "/fixtures/", "/__fixtures__/",
	"/example/", "/examples/", "/template/", "/templates/",
}

// IsManifestOfOthers says of a path that a manifest there is no project's of its own: it lies inside a
// package that was fetched or installed, or is a test's, an example's or a template's.
func IsManifestOfOthers(path string) bool {
	path = "/" + path
	for _, lists := range [][]string{libraries, asides} {
		for _, folder := range lists {
			if strings.Contains(path, folder) {
				return true
			}
		}
	}
	return false
}
