package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

var (
	// A block may have the name of its file above it or in its first line, or above it a comment why it is not run.
	fence    = regexp.MustCompile("(?ms)^(?:`([a-zA-Z][a-zA-Z0-9./-]*)`:\n|<!-- not run: ([^\n]+) -->\n)?```([a-z]*)\n(.*?)^```$")
	titled   = regexp.MustCompile(`^# ([a-z-]+\.yaml)\n`)
	expected = regexp.MustCompile(`\s+# exit status (\d)\b`)
)

// TestGuides follows all pages of docs/guide from top to bottom: files that they show are written, commands that they show are
// run, and what they show of their output must stand there. A block that cannot be run says why in a comment above it.
func TestGuides(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guide", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal("there are no guides", err)
	}
	// The pipeline uses the keys that the page on attestations makes.
	together := map[string][]string{"attest.md": {"attest.md", "pipeline.md"}, "pipeline.md": nil}
	for _, page := range pages {
		name := filepath.Base(page)
		follow, ok := together[name]
		if !ok {
			follow = []string{name}
		} else if follow == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, one := range follow {
				w.follow(t, one)
			}
			if b, err := os.ReadFile(filepath.Join(w.dir, "invalid")); err == nil {
				t.Errorf("reports that are not as the schema says: %s", b)
			}
		})
	}
}

// world is the folder that a reader of the guides sits in, with a registry in the place of the guides' own.
type world struct {
	dir, registry string
	said          string // by the block before
}

// newWorld writes testdata/guides.txtar, the images and shop.tar.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	a, err := txtar.ParseFile(filepath.Join("testdata", "guides.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	packages := ""
	for _, f := range a.Files {
		if f.Name == "root/var/lib/dpkg/status" {
			packages = string(f.Data)
		}
		w.write(t, f.Name, f.Data)
	}
	shop, err := filepath.Abs(filepath.Join("..", "..", "examples", "shop", "shop.tar"))
	if err == nil {
		err = os.Symlink(shop, filepath.Join(w.dir, "shop.tar"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cart := imagetest.New(imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	if err := os.CopyFS(filepath.Join(w.dir, "cart"), os.DirFS(cart.Folder(t))); err != nil {
		t.Fatal(err)
	}
	w.write(t, "cart.tar", cart.Tar())
	w.registry = imagetest.Serve(t, cart)
	for _, name := range []string{"debian:12", "debian:13", "node:22", "alpine:3.20"} {
		id, version, _ := strings.Cut(name, ":")
		files := []imagetest.File{{Path: "etc/os-release", Body: "ID=" + id + "\nVERSION_ID=" + strconv.Quote(version) + "\n"}, {Path: "var/lib/dpkg/status", Body: packages}}
		imagetest.New(imagetest.Image{Name: "library/library/" + name, Layers: []imagetest.Layer{{Files: files}}}).Push(t, "http://"+w.registry)
	}
	return w
}

func (w *world) write(t *testing.T, name string, b []byte) {
	t.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// oneSpace forgets where lines were broken.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

func (w *world) follow(t *testing.T, name string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name))
	if err != nil {
		t.Fatal(err)
	}
	after := ""
	for _, m := range fence.FindAllStringSubmatch(strings.ReplaceAll(string(page), "\r\n", "\n"), -1) {
		file, why, lang, body := m[1], m[2], m[3], m[4]
		if title := titled.FindStringSubmatch(body); title != nil && file == "" {
			file = title[1]
		}
		switch {
		case file != "":
			w.write(t, file, []byte(strings.ReplaceAll(body, "registry.example.com", w.registry)))
		case why != "":
		case lang == "sh":
			for line := range strings.Lines(strings.ReplaceAll(body, "\\\n", " ")) {
				if line = strings.TrimSpace(line); line != "" {
					w.run(t, name, line)
				}
			}
		case (lang == "" || lang == "text") && after == "sh":
			for line := range strings.Lines(body) {
				if !strings.Contains(oneSpace(strings.ReplaceAll(w.said, w.registry, "registry.example.com")), oneSpace(line)) {
					t.Errorf("%s shows %q, which is not printed:\n%s", name, line, w.said)
				}
			}
		case lang == "" && strings.Contains("\n"+body, "\nplimsoll "):
			t.Errorf("%s has commands in a block that is not marked as sh:\n%s", name, body)
		}
		if after = lang; why != "" {
			after = "" // what follows is not the output of what was run
		}
	}
}

// run runs one line of shell. It must end as it says; else well, where a scan's verdict is its own.
func (w *world) run(t *testing.T, page, line string) {
	t.Helper()
	for _, program := range []string{"sh", "openssl", "skopeo", "shellcheck"} {
		if program == "sh" || strings.HasPrefix(line, program+" ") || strings.Contains(line, "--"+program+" ") {
			if _, err := exec.LookPath(program); err != nil {
				t.Skip("needs " + program)
			}
		}
	}
	env := append(os.Environ(), "HOME="+w.dir, "XDG_CACHE_HOME="+filepath.Join(w.dir, "cache"), "XDG_DATA_HOME=", "DOCKER_CONFIG="+w.dir, "REGISTRY_AUTH_FILE=",
		// No engine of this machine is to be asked, and no registry of the world.
		"DOCKER_HOST=unix:///nowhere/docker.sock", "CONTAINER_HOST=unix:///nowhere/podman.sock", "CONTAINERD_ADDRESS=/nowhere/containerd.sock", "CONTAINERD_ROOT=/nowhere",
		"PLIMSOLL_MIRROR=docker.io="+w.registry, "GITHUB_SHA=0123456789abcdef0123456789abcdef01234567", "GITHUB_REF=refs/heads/main",
		"PLIMSOLL_TEST_SCHEMA="+schemaFile, "PLIMSOLL_TEST_INVALID="+filepath.Join(w.dir, "invalid"))
	if page != "exceptions.md" { // which tells of gaps; the others' own images have packages that the database knows
		env = append(env, "PLIMSOLL_ALLOW_GAP=no-packages,feed-partial")
	}
	shown := line
	line = strings.ReplaceAll(line, "registry.example.com", w.registry)
	line = strings.ReplaceAll(line, "skopeo copy -q", "skopeo copy -q --dest-tls-verify=false --insecure-policy")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = w.dir, env
	out, _ := cmd.CombinedOutput()
	w.said = string(out)
	got := cmd.ProcessState.ExitCode()
	switch m := expected.FindStringSubmatch(shown); {
	case m != nil && strconv.Itoa(got) == m[1], m == nil && got == 0, m == nil && got == 1 && strings.Contains(shown, "plimsoll scan "):
	default:
		t.Errorf("%s: %s: exit status %d:\n%s", page, shown, got, out)
	}
}
