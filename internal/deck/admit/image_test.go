package admit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

const (
	amd   = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	arm   = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	other = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// verdict is one that passed an hour ago, by a key that counts.
func verdict(about ...string) signature.Fact {
	s := &attestation.Summary{TimeVerified: today.Add(-time.Hour), VerificationResult: attestation.Passed, Policy: attestation.Line{FailOn: "high"}.Reference()}
	s.Verifier.ID = attestation.VerifierID
	return signature.Fact{Where: "w", Signer: "me", Claim: attestation.Claim{Predicate: attestation.SummaryV1, Digests: about, Summary: s}}
}

// world is a registry: what tags mean, and what is signed of digests.
type world struct {
	sync.Mutex
	facts map[string]Proofs // by digest
	away  error
	asked []string
}

func (w *world) ask(what string) {
	w.Lock()
	defer w.Unlock()
	w.asked = append(w.asked, what)
}

func (w *world) line(t *testing.T, file string) *Line {
	t.Helper()
	l := lineOf(t, "failOn: none\n"+file)
	l.Resolve = func(_ context.Context, name string) (pod.Image, error) {
		w.ask(name)
		return pod.Image{Digest: pinned}, w.away
	}
	l.Proven = func(_ context.Context, _ admissionfile.Proof, reference string) (Proofs, error) {
		w.ask(reference)
		_, digest, _ := strings.Cut(reference, "@")
		return w.facts[digest], w.away
	}
	return l
}

const (
	shop   = "images: [{match: ['r.example/shop/**'], verdict: {keys: [k]}%s}]\n"
	byName = "r.example/shop/cart:1"
	byHash = "r.example/shop/cart@" + pinned
)

// TestImageRule holds pods against one rule.
func TestImageRule(t *testing.T) {
	good := map[string]Proofs{pinned: {Facts: []signature.Fact{verdict(pinned)}}}
	away := &image.DownError{Err: errors.New("registry r.example did not answer in time")}
	for _, c := range []struct {
		name, more, image string
		facts             map[string]Proofs
		away              error
		stage             Stage
		allowed           bool
		says              string // of the message, or the warnings
	}{
		{"proven", "", "'" + byHash + "'", good, nil, Fail, true, ""},
		{"proven, by a tag", "", byName, good, nil, Fail, true, ""},
		{"its tag may move", "", byName, good, nil, Tell, true, "admission/unpinned-image"},
		{"nothing moves", "", "'" + byHash + "'", good, nil, Tell, true, ""},
		{"a tag where a digest must be", ", digest: required", byName, good, nil, Fail, false, "it means " + pinned + " now"},
		{"a tag that nothing made a digest", ", digest: resolved", byName, good, nil, Fail, false, "Write " + byName + "@" + pinned},
		{"nothing is signed", "", byName, nil, nil, Fail, false, "verdict: there is none"},
		{"another image's name", "", "other.example/shop/cart:1", nil, nil, Fail, true, ""},
		{"Docker's short name is no way around", "", "cart", nil, nil, Fail, true, ""},
		{"of another namespace", ", namespaces: [pay]", byName, nil, nil, Fail, true, ""},
		{"warned", ", mode: warn", byName, nil, nil, Tell, true, "verdict: there is none"},
		{"warned, which stops nothing", ", mode: warn", byName, nil, nil, Fail, true, ""},
		{"off", ", mode: 'off'", byName, nil, nil, Tell, true, ""},
		{"away", "", byName, nil, away, Fail, false, "what its tag means is not known: registry r.example did not answer in time"},
		{"away, by digest", "", "'" + byHash + "'", nil, away, Fail, false, "its verdict could not be asked for: registry r.example did not answer in time"},
		{"away, which may be", ", onFailure: ignore", byName, nil, away, Ignore, true, "could not judge this, and lets it pass"},
		{"away, and no digest, which must be", ", onFailure: ignore, digest: required", byName, nil, away, Ignore, false, "unpinned-image"},
		{"nothing is signed, where it may be away", ", onFailure: ignore", byName, nil, nil, Ignore, false, "there is none"},
		{"another stage's", ", onFailure: ignore", byName, nil, nil, Fail, true, ""},
		{"what is no name", "", "'r.example/shop/CART:1'", nil, nil, Fail, false, "its name is not understood"},
		{"another digest", "", "'r.example/shop/cart@sha512:" + strings.Repeat("a", 128) + "'", nil, nil, Fail, false, "its name is not understood"},
		{"a registry in capitals", "", "R.EXAMPLE/shop/cart:1", map[string]Proofs{}, nil, Fail, false, "there is none"},
		{"a registry by its port", "", "'r.example:443/shop/cart:1'", map[string]Proofs{}, nil, Fail, false, "there is none"},
		{"a registry that answers", ", onFailure: ignore", byName, nil, errors.New("its index lists more than 32 images"), Ignore, false, "lists more than 32"},
	} {
		w := &world{facts: c.facts, away: c.away}
		l := w.line(t, fmt.Sprintf(shop, c.more))
		d := l.Decide(context.Background(), c.stage, request(t, admissionv1.Create, podWith(c.image, ""), ""), today)
		said := d.Message + strings.Join(d.Warnings, "\n")
		if d.Allowed != c.allowed || !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: %t, %q", c.name, d.Allowed, said)
		}
		if c.stage != Tell && c.says == "" && c.facts == nil && len(w.asked) > 0 {
			t.Errorf("%s: it asked about %q", c.name, w.asked)
		}
	}
}

