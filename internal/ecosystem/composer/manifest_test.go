package composer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestManifest(t *testing.T) {
	got, err := readText("app/composer.json", `{"require": {"php": ">=8", "ext-json": "*", "Symfony/Http-Kernel": "v4.4.0", "monolog/monolog": "^2"}, "require-dev": {"a/b": "1.0.0"}}`)
	want := ecosystem.Found{
		Packages: []ecosystem.Package{{Type: "composer", Namespace: "symfony", Name: "http-kernel", Version: "v4.4.0", Declared: true}},
		Asks:     &ecosystem.Asks{Names: []string{"symfony/http-kernel", "monolog/monolog"}, Locks: []string{"composer.lock"}, Local: []string{"vendor"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, text := range []string{`{}`, `{"require": []}`, `{"require": {"php": "*"}}`} {
		if got, err := readText("app/composer.json", text); err != nil || got.Asks != nil {
			t.Errorf("%s asks: %+v, %v", text, got.Asks, err)
		}
	}
	if _, err := readText("app/composer.json", `{`); err == nil {
		t.Error("half a manifest is read")
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"require": {"a/b": "1.0.0", "php": "*"}}`)
	f.Fuzz(func(_ *testing.T, s string) { _, _ = readManifest([]byte(s)) })
}
