package registry_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

var cart = imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{
	{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}, CreatedBy: "base", Compression: imagetest.Gzip},
	{Files: []imagetest.File{{Path: "app", Body: "x"}}, CreatedBy: "/bin/sh -c make", Compression: imagetest.Zstd},
	{Files: []imagetest.File{{Path: "conf", Body: "y"}}, CreatedBy: "COPY conf /"},
}}

// anonymous sees to it that no credentials of the developer's are used.
func anonymous(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("REGISTRY_AUTH_FILE", "")
}

func login(t *testing.T, host, user, password string) {
	t.Helper()
	b, _ := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]string{"username": user, "password": password}}})
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// paths reads all layers in full, with their digests.
func paths(t *testing.T, img *image.Image) (all []string, err error) {
	t.Helper()
	for _, l := range img.Layers {
		b, err := l.Open(t.Context())
		if err != nil {
			return nil, err
		}
		res, err := layer.Walk(t.Context(), b, layer.Options{Digest: l.Digest, DiffID: l.DiffID}, func(e *layer.Entry) error {
			all = append(all, e.Path)
			return nil
		})
		b.Close()
		if err != nil {
			return nil, err
		}
		if !res.Verified {
			t.Errorf("layer %s is not verified", l.Digest)
		}
	}
	return all, nil
}

func TestOpen(t *testing.T) {
	anonymous(t)
	l := imagetest.New(cart)
	host := imagetest.Serve(t, l)
	for _, ref := range []string{host + "/shop/cart:1.4", host + "/shop/cart@" + l.Index[0].Digest} {
		images, err := registry.Open(t.Context(), ref, registry.Options{})
		if err != nil {
			t.Fatal(err)
		}
		img := images[0]
		if img.Name != ref || img.Digest != l.Index[0].Digest || img.Origin != "registry" || img.Layers[1].CreatedBy != "RUN make" || len(img.Notice) > 0 {
			t.Errorf("image %+v", img)
		}
		got, err := paths(t, img)
		if diff := cmp.Diff([]string{"etc/os-release", "app", "conf"}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		img.Close()
	}
}

func TestPlatforms(t *testing.T) {
	anonymous(t)
	l := imagetest.New()
	amd, arm := cart, cart
	amd.Platform, arm.Platform = "linux/amd64", "linux/arm64"
	index := l.AddIndex(true, l.Add(amd), l.AddIndex(false, l.Add(arm)))
	l.Tag("shop/cart:2", index)
	host := imagetest.Serve(t, l)
	for option, want := range map[string]int{"linux/arm64": 1, "all": 2} {
		images, err := registry.Open(t.Context(), host+"/shop/cart:2", registry.Options{Options: image.Options{Platform: option}})
		if err != nil || len(images) != want || images[0].IndexDigest != index.Digest {
			t.Fatalf("%s: %d images, %v", option, len(images), err)
		}
		if _, err := paths(t, images[0]); err != nil {
			t.Error(err)
		}
	}
}

// front serves a registry behind a handler, on TLS if it is asked to.
func front(t *testing.T, secure bool, wrap func(http.Handler) http.Handler) (s *httptest.Server, host string) {
	t.Helper()
	inner := imagetest.Registry()
	plain := httptest.NewServer(inner)
	t.Cleanup(plain.Close)
	imagetest.New(cart).Push(t, plain.URL)
	if secure {
		s = httptest.NewTLSServer(wrap(inner))
	} else {
		s = httptest.NewServer(wrap(inner))
	}
	t.Cleanup(s.Close)
	_, host, _ = strings.Cut(s.URL, "://")
	return s, host
}

func same(h http.Handler) http.Handler { return h }

func TestOwnAuthority(t *testing.T) {
	anonymous(t)
	s, host := front(t, true, same)
	_, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	wantError(t, err, "authority that is not known here", "--ca")
	ca := imagetest.WriteFile(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{CA: []string{ca}})
	if err != nil {
		t.Fatal(err)
	}
	images[0].Close()
	_, err = registry.Open(t.Context(), host+"/x:1", registry.Options{CA: []string{imagetest.WriteFile(t, "no.pem", nil)}})
	wantError(t, err, "holds no PEM certificate")
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
		t.Errorf("error %q is no single line", err)
	}
}