// TestQuestion asks for each that a rule can ask for.
func TestQuestion(t *testing.T) {
	for ask, want := range map[string]string{
		"failOn: high": "", "failOn: medium": "its line denies from", "failOn: high, unfixed: true": "lets pass what has no fix",
		"maxAge: 2h": "", "maxAge: 10m": "too old", "policies: [no-root]": "was not in force", "policyDigest: '" + amd + "'": "is asked for",
		"dbMaxAge: 1d": "of when the advisories were", "verifier: 'https://other.example'": "was verified by", "verifier: any": "", "resource: 'oci:r.example/x'": "was verified as",
	} {
		w := &world{facts: map[string]Proofs{pinned: {Facts: []signature.Fact{verdict(pinned)}}}}
		l := w.line(t, "images: [{match: ['r.example/shop/**'], verdict: {keys: [k], "+ask+"}}]\n")
		d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, podWith("'"+byHash+"'", ""), ""), today)
		if d.Allowed != (want == "") || !strings.Contains(d.Message, want) {
			t.Errorf("%s: %s", ask, d.Message)
		}
	}
	w := &world{facts: map[string]Proofs{pinned: {Facts: []signature.Fact{{Where: "w", Signer: "me", Claim: attestation.Claim{Digests: []string{pinned}, Signs: true}}}}}}
	for what, want := range map[string]bool{"signature": true, "verdict": false} {
		l := w.line(t, "images: [{match: ['r.example/shop/**'], "+what+": {keys: [k]}}]\n")
		if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, podWith("'"+byHash+"'", ""), ""), today); d.Allowed != want {
			t.Errorf("a signature, and a %s is asked for: %s", what, d.Message)
		}
	}
}

