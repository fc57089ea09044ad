// Package daemon makes images of what Docker and Podman keep on this host, or on another one.
//
// An engine is asked over its API (Docker Engine API, plain HTTP over its socket; Podman speaks the
// same). Where its storage can be read here, an image is read straight from the folders of its
// layers, after the engine's own records have been held against the image's configuration. Otherwise
// it is exported, once, to a temporary file without a name. Podman's storage is also read when no
// service runs.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
)

// Engine is one Docker or Podman.
type Engine struct {
	kind     string // docker or podman
	title    string // Docker or Podman
	endpoint endpoint
	base     string
	client   *http.Client
}

// Docker is the engine that the environment and Docker's contexts name. Nothing is asked of it yet.
func Docker() (*Engine, error) {
	e, err := dockerEndpoint(os.Getenv)
	return newEngine("docker", "Docker", e, err)
}

// Podman is the Podman service that the environment names.
func Podman() (*Engine, error) {
	e, err := podmanEndpoint(os.Getenv)
	return newEngine("podman", "Podman", e, err)
}

// connectTimeout is short: the engine is on this host or near.
const connectTimeout = 3 * time.Second

func newEngine(kind, title string, at endpoint, err error) (*Engine, error) {
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", title, err)
	}
	e := &Engine{kind: kind, title: title, endpoint: at, base: "http://" + kind}
	dialer := &net.Dialer{Timeout: connectTimeout}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableCompression: true, ResponseHeaderTimeout: 10 * time.Minute}
	if err := e.reach(transport, dialer); err != nil {
		return nil, fmt.Errorf("find %s: %w", title, err)
	}
	e.client = &http.Client{Transport: transport}
	return e, nil
}

// reach sets how connections are made.
func (e *Engine) reach(transport *http.Transport, dialer *net.Dialer) (err error) {
	scheme, address, _ := strings.Cut(e.endpoint.host, "://")
	switch {
	case scheme == "unix":
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", address)
		}
	case scheme == "ssh":
		args, err := sshCommand(e.kind, e.endpoint.host, e.endpoint.key)
		if err != nil {
			return fmt.Errorf("%s (%s): %w", e.endpoint.from, e.endpoint.host, err)
		}
		transport.DialContext = dialSSH(args)
	case e.endpoint.certs != "" || scheme == "https":
		e.base = "https://" + address
		transport.TLSClientConfig, err = e.endpoint.tlsConfig()
	default:
		e.base = "http://" + address
	}
	return err
}

// Network says whether the engine may be on another machine.
func (e *Engine) Network() bool { return e.endpoint.network }

// String names the engine and where it listens.
func (e *Engine) String() string { return fmt.Sprintf("%s (%s)", e.title, e.endpoint.host) }

// get asks the engine. The caller closes the body.
func (e *Engine) get(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", e, err)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return nil, &image.DownError{Err: fmt.Errorf("ask %s: %w", e, e.why(err))}
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	return nil, e.refusal(res)
}

func (e *Engine) getJSON(ctx context.Context, path string, into any) error {
	body, err := e.get(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, image.MaxManifest)).Decode(into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", e, err)
	}
	return nil
}

// inspected is what an engine tells of an image.
type inspected struct {
	ID           string `json:"Id"`
	RepoTags     []string
	RepoDigests  []string
	OS           string `json:"Os"`
	Architecture string
	Variant      string
	GraphDriver  graphDriver
	RootFS       struct{ Layers []string }
}

type graphDriver struct {
	Name string
	Data map[string]string
}

// Has says whether the engine keeps an image of that name or id; a *image.NotFoundError that it
// answers, but has none.
func (e *Engine) Has(ctx context.Context, name string) error {
	_, err := e.inspect(ctx, name)
	return err
}

// Names lists the images that the engine keeps, as they are tagged.
func (e *Engine) Names(ctx context.Context) ([]string, error) {
	var all []struct{ RepoTags []string }
	if err := e.getJSON(ctx, "/images/json", &all); err != nil {
		return nil, err
	}
	var names []string
	for _, i := range all {
		names = append(names, i.RepoTags...)
	}
	return names, nil
}

