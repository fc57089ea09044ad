package locate

import (
	"bufio"
	"errors"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// What is wrong with a word is told without opening anything, as far as it can be.
func TestCheck(t *testing.T) {
	inFolder(t)
	write(t, "cart.tar", imagetest.OldDockerTar(cart))
	write(t, "root/etc/os-release", nil)
	tests := map[string]string{
		"cart.tar": "", "./cart.tar:shop/cart": "", "archive:cart.tar": "", "./root": "", "rootfs:root": "", "-": "", "sbom:-": "", "sha256:0123456789ab": "",
		"debian": "", "docker:nowhere": "", "container:nowhere": "", "registry:nowhere": "",
		"":              "names nothing",
		"./none":        "no such file or folder",
		"archive:none":  "open archive none",
		"rootfs:none":   "open none",
		"sbom:none":     "open none",
		"docekr:x/y:1":  "no scheme docekr:",
		"Not A Name":    "no name of an image",
		"docker:":       "write docker:NAME",
		"registry://xy": "no slashes",
	}
	for word, want := range tests {
		if err := Check(word); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", word, err, want)
		}
	}
}

// The standard input is an archive where it begins like one, and is whole for whoever reads it else.
func TestStdin(t *testing.T) {
	tar := string(imagetest.OldDockerTar(cart))
	images, err := Open(t.Context(), "-", Options{Stdin: bufio.NewReader(strings.NewReader(tar))})
	if err != nil {
		t.Fatal(err)
	}
	images[0].Close()
	in := bufio.NewReader(strings.NewReader(`{"bomFormat": "CycloneDX"}`))
	var kind *KindError
	if _, err := Open(t.Context(), "-", Options{Stdin: in}); !errors.As(err, &kind) || kind.Kind != File {
		t.Errorf("got %v", err)
	}
	if rest, err := in.ReadString('}'); err != nil || rest != `{"bomFormat": "CycloneDX"}` {
		t.Errorf("left %q, %v", rest, err)
	}
}
