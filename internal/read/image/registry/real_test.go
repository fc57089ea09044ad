package registry_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// A registry that runs here: PLIMSOLL_TEST_REGISTRY is its HOST:PORT on this host, without TLS.
func TestRealRegistry(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs a registry: set PLIMSOLL_TEST=all")
	}
	anonymous(t)
	host := os.Getenv("PLIMSOLL_TEST_REGISTRY")
	if host == "" {
		t.Fatal("PLIMSOLL_TEST_REGISTRY names no registry")
	}
	img := cart
	img.Name = "plimsoll-test/cart:1.4"
	l := imagetest.New(img)
	l.Push(t, "http://"+host)
	images, err := registry.Open(t.Context(), host+"/plimsoll-test/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if got, err := paths(t, images[0]); err != nil || len(got) != 3 || images[0].Digest != l.Index[0].Digest {
		t.Errorf("%s holds %q, %v", images[0].Digest, got, err)
	}
}

// A registry with TLS of an authority of its own, and with passwords.
func TestRealRegistryWithPasswords(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs a registry with TLS: set PLIMSOLL_TEST=all")
	}
	anonymous(t)
	host, ca, user := os.Getenv("PLIMSOLL_TEST_TLS_REGISTRY"), os.Getenv("PLIMSOLL_TEST_TLS_CA"), os.Getenv("PLIMSOLL_TEST_TLS_USER")
	password, err := os.ReadFile(os.Getenv("PLIMSOLL_TEST_TLS_PASSWORD_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	name, o := host+"/plimsoll-test/secret:1", registry.Options{CA: []string{ca}}
	login(t, host, user, strings.TrimSpace(string(password)))
	l := imagetest.New(imagetest.Image{Name: "plimsoll-test/secret:1", Layers: cart.Layers})
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + strings.TrimSpace(string(password))))
	args := []string{
		"copy", "--dest-authfile", imagetest.WriteFile(t, "auth.json", fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, auth)),
		"--dest-tls-verify=false", "oci-archive:" + imagetest.WriteFile(t, "x.tar", l.Tar()), "docker://" + name,
	}
	if out, err := exec.CommandContext(t.Context(), "skopeo", args...).CombinedOutput(); err != nil {
		t.Fatalf("skopeo copy: %v: %s", err, out)
	}
	images, err := registry.Open(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if got, err := paths(t, images[0]); err != nil || len(got) != 3 {
		t.Errorf("%s holds %q, %v", images[0].Digest, got, err)
	}
	login(t, host, user, "wrong")
	_, err = registry.Open(t.Context(), name, o)
	wantError(t, err, `does not let "`+user+`" read`)
	_, err = registry.Open(t.Context(), name, registry.Options{})
	wantError(t, err, "--ca")
}
