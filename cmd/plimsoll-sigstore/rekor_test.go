package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRekor runs testdata/rekor with Fulcio, and with a log and a clock of Sigstore's at the addresses
// PLIMSOLL_TEST_REKOR (Rekor 1.5.4, on Trillian 1.7.3) and PLIMSOLL_TEST_CLOCK (timestamp-authority 2.1.3). Beside what
// TestFulcio's scripts have, each has the addresses REKOR and CLOCK, with the log's key in rekor.pem and the clock's
// certificates in clock.pem. Whether Cosign, the program that PLIMSOLL_TEST_COSIGN names, is there, [cosign] says; and
// [tiles] whether Rekor of version 2 (rekor-tiles 2.3.0, cmd/rekor-server/posix) is, which PLIMSOLL_TEST_REKOR_TILES
// names: then there is its address TILES, and the command tiles FILE puts it into a trusted root as its log.
func TestRekor(t *testing.T) {
	rekor, clock := os.Getenv("PLIMSOLL_TEST_REKOR"), os.Getenv("PLIMSOLL_TEST_CLOCK")
	if rekor == "" || clock == "" {
		t.Skip("needs a log and a clock of Sigstore's: PLIMSOLL_TEST_REKOR and PLIMSOLL_TEST_CLOCK for their addresses")
	}
	cosign, tiles := os.Getenv("PLIMSOLL_TEST_COSIGN"), os.Getenv("PLIMSOLL_TEST_REKOR_TILES")
	tilesAt, tilesLog := "", map[string]any{}
	if tiles != "" {
		tilesAt, tilesLog = startTiles(t, tiles)
	}
	p := withFulcio(t, "rekor", func(e *testscript.Env) error {
		e.Setenv("REKOR", rekor)
		e.Setenv("CLOCK", clock)
		e.Setenv("TILES", tilesAt)
		e.Setenv("COSIGN_YES", "true")
		bin := filepath.Join(e.WorkDir, "bin")
		e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
		err := os.Mkdir(bin, 0o700)
		if cosign != "" {
			err = errors.Join(err, os.Symlink(cosign, filepath.Join(bin, "cosign")))
		}
		return errors.Join(err,
			os.WriteFile(filepath.Join(e.WorkDir, "rekor.pem"), fetched(t, rekor+"/api/v1/log/publicKey"), 0o600),
			os.WriteFile(filepath.Join(e.WorkDir, "clock.pem"), fetched(t, clock+"/api/v1/timestamp/certchain"), 0o600),
		)
	})
	p.Cmds["tiles"] = func(ts *testscript.TestScript, _ bool, args []string) { // puts the log of version 2 into a trusted root
		var root map[string]any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &root))
		root["tlogs"] = []any{tilesLog}
		b, err := json.Marshal(root)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
	}
	p.Condition = func(word string) (bool, error) {
		return word == "cosign" && cosign != "" || word == "tiles" && tiles != "", nil
	}
	testscript.Run(t, p)
}

// startTiles starts a Rekor of version 2, and returns its address, and itself as a trusted root names a log: by the id
// that its checkpoints have, which is made of its name and its key (C2SP signed-note).
func startTiles(t *testing.T, program string) (address string, log map[string]any) {
	t.Helper()
	const name = "rekor.test"
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600); err != nil {
		t.Fatal(err)
	}
	port := free(t)
	cmd := exec.CommandContext(t.Context(), program, "serve", "--hostname="+name, "--http-port="+port, "--grpc-port="+free(t), "--http-metrics-port="+free(t),
		"--storage-dir="+t.TempDir(), "--signer-filepath="+file, "--checkpoint-interval=1s")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	address = "http://127.0.0.1:" + port
	id := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
	log = map[string]any{
		"baseUrl": "https://" + name, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id[:]},
		"publicKey": map[string]any{"rawBytes": spki, "keyDetails": "PKIX_ED25519", "validFor": map[string]any{"start": "2026-01-01T00:00:00Z"}},
	}
	for range 120 {
		if res, err := http.Get(address + "/healthz"); err == nil {
			res.Body.Close()
			return address, log
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Fatalf("Rekor does not answer: %s", &said)
	return "", nil
}

func fetched(t *testing.T, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", address, res.Status, err, b)
	}
	return b
}