func (e *Engine) inspect(ctx context.Context, name string) (inspected, error) {
	var i inspected
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := e.getJSON(ctx, "/images/"+pathOf(name)+"/json", &i)
	if a := (*answerError)(nil); errors.As(err, &a) && a.status == http.StatusNotFound {
		return i, &image.NotFoundError{Name: name, Where: e.String()}
	}
	return i, err
}

// pathOf writes a name into the path of a request, where its slashes stay.
func pathOf(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		if parts[i] = url.PathEscape(p); p == ".." || p == "." {
			parts[i] = "%2e%2e" // no image is called so; the engine says it
		}
	}
	return strings.Join(parts, "/")
}

// Open makes an image of one that the engine keeps, by name or id.
func (e *Engine) Open(ctx context.Context, name string, o image.Options) ([]*image.Image, error) {
	i, err := e.inspect(ctx, name)
	if err != nil {
		return nil, err
	}
	images, err := e.open(ctx, name, i, o)
	if err != nil {
		return nil, err
	}
	for _, img := range images {
		img.Name, img.Origin, img.RepoDigests = nameFor(name, i), e.kind, i.RepoDigests
	}
	return images, nil
}

// nameFor is the name as it was asked for, or one that an id stands for.
func nameFor(asked string, i inspected) string {
	hex := strings.TrimPrefix(i.ID, "sha256:")
	if id := strings.TrimPrefix(asked, "sha256:"); len(id) >= 4 && strings.HasPrefix(hex, id) && len(i.RepoTags) > 0 {
		return i.RepoTags[0]
	}
	return asked
}

func (e *Engine) open(ctx context.Context, name string, i inspected, o image.Options) ([]*image.Image, error) {
	if len(i.RootFS.Layers) == 0 && i.GraphDriver.Name == "overlay2" && len(i.GraphDriver.Data) == 0 {
		return e.withoutLayers(ctx, name, i)
	}
	why := ""
	if !e.Network() && !o.Verify {
		img, err := e.inPlace(i)
		if err == nil {
			if err := fits(name, img.Config.Platform(), o.Platform); err != nil {
				return nil, err
			}
			return []*image.Image{img}, nil
		}
		why = ", because its layers cannot be read in place: " + err.Error()
	}
	if !e.Network() {
		// Where Docker keeps images in containerd, an image's id is the digest of its manifest or index.
		images, err := containerd.OpenDigest(ctx, i.ID, o)
		if err == nil {
			return images, nil
		}
		// What the store does not have, an export would not have either.
		if down := (*image.DownError)(nil); errors.Is(err, fs.ErrNotExist) && !errors.As(err, &down) {
			return nil, fmt.Errorf("read image %q of %s: %w: pull it for that platform", name, e, err)
		}
	}
	body, err := e.get(ctx, "/images/"+pathOf(name)+"/get")
	if err != nil {
		return nil, fmt.Errorf("export image %q: %w", name, err)
	}
	defer body.Close()
	images, err := archive.OpenStream(ctx, body, fmt.Sprintf("the export of %q from %s", name, e), o)
	for _, img := range images {
		img.Notice = append(img.Notice, fmt.Sprintf("exported by %s%s", e, why))
	}
	return images, err
}

// withoutLayers is an image that is nothing but its configuration, which Docker can neither show in its
// storage nor export. What it tells of an image are the fields of a configuration, but for their case,
// which JSON is read without.
func (e *Engine) withoutLayers(ctx context.Context, name string, i inspected) ([]*image.Image, error) {
	var raw json.RawMessage
	if err := e.getJSON(ctx, "/images/"+pathOf(name)+"/json", &raw); err != nil {
		return nil, err
	}
	c, err := image.ParseConfig(raw)
	if err != nil {
		return nil, err
	}
	return []*image.Image{{Digest: i.ID, Platform: c.Platform().String(), Config: c}}, nil
}

// fits holds the one platform of an image against the one that was asked for.
func fits(name string, has image.Platform, option string) error {
	if option == "" || option == "all" {
		return nil
	}
	want, err := image.ParsePlatform(option)
	if err == nil && !has.Matches(want) {
		err = fmt.Errorf("the local image %q is for %s, not for %s: pull it for that platform, or name the registry: registry:%s", name, has, want, name)
	}
	return err
}
