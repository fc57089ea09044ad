package registry

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

func entry(user string) string {
	return `{"auth":"` + base64.StdEncoding.EncodeToString([]byte(user+":secret-of-"+user)) + `"}`
}

// Where credentials are looked for, and which of several are taken.
func TestFindLogin(t *testing.T) {
	const named, docker, podman, kept = "named.json", "docker/config.json", "run/containers/auth.json", "config/containers/auth.json"
	for _, c := range []struct {
		name, image, user, from, trouble string
		files                            map[string]string
		env                              string // DOCKER_AUTH_CONFIG
	}{
		{name: "nobody", image: "r.example/a"},
		{name: "docker login", image: "r.example/a", user: "d", from: docker, files: map[string]string{docker: `{"auths":{"r.example":` + entry("d") + `}}`}},
		{
			name: "podman login beside a Docker without", image: "r.example/a", user: "p", from: podman,
			files: map[string]string{docker: `{"auths":{"other.example":` + entry("d") + `},"currentContext":"x"}`, podman: `{"auths":{"r.example":` + entry("p") + `}}`},
		},
		{name: "podman login for good", image: "r.example/a", user: "k", from: kept, files: map[string]string{kept: `{"auths":{"r.example":` + entry("k") + `}}`}},
		{
			name: "the file that is named comes first", image: "r.example/a", user: "n", from: named,
			files: map[string]string{docker: `{"auths":{"r.example":` + entry("d") + `}}`, named: `{"auths":{"r.example":` + entry("n") + `}}`},
		},
		{
			name: "the environment itself", image: "r.example/a", user: "e", from: "DOCKER_AUTH_CONFIG", env: `{"auths":{"r.example":` + entry("e") + `}}`,
			files: map[string]string{docker: `{"auths":{"r.example":` + entry("d") + `}}`},
		},
		{
			name: "the narrowest key", image: "r.example/a/b/c", user: "ab", from: podman,
			files: map[string]string{podman: `{"auths":{"r.example/x":` + entry("x") + `,"r.example":` + entry("all") + `,"r.example/a/b":` + entry("ab") + `,"r.example/a":` + entry("a") + `}}`},
		},
		{name: "another's key", image: "r.example/b", files: map[string]string{podman: `{"auths":{"r.example/a":` + entry("a") + `}}`}},
		{name: "old keys", image: "r.example/b", user: "o", from: docker, files: map[string]string{docker: `{"auths":{"https://r.example/v1/":` + entry("o") + `}}`}},
		{name: "the hub as Docker files it", image: "debian", user: "h", from: docker, files: map[string]string{docker: `{"auths":{"https://index.docker.io/v1/":` + entry("h") + `}}`}},
		{name: "the hub as Podman files it", image: "debian", user: "h", from: podman, files: map[string]string{podman: `{"auths":{"docker.io":` + entry("h") + `}}`}},
		{name: "helper", image: "r.example/a", user: "helped", from: "docker-credential-test", files: map[string]string{docker: `{"credHelpers":{"r.example":"test"}}`}},
		{name: "helper for all", image: "debian", user: "helped", from: "docker-credential-test", files: map[string]string{docker: `{"auths":{"https://index.docker.io/v1/":{}},"credsStore":"test"}`}},
		{name: "a token", image: "r.example/a", user: "a token", from: docker, files: map[string]string{docker: `{"auths":{"r.example":{"identitytoken":"x"}}}`}},
		{name: "no such helper", image: "r.example/a", trouble: "docker-credential-gone", files: map[string]string{docker: `{"credsStore":"gone"}`}},
		{
			name: "a helper that fails, and another file", image: "r.example/a", user: "p", from: podman,
			files: map[string]string{docker: `{"credsStore":"locked"}`, podman: `{"auths":{"r.example":` + entry("p") + `}}`}, trouble: "keychain is locked",
		},
		{name: "broken file", image: "r.example/a", trouble: docker, files: map[string]string{docker: `{broken`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string, mode os.FileMode) {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			write("bin/docker-credential-test", "#!/bin/sh\necho '{\"Username\":\"helped\",\"Secret\":\"secret-of-helped\"}'\n", 0o700)
			write("bin/docker-credential-locked", "#!/bin/sh\necho 'the keychain is locked'; exit 1\n", 0o700)
			t.Setenv("PATH", filepath.Join(dir, "bin"))
			t.Setenv("HOME", dir)
			t.Setenv("DOCKER_AUTH_CONFIG", c.env)
			env := map[string]string{
				"DOCKER_CONFIG": filepath.Join(dir, "docker"), "XDG_RUNTIME_DIR": filepath.Join(dir, "run"),
				"XDG_CONFIG_HOME": filepath.Join(dir, "config"), "DOCKER_AUTH_CONFIG": c.env,
			}
			for name, text := range c.files {
				write(name, text, 0o600)
				if name == named {
					env["REGISTRY_AUTH_FILE"] = filepath.Join(dir, named)
				}
			}
			ref, err := image.ParseReference(c.image)
			if err != nil {
				t.Fatal(err)
			}
			l := findLogin(ref, func(name string) string { return env[name] })
			if l.user != c.user || !strings.Contains(filepath.ToSlash(l.from), c.from) || (l.auth == authn.Anonymous) != (c.user == "") {
				t.Errorf("asked as %s", l)
			}
			if (l.trouble != nil) != (c.trouble != "") || l.trouble != nil && !strings.Contains(filepath.ToSlash(l.trouble.Error()), c.trouble) {
				t.Errorf("trouble: %v, want %q", l.trouble, c.trouble)
			}
			if strings.Contains(l.String(), "secret") || l.trouble != nil && strings.Contains(l.trouble.Error(), "secret") {
				t.Errorf("%s, %v: the secret is told", l, l.trouble)
			}
		})
	}
}
