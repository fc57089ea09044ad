package admissionfile

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	f, err := Parse("a.yaml", []byte(`
failOn: none
warnOn: low
podSecurity: baseline:v1.34
connect: deny
default: deny
allow: [{images: ["registry.example/shop/**", "docker.io/library/nginx"], namespaces: ["shop-*"]}]
policies: {p: {mode: warn, onFailure: ignore}}
namespaces: [{names: ["dev-?"], mode: audit, podSecurity: restricted}]
exempt: [monitoring]
change: {except: [requests], requests: {cpu: 10m, memory: 32Mi}, emptyDir: 1Gi, digests: ["registry.example/**"], onFailure: ignore}
`))
	if err != nil {
		t.Fatal(err)
	}
	if *f.FailOn != "" || *f.WarnOn != "low" || *f.PodSecurity != (Level{"baseline", "v1.34"}) || *f.Connect != Deny || *f.Policies["p"].Mode != Warn || *f.Namespaces[0].Mode != Audit {
		t.Errorf("%+v", f)
	}
	c := f.Change
	if !c.On || c.Except[0] != (Word{"requests", 11}) || c.Requests["cpu"] != "10m" || c.EmptyDir != "1Gi" || c.Digests[0] != "registry.example/**" || c.OnFailure != "ignore" {
		t.Errorf("change is %+v", c)
	}
	if !AnyMatch(f.Namespaces[0].Names, "dev-1") || AnyMatch(f.Namespaces[0].Names, "dev-12") {
		t.Error("dev-? is not as one expects")
	}
}

func TestWrong(t *testing.T) {
	for text, want := range map[string]string{
		"failOn: hihg":                                            "line 1: \"hihg\" is no severity: use",
		"failon: high":                                            "line 1: field failon not known here",
		"connect: no":                                             "line 1: \"no\" is no mode: use",
		"podSecurity: baseline:2.34":                              "no level: use",
		"onFailure: open":                                         "neither fail nor ignore",
		"namespaces: [{mode: warn}]":                              "has no names",
		"namespaces: [{names: [Shop]}]":                           "no name of a namespace",
		"allow: [{images: [registry.example/a]}]":                 "write default: deny",
		"default: deny\nallow: [{images: [nginx]}]":               "docker.io/library/nginx",
		"default: deny\nallow: [{images: ['*.example/a']}]":       "anybody can have one",
		"default: deny\nallow: [{images: ['a.example/**/b']}]":    "no pattern of images",
		"default: deny\nallow: [{namespaces: [a]}]":               "has no images",
		"failOn: high\n---\nfailOn: none":                         "second document",
		"default: deny\nallow: [{images: ['a.example/b:1']}]":     "has a tag",
		"change: maybe":                                           "neither on nor off",
		"change: [on]":                                            "line 1: change is on, off, or a map",
		"change:\n  requsts: {}":                                  "line 2: \"requsts\" is not known in change",
		"change: {requests: {cpus: 1}}":                           "no resource that",
		"change: {requests: {memory: 32m}}":                       "no amount",
		"change: {requests: 1}":                                   "requests is a map",
		"change: {emptyDir: big}":                                 "no size",
		"change: {digests: [nginx]}":                              "docker.io/library/nginx",
		"change: {except: requests}":                              "cannot unmarshal",
		"change: {onFailure: open}":                               "neither fail nor ignore",
		"namespaces: [{names: [a], change: {onFailure: ignore}}]": "stands at the top alone",
		"exempt: monitoring":                                      "cannot unmarshal",
		strings.Repeat("#", maxBytes+1):                           "more than",
	} {
		if _, err := Parse("a.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "a.yaml") {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

func TestImages(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		pattern, repository, digest string
		want                        bool
	}{
		{"r.example/shop/*", "r.example/shop/cart", "", true},
		{"r.example/shop/*", "r.example/shop/a/cart", "", false},
		{"r.example/shop/**", "r.example/shop/a/cart", "", true},
		{"r.example/shop/**", "r.example/shop", "", false},
		{"r.example/shop/**", "r.example/shopping/cart", "", false},
		{"r.example/*/x/**", "r.example/a/x/y/z", "", true},
		{"r.example/shop/cart@" + digest, "r.example/shop/cart", digest, true},
		{"r.example/shop/cart@" + digest, "r.example/shop/cart", "", false},
	} {
		if got := Image(c.pattern).Match(c.repository, c.digest); got != c.want {
			t.Errorf("%s of %s: %t", c.pattern, c.repository, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("failOn: high\nnamespaces: [{names: [a], mode: warn}]"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Parse("a.yaml", b) })
}
