package scan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/base"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestSecretsOfTheBase tells what the base image brought, and shows it or not as the filter asks. A file that
// is written again with the same secret is one finding, which the container sees.
func TestSecretsOfTheBase(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	below := imagetest.Layer{Files: []imagetest.File{{Path: "etc/base.env", Body: "A_PASSWORD=b4seb4se"}, {Path: "etc/both.env", Body: "B_PASSWORD=b0thb0th"}}}
	above := imagetest.Layer{Files: []imagetest.File{{Path: "etc/both.env", Body: "B_PASSWORD=b0thb0th"}, {Path: "app/own.env", Body: "C_PASSWORD=0wn3r0f1t"}}}
	file := imagetest.WriteFile(t, "image.tar", imagetest.New(imagetest.Image{Name: "shop/cart:1", Layers: []imagetest.Layer{below, above}}).Tar())
	titles := func(f scan.Filter) (all []string) {
		imgs, err := archive.Open(t.Context(), file, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer imgs[0].Close()
		r := report(t, imgs[0], scan.Options{Lookup: db, Checks: []string{"secret"}, Bases: scan.Bases{Known: []base.Entry{{Name: "base:1", Digest: digest("1"), DiffIDs: diffIDs(below)}}}})
		f.Apply(r)
		for _, one := range r.Findings {
			if one.Kind == finding.KindSecret {
				all = append(all, strings.TrimPrefix(one.Title, "password: "))
			}
		}
		return all
	}
	of, own, both := "A_PASSWORD in etc/base.env:1, from the base image", "C_PASSWORD in app/own.env:1", "B_PASSWORD in etc/both.env:1 and 1 more place"
	for _, c := range []struct {
		name   string
		filter scan.Filter
		want   []string
	}{
		{"all", scan.Filter{}, []string{own, of, both}},
		{"base", scan.Filter{BaseOnly: true}, []string{of}},
		{"application", scan.Filter{AppOnly: true}, []string{own, both}},
	} {
		if diff := cmp.Diff(c.want, titles(c.filter)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestFingerprints keeps two secrets of one file apart, and one secret the same wherever its line is.
func TestFingerprints(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	prints := func(body string) (all []string) {
		file := imagetest.WriteFile(t, "image.tar", imagetest.New(imagetest.Image{Name: "x:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a.env", Body: body}}}}}).Tar())
		imgs, err := archive.Open(t.Context(), file, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer imgs[0].Close()
		for _, f := range report(t, imgs[0], scan.Options{Lookup: db, Checks: []string{"secret"}}).Findings {
			all = append(all, f.Fingerprint)
		}
		return all
	}
	two, moved := prints("A_PASSWORD=f1rst0ne\nB_PASSWORD=sec0nd0ne\n"), prints("\n\nA_PASSWORD=other0ne1\n")
	if len(two) != 2 || two[0] == two[1] || len(moved) != 1 || two[0] != moved[0] && two[1] != moved[0] {
		t.Errorf("%v, %v", two, moved)
	}
}
