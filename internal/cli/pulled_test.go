package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// docker answers as a Docker would that has the bench's image, and pulled it from those places.
func (b *bench) docker(from ...string) {
	b.t.Helper()
	m, err := image.ParseManifest(b.layout.Blobs[b.digest])
	if err != nil {
		b.t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, action, _ := strings.Cut(r.URL.Path, "/shop/cart:1.4/"); action {
		case "json":
			_ = json.NewEncoder(w).Encode(map[string]any{"Id": m.Config.Digest, "RepoTags": []string{"shop/cart:1.4"}, "RepoDigests": from, "Os": "linux", "Architecture": "amd64"})
		case "get":
			_, _ = w.Write(b.layout.DockerTar())
		default:
			http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
		}
	}))
	b.t.Cleanup(s.Close)
	b.t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(s.URL, "http://"))
}

// TestPulled asks the registry about an image that Docker keeps: it is signed there under its manifest's digest, which
// Docker remembers, and counts only where it is the same image.
func TestPulled(t *testing.T) {
	b := newBench(t)
	host := b.serve(true)
	at := host + "/shop/cart"
	const word = "docker:shop/cart:1.4"
	b.docker(at + "@" + b.digest)
	b.want(1, "there is none", "verify", "--key", "@key.pub", word)
	b.demand(1, "no signature of [*]", word, "--key", "@key.pub")
	b.want(0, "", "attest", "--key", "@key", "--to", at+":1.4", "@report")
	b.want(0, "@"+b.digest+": yes", "verify", "--key", "@key.pub", word)
	b.want(1, "signer", "verify", "--key", "@other.pub", word)
	b.demand(0, `"action":"pass"`, word, "--key", "@key.pub")
	b.demand(1, "no signature of [*]", word, "--key", "@other.pub")

	// attest has its own --key, and asks who signed with another flag.
	attest := []string{"attest", "--no-cache", "--allow-gap", "no-database", "--fail-on", "critical", "--policy", "lib:only-signed", "--key", "@key", "--bundle", b.dir + "/out.json"}
	b.want(2, "policies alone", append(attest, "--fail-on", "policy", word)...)
	b.want(1, "--signer-key", append(attest, word)...)
	b.want(1, "no signature of [*]", append(attest, "--signer-key", "@other.pub", word)...)
	b.want(0, "PASSED", append(attest, "--signer-key", "@key.pub", word)...)

	// A repository that is gone beside one that has it, and another image under the digest that is remembered.
	b.docker("127.0.0.1:1/shop/cart@"+b.digest, at+"@"+b.digest)
	b.want(0, "yes", "verify", "--key", "@key.pub", word)
	b.docker("127.0.0.1:1/shop/cart@" + b.digest)
	b.want(3, "127.0.0.1:1", "verify", "--key", "@key.pub", word)
	wine := imagetest.New(imagetest.Image{Name: "shop/wine:1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "wine"}}}}})
	wine.Push(t, "http://"+host)
	b.report("wine", wine.Index[0].Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", host+"/shop/wine:1", "@wine")
	b.docker(host + "/shop/wine@" + wine.Index[0].Digest)
	b.want(2, "or another image", "verify", "--key", "@key.pub", word)
	b.demand(1, "or another image", word, "--key", "@key.pub")
	b.docker()
	b.want(2, "neither pulled nor pushed", "verify", "--key", "@key.pub", word)
}

// TestPulledIndex finds the image in the index that Docker remembers, and signatures on either.
func TestPulledIndex(t *testing.T) {
	b := newBench(t)
	l := imagetest.New()
	one := l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	two := l.Add(imagetest.Image{Platform: "linux/arm64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "b"}}}}})
	index := l.AddIndex(true, one, two)
	l.Tag("shop/cart:1.4", index)
	b.layout, b.digest = l, one.Digest
	host := b.serve(true)
	only := imagetest.New(imagetest.Image{Name: "shop/cart:1.4", Platform: "linux/amd64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	if only.Index[0].Digest != one.Digest {
		t.Fatal("the same image is not the same")
	}
	b.layout = only
	b.docker(host + "/shop/cart@" + index.Digest)
	b.report("report", two.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", host+"/shop/cart:1.4", "@report")
	b.want(1, "there is none", "verify", "--key", "@key.pub", "docker:shop/cart:1.4")
	b.report("report", one.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", host+"/shop/cart:1.4", "@report")
	b.want(0, "@"+one.Digest+": yes", "verify", "--key", "@key.pub", "docker:shop/cart:1.4")
}

// TestPulledForReal has Docker itself pull an image that was attested in a registry.
func TestPulledForReal(t *testing.T) {
	host := os.Getenv("PLIMSOLL_TEST_REGISTRY")
	if os.Getenv("PLIMSOLL_TEST") != "all" || host == "" {
		t.Skip("needs Docker and a registry: set PLIMSOLL_TEST=all")
	}
	b := newBench(t)
	name := fmt.Sprintf("plimsoll-test/pulled%d", time.Now().UnixNano())
	b.layout = imagetest.New(imagetest.Image{Name: name + ":1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}, {Path: "a", Body: name}}}}})
	b.digest = b.layout.Index[0].Digest
	b.layout.Push(t, "http://"+host)
	b.report("report", b.digest)
	word := host + "/" + name + ":1"
	b.want(0, "", "attest", "--key", "@key", "--to", word, "@report")
	if out, err := exec.Command("docker", "pull", word).CombinedOutput(); err != nil {
		t.Fatalf("docker pull: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", word).Run() })
	b.want(0, "@"+b.digest+": yes", "verify", "--key", "@key.pub", "docker:"+word)
	b.want(1, "signer", "verify", "--key", "@other.pub", "docker:"+word)
	b.demand(0, `"action":"pass"`, "docker:"+word, "--key", "@key.pub")
	b.demand(1, "no registry may be asked", "docker:"+word, "--key", "@key.pub", "--offline")
}
