package locate

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzParse takes words for what they mean: a kind that there is and something to look at, or one line
// that says why not.
func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "a"})
	f.Add("docker:shop/cart:1.4@sha256:aa", b.Bytes())
	f.Add("./x.tar:name", []byte("\x1f\x8b"))
	f.Add("~", make([]byte, 512))
	f.Add("-:a", []byte("BZh"))
	f.Fuzz(func(t *testing.T, word string, head []byte) {
		looksPacked(head[:min(len(head), 512)])
		if strings.ContainsAny(word, "/~.\\") {
			return // asks this host's disk
		}
		kind, rest, err := Parse(word)
		if err != nil {
			if kind != "" || strings.Contains(err.Error(), "\n") && !strings.Contains(word, "\n") {
				t.Errorf("%q: %q, %v", word, kind, err)
			}
			return
		}
		if rest == "" || kind != Image && kind != Archive && kind != File && kind != Source && !slices.Contains(Schemes(), kind) {
			t.Errorf("%q is %q, %q", word, kind, rest)
		}
	})
}
