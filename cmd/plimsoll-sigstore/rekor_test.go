package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRekor runs testdata/rekor with Fulcio, and with a log and a clock of Sigstore's at the addresses
// PLIMSOLL_TEST_REKOR (Rekor 1.5.4, on Trillian 1.7.3) and PLIMSOLL_TEST_CLOCK (timestamp-authority 2.1.3). Beside what
// TestFulcio's scripts have, each has the addresses REKOR and CLOCK, with the log's key in rekor.pem and the clock's
// certificates in clock.pem. Whether Cosign, the program that PLIMSOLL_TEST_COSIGN names, is there, [cosign] says.
func TestRekor(t *testing.T) {
	rekor, clock := os.Getenv("PLIMSOLL_TEST_REKOR"), os.Getenv("PLIMSOLL_TEST_CLOCK")
	if rekor == "" || clock == "" {
		t.Skip("needs a log and a clock of Sigstore's: PLIMSOLL_TEST_REKOR and PLIMSOLL_TEST_CLOCK for their addresses")
	}
	cosign := os.Getenv("PLIMSOLL_TEST_COSIGN")
	p := withFulcio(t, "rekor", func(e *testscript.Env) error {
		e.Setenv("REKOR", rekor)
		e.Setenv("CLOCK", clock)
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
	p.Condition = func(word string) (bool, error) { return word == "cosign" && cosign != "", nil }
	testscript.Run(t, p)
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
