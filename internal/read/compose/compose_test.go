package compose

import (
	"errors"
	"testing"

	"github.com/plimsoll/plimsoll/internal/tree"
)

func TestResolve(t *testing.T) {
	for text, want := range map[string]struct {
		value string
		known bool
	}{
		"plain":                {"plain", true},
		"${TAG:-1.2}":          {"1.2", true},
		"a:${TAG-x}-b":         {"a:x-b", true},
		"${A:-${B:-deep}}":     {"deep", true},
		"${A:-${B}}":           {"", false},
		"$TAG":                 {"", false},
		"${TAG:?must be set}x": {"x", false},
		"$$HOME":               {"$HOME", true},
		"a$":                   {"a$", true},
		"${open":               {"${open", false},
	} {
		if value, known := Resolve(text); value != want.value || known != want.known {
			t.Errorf("%s is %q, %t, want %q, %t", text, value, known, want.value, want.known)
		}
	}
}

func TestExtends(t *testing.T) {
	f, err := Parse("compose.yaml", []byte(`
x-base: &base
  image: a:1
services:
  base:
    <<: *base
    privileged: true
    cap_add: [NET_ADMIN]
    environment: {A: 1}
  app:
    extends: base
    cap_add: [SYS_TIME]
    environment: {B: 2}
  loop:
    extends: {service: loop}
  far:
    extends: {file: other.yaml, service: x}
include: [more.yaml, {path: [p.yaml]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	app := f.Services[1].Value
	if app.Get("image").String() != "a:1" || app.Get("privileged").Line != 7 || len(app.Get("cap_add").List) != 2 || len(Pairs(app.Get("environment"))) != 2 {
		t.Errorf("app is %+v", app)
	}
	if len(f.Others) != 3 || f.Others[0] != (Other{"other.yaml", 17}) {
		t.Errorf("others are %v", f.Others)
	}
	var e *tree.Error
	if _, err := Parse("compose.yaml", []byte("- a\n- b\n")); !errors.As(err, &e) {
		t.Errorf("a list: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("services:\n  a:\n    extends: b\n  b:\n    extends: a\n    image: x:${V:-1}\n"))
	f.Add([]byte("a:\n  image: x\n---\nservices: [a]\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		file, err := Parse("x", source)
		if err != nil {
			return
		}
		for _, s := range file.Services {
			for _, p := range Pairs(s.Value.Get("environment")) {
				Resolve(p.Value)
			}
		}
	})
}
