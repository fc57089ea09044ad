package scan_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// TestMendHides wants no secret among the lines that a difference shows beside what is rewritten, and nothing
// hidden that is none.
func TestMendHides(t *testing.T) {
	text := "FROM debian:12\nENV API_PASSWORD=bare-one-9f8e7d\nRUN pip install --index-url https://u:bare-two-9f8e7d@pypi.acme.io/simple x\nRUN curl -u u:bare-five-9f8e7d https://acme.io/x -o /x\n" +
		"ADD http://u:bare-three-9f8e7d@files.acme.io/x.tgz /x\nCOPY <<E /a.env\nDB_PASSWORD=bare-four-9f8e7d\nE\nMAINTAINER x\n"
	mended, err := scan.Mend(&scan.Files{Name: "Dockerfile", Kind: "dockerfile", Documents: []inventory.Document{{Path: "Dockerfile", Bytes: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(text, "\n") {
		shown, ok := mended.HiddenBefore[i+1]
		if strings.Contains(line, "bare") != ok || strings.Contains(shown, "bare") {
			t.Errorf("line %d is shown as %q: %s", i+1, shown, line)
		}
	}
}

// TestMendHidesKeys wants nothing of a key to be shown that stands on many lines.
func TestMendHidesKeys(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed([]byte("a seed that is of 32 bytes, 32 !")))
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	text := "FROM debian:12\nCOPY <<E /root/key.pem\n" + key + "E\nMAINTAINER x\n"
	mended, err := scan.Mend(&scan.Files{Name: "Dockerfile", Kind: "dockerfile", Documents: []inventory.Document{{Path: "Dockerfile", Bytes: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(text, "\n") {
		if shown, ok := mended.HiddenBefore[i+1]; ok != (len(line) > 1 && strings.Contains(key, line)) || ok && shown != "[secret]" {
			t.Errorf("line %d is shown as %q: %s", i+1, shown, line)
		}
	}
}
