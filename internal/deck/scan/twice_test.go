package scan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// TestOnce has what two checks see in one place told once, as a secret with the worse severity of the two.
func TestOnce(t *testing.T) {
	for _, c := range []struct {
		name, kind, file, text string
		checks                 []string
		want                   []string
	}{
		{"ENV of a password", "dockerfile", "Dockerfile", "FROM a:1\nENV DB_PASSWORD=hunter2Sup3r\n", nil, []string{"secret/password high"}},
		{"ENV of several lines", "dockerfile", "Dockerfile", "FROM a:1\nENV A=b \\\n  DB_PASSWORD=hunter2Sup3r\n", nil, []string{"secret/password high"}},
		{"no search for secrets", "dockerfile", "Dockerfile", "FROM a:1\nENV DB_PASSWORD=hunter2Sup3r\n", []string{"dockerfile"}, []string{"dockerfile/secret-env high"}},
		{"the search alone", "dockerfile", "Dockerfile", "FROM a:1\nENV DB_PASSWORD=hunter2Sup3r\n", []string{"secret"}, []string{"secret/password high"}},
		{"one let pass", "dockerfile", "Dockerfile", "FROM a:1\n# plimsoll ignore=dockerfile/secret-env for tests\nENV DB_PASSWORD=hunter2Sup3r\n", nil, []string{"secret/password high let pass"}},
		{"another line too", "dockerfile", "Dockerfile", "FROM a:1\nENV DB_PASSWORD=hunter2Sup3r\nENV DB_PASSWORD=$X-y\n", nil, []string{"dockerfile/secret-env high", "secret/password high"}},
		{"a stage that does not ship", "dockerfile", "Dockerfile", "FROM a:1 AS build\nENV DB_PASSWORD=hunter2\nFROM b:1\n", nil, []string{"secret/password low"}},
		{"an ARG of a stage that does not ship", "dockerfile", "Dockerfile", "FROM a:1 AS build\nARG DB_PASSWORD=hunter2Sup3r\nFROM b:1\n", nil, []string{"secret/password low"}},
		{"two stages that do not ship", "dockerfile", "Dockerfile", "FROM a:1 AS one\nARG DB_PASSWORD=hunter2Sup3r\nFROM a:1\nENV DB_PASSWORD=hunter2Sup3r\nFROM b:1\n", nil, []string{"secret/password low"}},
		{"one that ships", "dockerfile", "Dockerfile", "FROM a:1 AS one\nARG DB_PASSWORD=hunter2Sup3r\nFROM a:1\nENV DB_PASSWORD=hunter2Sup3r\n", nil, []string{"secret/password high"}},
		{"a token that is let pass as a variable", "dockerfile", "Dockerfile", "FROM a:1\n# hadolint ignore=DL3064\nENV DB_PASSWORD=postgres://cart:hunter2Sup3r@db.acme.io/cart\n", nil, []string{"dockerfile/secret-env high let pass", "secret/database-url high"}},
		{"a service's environment", "compose", "compose.yaml", "services:\n  a:\n    image: a:1\n    environment:\n      DB_PASSWORD: hunter2Sup3r\n", nil, []string{"secret/password medium"}},
		{"a port that is none", "dockerfile", "Dockerfile", "FROM a:1\nEXPOSE 99999\n", nil, []string{"dockerfile/invalid-port medium"}},
		{"two ports", "dockerfile", "Dockerfile", "FROM a:1\nEXPOSE 99999\nEXPOSE 0\n", nil, []string{"dockerfile/invalid-port medium", "image/bad-port low"}},
	} {
		r := filesReport(t, c.kind, c.file, c.text, c.checks)
		var got []string
		for _, f := range r.Findings {
			if f.Kind == finding.KindSecret || strings.Contains(f.Rule, "secret-") || strings.HasSuffix(f.Rule, "-port") {
				line := f.Rule + " " + string(f.Severity)
				if len(f.Suppressed) > 0 {
					line += " let pass"
				}
				got = append(got, line)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestOnceAimed holds a password by name alone against the stage that was asked for; a token is one wherever it stands.
func TestOnceAimed(t *testing.T) {
	text := "FROM a:1 AS test\nENV DB_PASSWORD=hunter2Sup3r\nENV DB=postgres://cart:hunter2Sup3r@db.acme.io/cart\nFROM b:1 AS app\nUSER 1000\n"
	for stage, want := range map[string]string{"app": "high low", "test": "high high"} {
		r := filesReport(t, "dockerfile", "Dockerfile", text, nil, stage)
		of := map[string]string{}
		for _, f := range r.Findings {
			of[f.Rule] = string(f.Severity)
		}
		if got := of["secret/database-url"] + " " + of["secret/password"]; got != want {
			t.Errorf("--target %s: %s, not %s: %v", stage, got, want, of)
		}
	}
}

// TestOnceKeepsNames has exceptions that are written for the check that is not told hold for the one that is.
func TestOnceKeepsNames(t *testing.T) {
	for _, f := range filesReport(t, "dockerfile", "Dockerfile", "FROM a:1\nENV DB_PASSWORD=hunter2Sup3r\n", nil).Findings {
		if f.Kind != finding.KindSecret {
			continue
		}
		for _, name := range []string{"dockerfile/secret-env", "hadolint/DL3064", "gitleaks/hashicorp-tf-password"} {
			if !slices.Contains(f.Aliases, name) {
				t.Errorf("it is not called %s: %v", name, f.Aliases)
			}
		}
		if !strings.Contains(f.Fix, "where the container is run") || strings.Contains(f.Fix, "build the image without") {
			t.Errorf("fix: %s", f.Fix)
		}
	}
}

// TestCredentialFileOnce tells of a file made for credentials only where no secret in it is told.
func TestCredentialFileOnce(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	file := imagetest.WriteFile(t, "image.tar", imagetest.New(imagetest.Image{Name: "shop/cart:1", Layers: []imagetest.Layer{{Files: []imagetest.File{
		{Path: "root/.netrc", Body: "machine shop.test login joe password Tr0ub4d0r-x9\n"}, {Path: "srv/keys.jks", Body: "\xfe\xed\xfe\xed\x00\x00\x00\x02"},
	}}}}).Tar())
	for _, c := range []struct {
		checks []string
		want   string
	}{{nil, "srv/keys.jks"}, {[]string{"image"}, "2 files"}} {
		imgs, err := archive.Open(t.Context(), file, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := report(t, imgs[0], scan.Options{Lookup: db, Checks: c.checks})
		imgs[0].Close()
		n := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "image/credential-file" })
		if n < 0 || !strings.Contains(r.Findings[n].Title, c.want) || c.checks == nil && strings.Contains(r.Findings[n].Title, "netrc") {
			t.Errorf("%v: %+v", c.checks, r.Findings)
		}
	}
}

func filesReport(t *testing.T, kind, name, text string, checks []string, stage ...string) *finding.Report {
	t.Helper()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files := &scan.Files{Name: name, Kind: kind, Documents: []inventory.Document{{Path: name, Bytes: []byte(text)}}}
	r, err := scan.Run(t.Context(), []scan.Subject{{Files: files}}, scan.Options{
		Kinds: all.Ecosystems(), Now: time.Unix(1_800_000_000, 0), Jobs: 1, Lookup: db, Checks: checks, Stage: strings.Join(stage, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