// TestIndex has images for two platforms, of which all that may run must be signed.
func TestIndex(t *testing.T) {
	both := func(index []signature.Fact, a, b []signature.Fact) Proofs {
		return Proofs{Facts: index, Platforms: []Platform{
			{amd, image.Platform{OS: "linux", Architecture: "amd64"}, a}, {arm, image.Platform{OS: "linux", Architecture: "arm64"}, b},
		}}
	}
	of := func(about ...string) []signature.Fact { return []signature.Fact{verdict(about...)} }
	for _, c := range []struct {
		name, more string
		proofs     Proofs
		says       string
	}{
		{"the index is signed", "", both(of(pinned), nil, nil), ""},
		{"each is signed, by one beside the index", "", both(of(amd, arm), nil, nil), ""},
		{"each is signed, beside itself", "", both(nil, of(amd), of(arm)), ""},
		{"one is signed", "", both(nil, of(amd), nil), "for linux/arm64: there is none"},
		{"one is signed twice", "", both(of(amd), of(amd), of(amd)), "for linux/arm64: it is about"},
		{"one is signed, and no other may run", ", platforms: [linux/amd64]", both(nil, of(amd), nil), ""},
		{"none that may run is listed", ", platforms: [linux/s390x]", both(nil, of(amd), of(arm)), "lists none of the platforms"},
		{"something else is signed", "", both(of(other), nil, nil), "for linux/amd64: it is about"},
	} {
		w := &world{facts: map[string]Proofs{pinned: c.proofs}}
		d := w.line(t, fmt.Sprintf(shop, c.more)).Decide(context.Background(), Fail, request(t, admissionv1.Create, podWith(byName, ""), ""), today)
		if d.Allowed != (c.says == "") || !strings.Contains(d.Message, c.says) {
			t.Errorf("%s: %s", c.name, d.Message)
		}
	}
}

// TestEveryImage wants no place of a pod forgotten, and what runs already left alone.
func TestEveryImage(t *testing.T) {
	const signed, spec = "r.example/shop/ok:1", "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: [{name: a, image: '%s'}], initContainers: [{name: b, image: '%s'}], ephemeralContainers: [{name: c, image: '%s'}], volumes: [{name: v, image: {reference: '%s'}}]}}"
	w := &world{}
	l := w.line(t, fmt.Sprintf(shop, ""))
	l.Proven = func(_ context.Context, _ admissionfile.Proof, reference string) (Proofs, error) {
		if strings.Contains(reference, "/ok@") {
			return Proofs{Facts: []signature.Fact{verdict(pinned)}}, nil
		}
		return Proofs{}, nil
	}
	object := func(bad int) string {
		images := []any{signed, signed, signed, signed}
		if bad >= 0 {
			images[bad] = byName
		}
		return fmt.Sprintf(spec, images...)
	}
	for bad, field := range []string{"spec.containers[0].image", "spec.initContainers[0].image", "spec.ephemeralContainers[0].image", "spec.volumes[0].image.reference"} {
		if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, object(bad), ""), today); d.Allowed || !strings.Contains(d.Message, field) {
			t.Errorf("%s: %s", field, d.Message)
		}
	}
	for _, c := range []struct {
		name     string
		now, was int
		want     bool
	}{{"another image", 0, -1, false}, {"a debugger", 2, -1, false}, {"one that ran before", 0, 0, true}} {
		now := strings.Replace(object(c.now), "metadata: {", "metadata: {labels: {x: z}, ", 1)
		if c.now == c.was {
			now = strings.Replace(now, "ephemeralContainers: [", "ephemeralContainers: [{name: d, image: '"+signed+"'}, ", 1)
		}
		if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Update, now, object(c.was)), today); d.Allowed != c.want {
			t.Errorf("%s: %t %s", c.name, d.Allowed, d.Message)
		}
	}
	for _, o := range []string{deployment(byName, "", 1), "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c, namespace: shop}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: '" + byName + "'}]}}}}}}"} {
		if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, o, ""), today); d.Allowed {
			t.Errorf("a template is let in: %s", o)
		}
	}
}

