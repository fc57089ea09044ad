package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// login is as whom a registry is asked.
type login struct {
	auth authn.Authenticator
	user string // empty when nobody is signed in
	from string // the file or the helper that the credentials come from
	// trouble is why credentials that may be there could not be read. As with Docker, that is no reason
	// not to ask: most images may be read by anybody.
	trouble error
}

// String says it for the user to see; never the secret.
func (l login) String() string { return fmt.Sprintf("%q, by the credentials of %s", l.user, l.from) }

// hubKey is how Docker files what belongs to its own registry.
const hubKey = "https://index.docker.io/v1/"

// findLogin looks for credentials where docker login and podman login leave them: in
// DOCKER_AUTH_CONFIG itself, then in each of the files, the first that has some.
func findLogin(ref image.Reference, env func(string) string) login {
	l := login{auth: authn.Anonymous}
	if env(configfile.DockerEnvConfigKey) != "" {
		none := configfile.ConfigFile{AuthConfigs: map[string]types.AuthConfig{}}
		if a, err := none.GetAuthConfig(serverKey(ref)); err == nil && l.take(a, configfile.DockerEnvConfigKey) {
			return l
		}
	}
	for _, path := range loginFiles(env) {
		file, err := readLogins(path)
		if errors.Is(err, fs.ErrNotExist) && path != env("REGISTRY_AUTH_FILE") {
			continue
		}
		if err == nil {
			err = l.search(file, path, ref)
		}
		if l.user != "" {
			return l
		}
		if err != nil && l.trouble == nil {
			l.trouble = fmt.Errorf("the credentials of %s cannot be read: %w", path, err)
		}
	}
	return l
}

// loginFiles lists them in the order in which they are asked. One that was named comes first.
func loginFiles(env func(string) string) []string {
	var files []string
	add := func(dir string, elements ...string) {
		if dir != "" {
			files = append(files, filepath.Join(append([]string{dir}, elements...)...))
		}
	}
	home, _ := os.UserHomeDir()
	add(env("REGISTRY_AUTH_FILE"))
	if dir := env("DOCKER_CONFIG"); dir != "" {
		add(dir, "config.json")
	} else {
		add(home, ".docker", "config.json")
	}
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		add(dir, "containers", "auth.json")
	} else {
		add("/run/containers", strconv.Itoa(os.Getuid()), "auth.json")
	}
	if dir := env("XDG_CONFIG_HOME"); dir != "" {
		add(dir, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	return files
}

func readLogins(path string) (*configfile.ConfigFile, error) {
	const most = 4 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, err
	}
	return config.LoadFromReader(bytes.NewReader(b))
}

// search asks one file: the helper or the entry with the longest key that fits, then the helper for
// everything.
func (l *login) search(file *configfile.ConfigFile, path string, ref image.Reference) error {
	for _, key := range keys(ref) {
		if helper := file.CredentialHelpers[key]; helper != "" {
			return l.ask(file, key, helper, path)
		}
		for name, a := range file.AuthConfigs {
			if plainKey(name) == plainKey(key) && l.take(a, path) {
				return nil
			}
		}
	}
	if file.CredentialsStore != "" {
		return l.ask(file, serverKey(ref), file.CredentialsStore, path)
	}
	return nil
}

// ask runs docker-credential-HELPER.
func (l *login) ask(file *configfile.ConfigFile, key, helper, path string) error {
	a, err := file.GetAuthConfig(key)
	if err != nil {
		return fmt.Errorf("docker-credential-%s: %s", helper, strings.Join(strings.Fields(err.Error()), " "))
	}
	l.take(a, fmt.Sprintf("docker-credential-%s (%s)", helper, path))
	return nil
}

// take uses credentials, if these are any.
func (l *login) take(a types.AuthConfig, from string) bool {
	switch {
	case a.Username != "" && a.Username != "<token>":
		l.user = a.Username
	case a.IdentityToken != "" || a.RegistryToken != "" || a.Password != "":
		l.user = "a token"
	default:
		return false
	}
	l.from = from
	l.auth = authn.FromConfig(authn.AuthConfig{
		Username: a.Username, Password: a.Password, Auth: a.Auth,
		IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
	})
	return true
}

// keys are what credentials for a repository may be filed under, the narrowest first
// (containers-auth.json(5)).
func keys(ref image.Reference) []string {
	var all []string
	for name := ref.Name(); strings.Contains(name, "/"); name = name[:strings.LastIndexByte(name, '/')] {
		all = append(all, name)
	}
	all = append(all, ref.Host)
	if ref.Host == "docker.io" {
		all = append(all, hubKey)
	}
	return all
}

// serverKey is what helpers know a registry by.
func serverKey(ref image.Reference) string {
	if ref.Host == "docker.io" {
		return hubKey
	}
	return ref.Host
}

// plainKey takes from a key what old versions of Docker wrote around the host.
func plainKey(key string) string {
	if key == hubKey {
		return key
	}
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimSuffix(key, "/")
	return strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
}
