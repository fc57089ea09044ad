package daemon

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// endpoint is where an engine listens.
type endpoint struct {
	host    string // unix://PATH, tcp://HOST:PORT, https://…, ssh://…
	certs   string // folder with ca.pem, cert.pem and key.pem; empty: no TLS
	from    string // what named it, for errors
	key     string // file of a private key for ssh; empty: ssh's own
	network bool   // it may be another machine
	context bool   // one of Docker's contexts names it
}

// dockerEndpoint finds Docker as its own command line does: DOCKER_HOST, then DOCKER_CONTEXT, then
// the current context of config.json, then the usual sockets.
func dockerEndpoint(env func(string) string) (endpoint, error) {
	home, _ := os.UserHomeDir()
	config := env("DOCKER_CONFIG")
	if config == "" {
		config = filepath.Join(home, ".docker")
	}
	if host := env("DOCKER_HOST"); host != "" {
		certs := env("DOCKER_CERT_PATH")
		if certs == "" && (env("DOCKER_TLS_VERIFY") != "" || env("DOCKER_TLS") != "") {
			certs = config
		}
		return parseHost(host, certs, "DOCKER_HOST")
	}
	name, from := env("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		name, from = currentContext(config)
	}
	if name != "" && name != "default" {
		return contextEndpoint(config, name, from)
	}
	return firstSocket([]string{"/var/run/docker.sock", filepath.Join(home, ".docker/run/docker.sock"), filepath.Join(runtimeDir(env), "docker.sock")})
}

// podmanEndpoint finds Podman's service: CONTAINER_HOST, then the sockets of the user and of root.
func podmanEndpoint(env func(string) string) (endpoint, error) {
	if host := env("CONTAINER_HOST"); host != "" {
		e, err := parseHost(host, "", "CONTAINER_HOST")
		e.key = env("CONTAINER_SSHKEY")
		return e, err
	}
	return firstSocket([]string{filepath.Join(runtimeDir(env), "podman/podman.sock"), "/run/podman/podman.sock"})
}

// runtimeDir is where a user's own services listen; su and cron leave it unnamed.
func runtimeDir(env func(string) string) string {
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
}

// ErrAbsent says that nothing names an engine, and that none listens at the usual places.
var ErrAbsent error = &image.DownError{Err: errors.New("it does not run here")}

// firstSocket takes the first path that exists; without one, the error is of the usual place.
func firstSocket(paths []string) (endpoint, error) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Mode()&fs.ModeSocket != 0 {
			return endpoint{host: "unix://" + p}, nil
		}
	}
	return endpoint{}, fmt.Errorf("%w: no socket at %s", ErrAbsent, strings.Join(paths, " or "))
}

func currentContext(config string) (name, from string) {
	path := filepath.Join(config, "config.json")
	var c struct{ CurrentContext string }
	if readJSON(path, &c) != nil {
		return "", ""
	}
	return c.CurrentContext, path
}

// contextEndpoint reads a context as `docker context create` keeps it: under the SHA-256 of its name.
func contextEndpoint(config, name, from string) (endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := readJSON(filepath.Join(config, "contexts", "meta", id, "meta.json"), &meta); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("there is none of that name: docker context ls lists them")
		}
		return endpoint{}, fmt.Errorf("read Docker context %q, which %s names: %w", name, from, err)
	}
	certs := filepath.Join(config, "contexts", "tls", id, "docker")
	if _, err := os.Stat(certs); err != nil {
		certs = ""
	}
	e, err := parseHost(meta.Endpoints["docker"].Host, certs, fmt.Sprintf("Docker context %q", name))
	e.context = true
	return e, err
}

func readJSON(path string, into any) error {
	const most = 1 << 20
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > most {
		return fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), most)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func parseHost(host, certs, from string) (endpoint, error) {
	if !strings.Contains(host, "://") && strings.Contains(host, ":") {
		host = "tcp://" + host
	}
	scheme, rest, ok := strings.Cut(host, "://")
	e := endpoint{host: host, from: from}
	switch {
	case !ok || rest == "":
		return e, fmt.Errorf("%s names no engine: %q", from, host)
	case scheme == "unix":
		return e, nil
	case scheme == "tcp", scheme == "http", scheme == "https":
		e.network, e.certs = true, certs
		e.host = scheme + "://" + withPort(rest, certs != "" || scheme == "https")
		return e, nil
	case scheme == "ssh":
		e.network = true
		return e, nil
	case scheme == "npipe" && runtime.GOOS == "windows":
		return e, fmt.Errorf("%s is a Windows pipe (%s), which is not spoken yet: pipe `docker save IMAGE` into `plimsoll scan -`", from, host)
	}
	return e, fmt.Errorf("%s: an engine cannot be reached by %q", from, scheme)
}

// withPort adds the port that Docker listens at by custom.
func withPort(address string, secure bool) string {
	host, path, _ := strings.Cut(address, "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		port := "2375"
		if secure {
			port = "2376"
		}
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return strings.TrimSuffix(host+"/"+path, "/")
}

// tlsConfig reads a client's certificates. A server is always verified.
func (e endpoint) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.certs == "" {
		return c, nil
	}
	if ca, err := os.ReadFile(filepath.Join(e.certs, "ca.pem")); err == nil {
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("%s/ca.pem holds no certificate", e.certs)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(e.certs, "cert.pem"), filepath.Join(e.certs, "key.pem"))
	switch {
	case err == nil:
		c.Certificates = []tls.Certificate{cert}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the client certificate in %s: %w", e.certs, err)
	}
	return c, nil
}
