package npm

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestAsks(t *testing.T) {
	const text = `{"dependencies": {"axios": "0.21.1", "express": "^4", "a": "npm:@x/b@1.0.0-rc.1", "v": "=v1.2.3", "own": "file:../own",
		"two": "1.2", "any": "1.2.x", "repo": "github:x/y", "either": "1.0.0 || 2.0.0", "fsevents": "2.0.0"},
		"optionalDependencies": {"fsevents": "2.0.0"}, "devDependencies": {"jest": "1.0.0"}, "peerDependencies": {"react": "18.0.0"}}`
	found, err := read(context.Background(), &ecosystem.File{Stat: ecosystem.Stat{Path: "app/package.json", Size: int64(len(text))}, Reader: strings.NewReader(text)})
	p := func(scope, name, version string) ecosystem.Package {
		return ecosystem.Package{Type: "npm", Namespace: scope, Name: name, Version: version, Declared: true}
	}
	want := ecosystem.Found{
		Packages: []ecosystem.Package{p("", "axios", "0.21.1"), p("@x", "b", "1.0.0-rc.1"), p("", "v", "1.2.3")},
		Asks:     &ecosystem.Asks{Names: []string{"axios", "express", "@x/b", "v", "two", "any", "repo", "either"}, Locks: answering, Local: []string{"node_modules", ".yarn"}},
	}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestBrokenProject tells of a manifest that is cut short: what it asks for is not known.
func TestBrokenProject(t *testing.T) {
	const text = `{"dependencies": {"axios":`
	for path, told := range map[string]bool{"app/package.json": true, "srv/vendor/x/package.json": false} {
		_, err := read(context.Background(), &ecosystem.File{Stat: ecosystem.Stat{Path: path, Size: int64(len(text))}, Reader: strings.NewReader(text)})
		if (err != nil) != told {
			t.Errorf("%s: %v", path, err)
		}
	}
}
