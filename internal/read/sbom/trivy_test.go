package sbom

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTrivy reads what Trivy wrote itself (testdata/README.md): the same packages from both forms, an epoch with its
// version, and nothing lost but what Trivy does not say.
func TestTrivy(t *testing.T) {
	var first []string
	for _, name := range []string{"trivy.cdx.json", "trivy.spdx"} {
		f, err := os.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		doc, err := Read(f)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, p := range doc.Packages {
			got = append(got, p.Type+" "+p.FullName()+" "+p.Version)
		}
		slices.Sort(got)
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" || len(got) != 23 || !slices.Contains(got, "deb zlib1g 1:1.2.13.dfsg-1") {
			t.Errorf("%s: %d packages %s\n%q", name, len(got), diff, got)
		}
		if len(doc.Notes) != 1 || doc.Notes[0].Class != "incomplete-sbom" || doc.Notes[0].Blocking {
			t.Errorf("%s: %+v", name, doc.Notes)
		}
	}
}
