package admissionfile

import (
	"strings"
	"testing"
	"time"
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

// TestImageRules wants the first rule that names an image to be found by its whole name.
func TestImageRules(t *testing.T) {
	f, err := Parse("a.yaml", []byte(`
images:
- {match: ["r.example/shop/legacy/*"], mode: off}
- {match: ["r.example/shop/**"], namespaces: ["shop-*"], mode: warn, onFailure: ignore, verdict: {keys: [a.pub], failOn: high, unfixed: true, maxAge: 7d, dbMaxAge: 12h}}
- {match: ["r.example/**"], digest: resolved, signature: {identity: x, issuer: y, trustedRoot: z}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		namespace, image string
		want             int
	}{{"shop-1", "r.example/shop/legacy/a", 0}, {"shop-1", "r.example/shop/a", 1}, {"pay", "r.example/shop/a", 2}, {"pay", "docker.io/library/a", -1}} {
		got := -1
		for i := range f.Images {
			if f.Images[i].Names(c.namespace, c.image, "") {
				got = i
				break
			}
		}
		if got != c.want {
			t.Errorf("%s in %s: rule %d, want %d", c.image, c.namespace, got, c.want)
		}
	}
	v := f.Images[1].Verdict
	if v.MaxAge != Age(7*24*time.Hour) || v.MaxDatabase != Age(12*time.Hour) || *v.FailOn != "high" || !v.Unfixed || f.Images[1].Goes() != Warn || f.Images[2].Goes() != Deny {
		t.Errorf("%+v", f.Images)
	}
	if got := f.Listed(); len(got) != 3 {
		t.Errorf("%d are listed", len(got))
	}
}

func TestWrong(t *testing.T) {
	for text, want := range map[string]string{
		"images: [{mode: 'off'}]":                                                            "rule 1: it has no match",
		"images: [{match: [r.example/a]}]":                                                   "asks for nothing",
		"images: [{match: [nginx], digest: required}]":                                       "docker.io/library/nginx",
		"images: [{match: [r.example/a], digest: on}]":                                       "neither required nor resolved",
		"images: [{match: [r.example/a], verdict: {}}]":                                      "verdict: it does not say who signs",
		"images: [{match: [r.example/a], signature: {keys: [k], maxAge: 1h}}]":               "write them under verdict",
		"images: [{match: [r.example/a], verdict: {keys: [k], issuer: x}}]":                  "write one of them",
		"images: [{match: [r.example/a], verdict: {identity: x, issuer: x}}]":                "write identity (or pattern), issuer and trustedRoot",
		"images: [{match: [r.example/a], verdict: {keys: [k], maxAge: soon}}]":               "no age: write 72h or 7d",
		"images: [{match: [r.example/a], verdict: {keys: [k], maxAge: 0d}}]":                 "no age",
		"images: [{match: [r.example/a], verdict: {keys: [k], maxAge: 99999999999999999d}}]": "no age",
		"images: [{match: [r.example/a], verdict: {keys: [k], failOn: none}}]":               "rule 1: verdict: failOn: none asks for a verdict that could not have failed",
		"images: [{match: [r.example/a], signature: {keys: [k], failOn: high}}]":             "a signature says nothing of severities",
		"images: [{match: [r.example/a], verdict: {keys: [k], unfixed: true}}]":              "unfixed goes with failOn",
		"images: [{match: [r.example/a], verdict: {keys: [k], maxage: 1h}}]":                 "field maxage not known here",
		"images: [{match: [r.example/a], digest: required, platforms: [linux/amd64]}]":       "platforms are those that must be signed",
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
