package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestFulcio runs testdata/fulcio with Fulcio itself, the program that PLIMSOLL_TEST_FULCIO names.
func TestFulcio(t *testing.T) { testscript.Run(t, withFulcio(t, "fulcio", nil)) }

// withFulcio are the parameters of a folder of scripts. Beside what the other scripts have, each has the image
// cart in a registry, as $REGISTRY/cart:1; the addresses FULCIO, with its certificate in fulcio.pem, and ISSUER,
// with tokens of its for two people; and the command root FILE AUTHORITY [LOG [CLOCK]], which makes a trusted root
// of PEM files.
func withFulcio(t *testing.T, folder string, more func(*testscript.Env) error) testscript.Params {
	t.Helper()
	program := os.Getenv("PLIMSOLL_TEST_FULCIO")
	if program == "" {
		t.Skip("needs Fulcio: go install github.com/sigstore/fulcio@v1.8.8, and PLIMSOLL_TEST_FULCIO for its place")
	}
	i := newIssuer(t)
	fulcio, certificate := startFulcio(t, program, i.url)
	p := params(t, folder)
	plain := p.Setup
	p.Setup = func(e *testscript.Env) error {
		l := layout("cart")
		e.Setenv("REGISTRY", imagetest.Serve(t, l))
		e.Setenv("DIGEST", l.Index[0].Digest)
		e.Setenv("FULCIO", fulcio)
		e.Setenv("ISSUER", i.url)
		err := errors.Join(
			plain(e),
			os.WriteFile(filepath.Join(e.WorkDir, "fulcio.pem"), certificate, 0o600),
			os.WriteFile(filepath.Join(e.WorkDir, "me.token"), i.token(t, "me@example.com"), 0o600),
			os.WriteFile(filepath.Join(e.WorkDir, "other.token"), i.token(t, "other@example.com"), 0o600),
		)
		if err == nil && more != nil {
			err = more(e)
		}
		return err
	}
	p.Cmds["root"] = func(ts *testscript.TestScript, _ bool, args []string) {
		var files [3]string // none: that of /dev/null
		for i, name := range args[1:] {
			files[i] = ts.ReadFile(name)
		}
		b, err := json.Marshal(trustedRoot(files[0], files[1], files[2]))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
	}
	return p
}

// trustedRoot names an authority, a log and a clock by their PEM files, of which the last two may be empty
// (sigstore/protobuf-specs, sigstore_trustroot.proto).
func trustedRoot(authority, log, clock string) map[string]any {
	always := map[string]any{"start": "2026-01-01T00:00:00Z"}
	chain := func(file string) []any {
		var all []any
		for block, rest := pem.Decode([]byte(file)); block != nil; block, rest = pem.Decode(rest) {
			all = append(all, map[string]any{"rawBytes": block.Bytes})
		}
		if len(all) == 0 {
			return nil
		}
		return []any{map[string]any{"certChain": map[string]any{"certificates": all}, "validFor": always}}
	}
	root := map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "certificateAuthorities": chain(authority), "timestampAuthorities": chain(clock),
	}
	if block, _ := pem.Decode([]byte(log)); block != nil {
		id := sha256.Sum256(block.Bytes)
		root["tlogs"] = []any{map[string]any{
			"hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id[:]},
			"publicKey": map[string]any{"rawBytes": block.Bytes, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": always},
		}}
	}
	return root
}

// issuer vouches for anybody (OpenID Connect Discovery 1.0, RFC 7515 and 7517).
type issuer struct {
	url string
	key *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"id_token_signing_alg_values_supported":["ES256"]}`, s.URL, s.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k","x":%q,"y":%q}]}`, inToken(point[1:33]), inToken(point[33:]))
	})
	return issuer{s.URL, k}
}

func (i issuer) token(t *testing.T, who string) []byte {
	t.Helper()
	claims, err := json.Marshal(map[string]any{
		"iss": i.url, "aud": "sigstore", "sub": who, "email": who, "email_verified": true, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	signed := inToken([]byte(`{"alg":"ES256","kid":"k","typ":"JWT"}`)) + "." + inToken(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return []byte(signed + "." + inToken(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
}

func inToken(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// startFulcio starts one with an authority of its own, which believes the issuer.
func startFulcio(t *testing.T, program, issuer string) (address string, certificate []byte) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "oidc-issuers:\n  %s:\n    issuer-url: %[1]s\n    client-id: sigstore\n    type: email\n", issuer), 0o600); err != nil {
		t.Fatal(err)
	}
	port, grpc, metrics := free(t), free(t), free(t)
	cmd := exec.CommandContext(t.Context(), program, "serve", "--host=127.0.0.1", "--port="+port, "--grpc-host=127.0.0.1", "--grpc-port="+grpc,
		"--metrics-port="+metrics, "--ca=ephemeralca", "--ct-log-url=", "--config-path="+config)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	address = "http://127.0.0.1:" + port
	for range 120 {
		if res, err := http.Get(address + "/api/v1/rootCert"); err == nil {
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("Fulcio's certificate: %s %v %s", res.Status, err, b)
			}
			return address, b
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Fatalf("Fulcio does not answer: %s", &said)
	return "", nil
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