func TestBasic(t *testing.T) {
	anonymous(t)
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "robot" || password != "secret" {
				w.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
				w.WriteHeader(http.StatusUnauthorized)
				w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	_, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	wantError(t, err, "who is not signed in", "docker login "+host)
	login(t, host, "robot", "wrong")
	_, err = registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	wantError(t, err, `does not let "robot" read`)
	login(t, host, "robot", "secret")
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if notice := strings.Join(images[0].Notice, ""); !strings.Contains(notice, `as "robot"`) || strings.Contains(notice, "secret") {
		t.Errorf("notice %q", notice)
	}
	if _, err := paths(t, images[0]); err != nil {
		t.Error(err)
	}
}

func TestToken(t *testing.T) {
	anonymous(t)
	var host string
	var tokens atomic.Int32
	_, host = front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/token":
				tokens.Add(1)
				if r.FormValue("scope") != "repository:shop/cart:pull" {
					w.WriteHeader(http.StatusForbidden)
				}
				w.Write([]byte(`{"token":"abc"}`))
			case r.Header.Get("Authorization") != "Bearer abc":
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="shop"`, host))
				w.WriteHeader(http.StatusUnauthorized)
			default:
				h.ServeHTTP(w, r)
			}
		})
	})
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paths(t, images[0]); err != nil || tokens.Load() != 1 {
		t.Errorf("%d tokens, %v", tokens.Load(), err)
	}
}

func TestMirror(t *testing.T) {
	anonymous(t)
	host := imagetest.Serve(t, imagetest.New(cart))
	o := registry.Options{Mirrors: map[string][]string{"docker.io": {"127.0.0.1:1", host}}}
	images, err := registry.Open(t.Context(), "shop/cart:1.4", o)
	if err != nil {
		t.Fatal(err)
	}
	if images[0].Name != "shop/cart:1.4" || !strings.Contains(strings.Join(images[0].Notice, ""), "its mirror "+host) {
		t.Errorf("%s: %q", images[0].Name, images[0].Notice)
	}
	// A mirror that lies about a digest is passed over for the registry itself.
	liar := imagetest.New(cart)
	digest := "sha256:" + strings.Repeat("a", 64)
	_, lying := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, digest) {
				w.Write(liar.Blobs[liar.Index[0].Digest])
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	_, err = registry.Open(t.Context(), host+"/shop/cart@"+digest, registry.Options{Mirrors: map[string][]string{host: {lying}}})
	var notFound *image.NotFoundError
	if !errors.As(err, &notFound) {
		t.Errorf("with a lying mirror: %v", err)
	}
}

func TestStall(t *testing.T) {
	anonymous(t)
	release := make(chan struct{})
	var where atomic.Value
	where.Store("")
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if at := where.Load().(string); at != "" && strings.Contains(r.URL.Path, at) {
				if at == "/blobs/" {
					w.Header().Set("Content-Length", "1000")
					w.Write([]byte("\x1f\x8b"))
					w.(http.Flusher).Flush()
				}
				select {
				case <-release:
				case <-r.Context().Done():
				}
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	t.Cleanup(func() { close(release) })
	o := registry.Options{Idle: 100 * time.Millisecond}
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"/manifests/", "/blobs/", "/v2/"} {
		where.Store(at)
		begin := time.Now()
		_, err := registry.Open(t.Context(), host+"/shop/cart:1.4", o)
		wantError(t, err, "sent nothing for 100ms")
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%s: given up after %s", at, took)
		}
	}
	where.Store("/blobs/")
	images[0].Layers[0].Size = 0
	b, err := images[0].Layers[0].Open(t.Context())
	if err == nil {
		_, err = layer.Walk(t.Context(), b, layer.Options{}, func(*layer.Entry) error { return nil })
		b.Close()
	}
	if err == nil {
		t.Error("a layer that stalls was read")
	}
}

func TestAnswers(t *testing.T) {
	anonymous(t)
	l := imagetest.New(cart)
	host := imagetest.Serve(t, l)
	var notFound *image.NotFoundError
	_, err := registry.Open(t.Context(), host+"/shop/cart:9", registry.Options{})
	if !errors.As(err, &notFound) {
		t.Errorf("unknown tag: %v", err)
	}
	wantError(t, err, `has no image "`+host+`/shop/cart:9"`, "its tags are 1.4")
	_, err = registry.Open(t.Context(), host+"/shop/none:1", registry.Options{})
	if !errors.As(err, &notFound) {
		t.Errorf("unknown name: %v", err)
	}
	_, err = registry.Open(t.Context(), "127.0.0.1:1/x:1", registry.Options{})
	wantError(t, err, "registry 127.0.0.1:1", "connection refused")
	_, err = registry.Open(t.Context(), "Shop:1", registry.Options{})
	wantError(t, err, "a repository is lower case")
	_, err = registry.Open(t.Context(), "shop:1", registry.Options{Options: image.Options{Offline: true}})
	wantError(t, err, "--offline")

	answer := func(status int, body []byte) error {
		_, host := front(t, false, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					h.ServeHTTP(w, r)
					return
				}
				w.WriteHeader(status)
				w.Write(body)
			})
		})
		_, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{Pause: time.Millisecond})
		return err
	}
	wantError(t, answer(200, []byte(`{"schemaVersion":1}`)), "schema 1")
	wantError(t, answer(200, []byte(`<html>`)), "parse manifest")
	wantError(t, answer(200, []byte(strings.Repeat(" ", image.MaxManifest+1))), "more than")
	wantError(t, answer(500, []byte(`{"errors":[{"code":"UNKNOWN","message":"disk full"}]}`)), "answers 500", "disk full")
	wantError(t, answer(418, nil), "answers 418")
}

// A connection that breaks in the middle of a layer is taken up again, with ranges or without.
func TestBrokenConnection(t *testing.T) {
	anonymous(t)
	big := imagetest.Image{Name: "shop/big:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a", Body: strings.Repeat("0123456789abcdef", 100_000)}}}}}
	l := imagetest.New(big)
	blob := imagetest.Tar(big.Layers[0].Files...)
	for _, ranges := range []bool{true, false} {
		var asked atomic.Int32
		inner := imagetest.Registry()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, image.DigestOf(blob)) {
				inner.ServeHTTP(w, r)
				return
			}
			var from int
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
			if !ranges {
				from = 0
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(blob)-from))
			if from > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			if asked.Add(1) == 3 {
				w.Write(blob[from:])
				return
			}
			w.Write(blob[from : from+len(blob)/3+int(asked.Load())*1000])
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(s.Close)
		l.Push(t, s.URL)
		images, err := registry.Open(t.Context(), strings.TrimPrefix(s.URL, "http://")+"/shop/big:1", registry.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := paths(t, images[0]); err != nil || len(got) != 1 || asked.Load() != 3 {
			t.Errorf("ranges %v: %q, %v, asked %d times", ranges, got, err, asked.Load())
		}
	}
}

// A layer whose bytes are others than its digest says is an error of the walk.
func TestWrongLayer(t *testing.T) {
	anonymous(t)
	_, host := front(t, false, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, image.DigestOf(imagetest.Tar(cart.Layers[2].Files...))) {
				b := imagetest.Tar(imagetest.File{Path: "conf", Body: "z"})
				w.Write(b)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	images, err := registry.Open(t.Context(), host+"/shop/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paths(t, images[0]); !errors.Is(err, layer.ErrDigest) {
		t.Errorf("a changed layer: %v", err)
	}
}
