//go:build unix

package daemon

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// real gives the engines that run here: DOCKER_HOST and CONTAINER_HOST, or the usual sockets.
func real(t *testing.T) []*Engine {
	t.Helper()
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs Docker and Podman: set PLIMSOLL_TEST=all")
	}
	docker, err := Docker()
	if err != nil {
		t.Fatal(err)
	}
	podman, err := Podman()
	if err != nil {
		t.Fatal(err)
	}
	return []*Engine{docker, podman}
}

func load(t *testing.T, e *Engine, b []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.base+"/images/load", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-tar")
	res, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || strings.Contains(string(said), "errorDetail") {
		t.Fatalf("load into %s: %s: %s", e, res.Status, said)
	}
}

// seen lists the entries of all layers, as the walk tells them.
func seen(t *testing.T, img *image.Image) (all []string) {
	t.Helper()
	visit := func(e *layer.Entry) error {
		if e.Kind != layer.Dir {
			all = append(all, string('0'+rune(e.Kind))+" "+e.Path)
		}
		return nil
	}
	for _, l := range img.Layers {
		var err error
		if l.Folder != nil {
			_, err = layer.WalkFolder(t.Context(), *l.Folder, layer.Limits{}, visit)
		} else {
			var b layer.Blob
			if b, err = l.Open(t.Context()); err == nil {
				_, err = layer.Walk(t.Context(), b, layer.Options{DiffID: l.DiffID, Verify: true}, visit)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Two ways to the same image: the folders of the engine's storage, and its export.
func TestRealEngines(t *testing.T) {
	img := imagetest.Image{Name: "plimsoll-test/engine:1", Layers: []imagetest.Layer{
		{Files: []imagetest.File{{Path: "opt/", Type: '5'}, {Path: "opt/a", Body: "a"}, {Path: "opt/b", Body: "b"}, {Path: "srv/", Type: '5'}, {Path: "srv/c", Body: "c"}}, CreatedBy: "base"},
		{Files: []imagetest.File{{Path: "app", Body: "x"}, {Path: "opt/", Type: '5'}, {Path: "opt/.wh.a"}, {Path: "srv/", Type: '5'}, {Path: "srv/.wh..wh..opq"}, {Path: "srv/d", Body: "d"}}, CreatedBy: "/bin/sh -c make"},
	}}
	for _, e := range real(t) {
		t.Run(e.kind, func(t *testing.T) {
			load(t, e, imagetest.OldDockerTar(img))
			defer send(t, e, http.MethodDelete, "/images/"+img.Name, "", http.StatusOK)
			in, err := e.Open(t.Context(), img.Name, image.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if in[0].Layers[0].Folder == nil {
				t.Errorf("not read in place")
			}
			e.endpoint.network = true // so that the folders are not used
			out, err := e.Open(t.Context(), img.Name, image.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer out[0].Close()
			if in[0].Digest != out[0].Digest || in[0].Layers[1].CreatedBy != "RUN make" {
				t.Errorf("in place %s by %q, exported %s", in[0].Digest, in[0].Layers[1].CreatedBy, out[0].Digest)
			}
			if diff := cmp.Diff(sortedSet(seen(t, out[0])), sortedSet(seen(t, in[0]))); diff != "" {
				t.Errorf("the export (-) and the folders (+) differ:\n%s", diff)
			}
		})
	}
}

// sortedSet puts what the walk tells into one order. An opaque folder is told either as such, or by
// the whiteouts of all that it hides: both mean the same.
func sortedSet(all []string) []string {
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "6 srv" || s == "5 srv/c" })
}

// An image that is nothing but its configuration, which Docker itself cannot export.
func TestRealImageWithoutLayers(t *testing.T) {
	e := real(t)[0]
	const name = "plimsoll-test/none:1"
	archive := string(imagetest.Tar(imagetest.File{Path: "Dockerfile", Body: "FROM scratch\nUSER app\nLABEL a=b\n"}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.base+"/build?t="+name, strings.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-tar")
	res, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK || strings.Contains(string(said), "errorDetail") {
		t.Fatalf("build: %s: %s", res.Status, said)
	}
	defer send(t, e, http.MethodDelete, "/images/"+name, "", http.StatusOK)
	images, err := e.Open(t.Context(), name, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if img := images[0]; len(img.Layers) != 0 || img.Config.User != "app" || img.Config.Labels["a"] != "b" || !strings.HasPrefix(img.Platform, "linux/") {
		t.Errorf("%+v", img)
	}
}

// By ssh, where the remote clients connect to the engines: an ssh that stays on this host will do.
func TestRealEnginesBySSH(t *testing.T) {
	engines := real(t)
	standIn(t, "while [ \"$1\" != -- ]; do shift; done\nshift 2\nexec \"$@\"\n")
	img := imagetest.Image{Name: "plimsoll-test/ssh:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "app", Body: "x"}}}}}
	for _, e := range engines {
		t.Run(e.kind, func(t *testing.T) {
			load(t, e, imagetest.OldDockerTar(img))
			defer send(t, e, http.MethodDelete, "/images/"+img.Name, "", http.StatusOK)
			far, err := At(e.kind, "ssh://root@far"+strings.TrimPrefix(e.endpoint.host, "unix://"))
			if err != nil {
				t.Fatal(err)
			}
			images, err := far.Open(t.Context(), img.Name, image.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer images[0].Close()
			if got := seen(t, images[0]); !slices.Equal(got, []string{"0 app"}) {
				t.Errorf("it holds %q", got)
			}
		})
	}
}

// What a container has written lies on top of its image, also when it does not run.
func TestRealContainer(t *testing.T) {
	img := imagetest.Image{Name: "plimsoll-test/container:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "app", Body: "x"}}}}}
	for _, e := range real(t) {
		t.Run(e.kind, func(t *testing.T) {
			load(t, e, imagetest.OldDockerTar(img))
			defer send(t, e, http.MethodDelete, "/images/"+img.Name, "", http.StatusOK)
			const name = "plimsoll-test-written"
			send(t, e, http.MethodDelete, "/containers/"+name+"?force=true", "", http.StatusNoContent, http.StatusNotFound, http.StatusOK)
			send(t, e, http.MethodPost, "/containers/create?name="+name, `{"Image":"plimsoll-test/container:1","Cmd":["/app"]}`, http.StatusCreated)
			defer send(t, e, http.MethodDelete, "/containers/"+name, "", http.StatusNoContent, http.StatusOK)
			send(t, e, http.MethodPut, "/containers/"+name+"/archive?path=/", string(imagetest.Tar(imagetest.File{Path: "written", Body: "y"})), http.StatusOK)
			got, err := e.OpenContainer(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if all := seen(t, got); !slices.Contains(all, "0 app") || !slices.Contains(all, "0 written") {
				t.Errorf("the container holds %q", all)
			}
		})
	}
}

func send(t *testing.T, e *Engine, method, path, body string, want ...int) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, e.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPut {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	res, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); !slices.Contains(want, res.StatusCode) {
		t.Fatalf("%s %s: %s: %s", method, path, res.Status, said)
	}
}