// TestPinned has a rule make digests of tags, also where nothing else is changed.
func TestPinned(t *testing.T) {
	w := &world{facts: map[string]Proofs{pinned: {Facts: []signature.Fact{verdict(pinned)}}}}
	l := w.line(t, fmt.Sprintf(shop, ", digest: resolved"))
	if !l.Has(Change) || !l.Denies(Change, nil) {
		t.Error("no webhook would change pods")
	}
	r := request(t, admissionv1.Create, strings.Replace(podWith(byName, ""), "spec: {", "spec: {volumes: [{name: v, image: {reference: 'r.example/shop/data:2'}}], ", 1), "")
	d := l.Decide(context.Background(), Change, r, today)
	r.Object.Raw = patched(t, r.Object.Raw, d)
	if got := string(r.Object.Raw); !strings.Contains(got, byName+"@"+pinned) || !strings.Contains(got, "data:2@"+pinned) || len(d.Given) != 1 {
		t.Errorf("%s, given %v", got, d.Given)
	}
	if d := l.Decide(context.Background(), Fail, r, today); !d.Allowed {
		t.Errorf("changed, it is denied: %s", d.Message)
	}
	if d := l.Decide(context.Background(), All, request(t, admissionv1.Create, podWith(byName, ""), ""), today); !d.Allowed || len(d.Patch) == 0 || len(d.Warnings) > 0 {
		t.Errorf("tried out: %s %v %+v", d.Message, d.Warnings, d.Patch)
	}
	if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, deployment(byName, "", 1), ""), today); !d.Allowed {
		t.Errorf("what makes pods: %s", d.Message)
	}
	// A registry that is away: the pod is not changed, and what becomes of it is the rule's to say.
	w.away = &image.DownError{Err: errors.New("it hangs")}
	for otherwise, want := range map[string]bool{"fail": false, "ignore": true} {
		l := w.line(t, fmt.Sprintf(shop, ", digest: resolved, onFailure: "+otherwise))
		r := request(t, admissionv1.Create, podWith(byName, ""), "")
		if d := l.Decide(context.Background(), Change, r, today); !d.Allowed || len(d.Patch) > 0 || len(d.Unknown) == 0 {
			t.Errorf("%s: away, it changes %+v, and says %v", otherwise, d.Patch, d.Unknown)
		}
		stage := map[string]Stage{"fail": Fail, "ignore": Ignore}[otherwise]
		if d := l.Decide(context.Background(), stage, r, today); d.Allowed != want || want != (len(d.Warnings) > 0) {
			t.Errorf("%s: away: %t %s %v", otherwise, d.Allowed, d.Message, d.Warnings)
		}
	}
}

// TestListed has rules list what they are about, where everything else is denied.
func TestListed(t *testing.T) {
	w := &world{facts: map[string]Proofs{pinned: {Facts: []signature.Fact{verdict(pinned)}}}}
	l := w.line(t, "default: deny\n"+fmt.Sprintf(shop, ""))
	for image, want := range map[string]bool{byName: true, "evil.example/miner": false} {
		if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, podWith(image, ""), ""), today); d.Allowed != want {
			t.Errorf("%s: %t %s", image, d.Allowed, d.Message)
		}
	}
}

// TestMany bounds what is asked for one object, and is no way past a rule.
func TestMany(t *testing.T) {
	var all []string
	for i := range 2 * mostImages {
		all = append(all, fmt.Sprintf("{name: c%d, image: 'r.example/shop/cart:%d'}", i, i))
	}
	w := &world{facts: map[string]Proofs{pinned: {Facts: []signature.Fact{verdict(pinned)}}}}
	l := w.line(t, fmt.Sprintf(shop, ""))
	l.Resolve = func(context.Context, string) (pod.Image, error) { return pod.Image{Digest: pinned}, nil }
	l.Proven = func(context.Context, admissionfile.Proof, string) (Proofs, error) { return w.facts[pinned], nil }
	o := "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: [" + strings.Join(all, ", ") + "]}}"
	if d := l.Decide(context.Background(), Fail, request(t, admissionv1.Create, o, ""), today); d.Allowed || !strings.Contains(d.Message, "100 images at most") {
		t.Errorf("%t %s", d.Allowed, d.Message)
	}
}

// TestAskTime wants a registry that hangs to leave time to say so.
func TestAskTime(t *testing.T) {
	l := (&world{}).line(t, fmt.Sprintf(shop, ""))
	l.Resolve = func(ctx context.Context, _ string) (pod.Image, error) { <-ctx.Done(); return pod.Image{}, ctx.Err() }
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	d := l.Decide(ctx, Fail, request(t, admissionv1.Create, podWith(byName, ""), ""), today)
	if d.Allowed || d.Failed != "" || !strings.Contains(d.Message, "what its tag means is not known") {
		t.Errorf("%t %s %s", d.Allowed, d.Failed, d.Message)
	}
}
