//go:build linux

package scan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
)

// TestBuiltAsWritten has Docker build the examples of all checks of an image's configuration, and wants the same of the
// image as of its Dockerfile; and of both in one call, each once, on the image.
func TestBuiltAsWritten(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root and Docker: set PLIMSOLL_TEST=all")
	}
	const name = "plimsoll-test/built:1"
	t.Cleanup(func() { exec.Command("/usr/bin/docker", "rmi", name).Run() })
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	built := 0
	for _, c := range imagecfg.Checks() {
		// Of a Dockerfile, the first is dockerfile/shell-form; the second stands there for all to see.
		if c.ID == "image/shell-entrypoint" || c.ID == "image/onbuild" {
			continue
		}
		if text, ok := dockerfileOf(c.Page.Bad); ok {
			dir := t.TempDir()
			for file, body := range map[string]string{"Dockerfile": text, "passwd": "root:x:0:0::/:/app\napp:x:10001:10001::/:/app\n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(body), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			run(t, "/usr/bin/docker", "build", "-q", "-t", name, dir)
			built++
			look := func(subjects ...scan.Subject) (found []finding.Finding) {
				r, err := scan.Run(t.Context(), subjects, scan.Options{Lookup: db, Checks: []string{"image"}, Now: db.Manifest().Built})
				if err != nil {
					t.Fatal(err)
				}
				return r.Findings
			}
			file := scan.Subject{Files: &scan.Files{Name: "Dockerfile", Kind: "dockerfile", Documents: []inventory.Document{{Path: "Dockerfile", Bytes: []byte(text)}}}}
			imgs, err := locate.Open(t.Context(), "docker:"+name, locate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			image := scan.Subject{Image: imgs[0]}
			of, written := look(image), look(file)
			if diff := cmp.Diff(rules(written), rules(of)); diff != "" {
				t.Errorf("%s:\n%s\nof the Dockerfile, and of the image:\n%s", c.ID, text, diff)
			}
			both := look(file, image)
			if diff := cmp.Diff(rules(of), rules(both)); diff != "" {
				t.Errorf("%s:\n%s\nof the image, and of both in one call:\n%s", c.ID, text, diff)
			}
			for _, f := range both {
				absent := f.Rule == "image/root-user" || f.Rule == "image/no-healthcheck"
				if f.Target != "t2" || !absent && (len(f.Locations) == 0 || f.Locations[len(f.Locations)-1].Path != "Dockerfile") {
					t.Errorf("%s: %s of %s does not say where it stands in the Dockerfile: %+v", c.ID, f.Title, f.Target, f.Locations)
				}
			}
			imgs[0].Close()
		}
	}
	if built < 10 {
		t.Errorf("only %d examples are Dockerfiles", built)
	}
}

// dockerfileOf makes a Dockerfile of an example that is one, from nothing.
func dockerfileOf(example string) (text string, ok bool) {
	text = "FROM scratch\nCOPY passwd /etc/passwd\n"
	example, ok = strings.CutPrefix(example, "FROM debian:12\n")
	if !ok || strings.Contains(example, "80800") { // which no builder takes
		return "", false
	}
	for line := range strings.Lines(example) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains([]string{"USER", "EXPOSE", "ENV", "VOLUME", "CMD", "ENTRYPOINT", "WORKDIR", "HEALTHCHECK", "LABEL", "STOPSIGNAL", "ONBUILD"}, word) {
			return "", false
		}
		text += line
	}
	return text, true
}

func rules(of []finding.Finding) (all []string) {
	for _, f := range of {
		all = append(all, string(f.Severity)+" "+f.Rule+" "+f.Title)
	}
	slices.Sort(all)
	return all
}
