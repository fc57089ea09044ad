package place_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
	"github.com/plimsoll/plimsoll/internal/read/attestation/place"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// kept is a repository of which each manifest and blob is a file; the referrers stand in an index under a tag.
type kept string

func (k kept) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(k), strings.Replace(name, ":", "-", 1)))
}

func (k kept) Manifest(_ context.Context, name string) ([]byte, error) { return k.read(name) }

func (k kept) Blob(_ context.Context, d image.Descriptor, _ int64) ([]byte, error) {
	return k.read(d.Digest)
}

func (k kept) Referrers(_ context.Context, digest string) ([]image.Descriptor, error) {
	b, err := k.read(digest)
	if err != nil {
		return nil, err
	}
	var index image.Manifest
	err = json.Unmarshal(b, &index)
	return index.Manifests, err
}

// TestGenuine reads what Cosign itself put beside an image (testdata/README.md), in both of its forms, and
// holds it against Cosign's own key.
func TestGenuine(t *testing.T) {
	const digest = "sha256:e00dba2c8f3ffff541cd83fcda3ee30e12247d684afebd48afb371ca36e1764f"
	store := kept(filepath.Join("testdata", "cosign"))
	found, err := place.Find(t.Context(), store, digest)
	if err != nil || len(found.Troubles) > 0 {
		t.Fatal(err, found.Troubles)
	}
	b, err := store.read("cosign.key")
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.ParsePrivate(b, []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = store.read("cosign.pub"); err != nil {
		t.Fatal(err)
	}
	public, err := key.ParsePublic(b)
	if err != nil || public.ID() != private.Public.ID() {
		t.Fatalf("the public key is not that of the private one: %v", err)
	}
	var got []string
	for _, p := range found.Proofs {
		claim, err := p.Claim()
		if err != nil {
			t.Errorf("%s: %v", p.Where, err)
		}
		if !p.SignedBy(public) || !slices.Equal(claim.Digests, []string{digest}) {
			t.Errorf("%s: not signed by the key, or about %v", p.Where, claim.Digests)
		}
		p.Payload = slices.Concat(p.Payload, []byte(" "))
		if p.SignedBy(public) {
			t.Errorf("%s: signed whatever it says", p.Where)
		}
		says := claim.Predicate
		if claim.Signs {
			says = "signs by " + says
		}
		if claim.Summary != nil {
			says += " " + claim.Summary.VerificationResult
		}
		got = append(got, says)
	}
	want := []string{
		attestation.SummaryV1 + " PASSED", "signs by " + attestation.CosignSign, // bundles
		attestation.SummaryV1 + " PASSED", "signs by ", // under the tags
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
