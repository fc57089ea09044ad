package harden

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
	"github.com/plimsoll/plimsoll/internal/tree"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestServer has a real API server, set loosely, start with what is written for it: it starts, people without a name are
// sent away, what is done is logged, and a secret lies in the store encrypted. (AlwaysAllow is no part of it: with that the
// server itself sends people without a name away, and the test bench could not see that it is ready.)
func TestServer(t *testing.T) {
	c := cluster.Start(t, "--profiling=true", "--service-account-lookup=false")
	nobody := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ask := func(path string) int {
		t.Helper()
		res, err := nobody.Get(c.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for path, want := range map[string]int{"/api/v1/secrets": http.StatusForbidden, "/version": http.StatusOK} {
		if status := ask(path); status != want {
			t.Fatalf("before, nobody asks for %s: %d, want %d", path, status, want)
		}
	}

	o := remedy.Options{Folder: filepath.Join(c.Dir, "plimsoll"), Log: filepath.Join(c.Dir, "audit", "audit.log")}
	r := restarted(t, c, o, nil)

	for path, want := range map[string]int{"/api/v1/secrets": http.StatusUnauthorized, "/version": http.StatusUnauthorized, "/livez": http.StatusOK} {
		if status := ask(path); status != want {
			t.Errorf("after, nobody asks for %s: %d, want %d", path, status, want)
		}
	}
	admin := c.Client("admin", "system:masters")
	res, err := admin.Post(c.URL+"/api/v1/namespaces/default/secrets", "application/json", strings.NewReader(`{"metadata": {"name": "s"}, "stringData": {"word": "in-the-clear"}}`))
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(err, res)
	}
	res.Body.Close()
	logged, err := os.ReadFile(o.Log)
	if err != nil || !strings.Contains(string(logged), `"resource":"secrets"`) || strings.Contains(string(logged), "in-the-clear") {
		t.Errorf("the audit log: %v\n%s", err, logged)
	}
	kept := false
	err = filepath.WalkDir(filepath.Join(c.Dir, "etcd"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		kept = kept || strings.Contains(string(b), "k8s:enc:secretbox:v1:key1:")
		if strings.Contains(string(b), "in-the-clear") {
			t.Errorf("%s holds the secret in the clear", path)
		}
		return err
	})
	if err != nil || !kept {
		t.Errorf("the store holds nothing encrypted: %v", err)
	}
	if !slices.ContainsFunc(r.Mended, func(m remedy.Mended) bool { return m.Rule == "control/encryption" }) {
		t.Errorf("%+v", r.Mended)
	}
}

// restarted has a server start anew with what is written for it: of a host with more files than its static pod.
func restarted(t *testing.T, c *cluster.Cluster, o remedy.Options, more fstest.MapFS) *remedy.Remedies {
	t.Helper()
	var text strings.Builder
	text.WriteString("# /etc/kubernetes/manifests/kube-apiserver.yaml\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: kube-apiserver\n    image: registry.k8s.io/kube-apiserver:v1.37.2\n    command:\n    - kube-apiserver\n")
	for _, f := range c.Flags() {
		text.WriteString("    - " + strconv.Quote(f) + "\n")
	}
	root := hosttest.FS(text.String())
	maps.Copy(root, more)
	h, err := host.Read(t.Context(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), root, h, time.Now(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{o.Folder, filepath.Dir(o.Log)} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var flags []string
	for _, f := range r.Files {
		if strings.HasPrefix(f.Path, o.Folder) {
			if err := os.WriteFile(f.Path, f.After, f.Mode); err != nil {
				t.Fatal(err)
			}
			continue
		}
		d, err := tree.Parse(f.Path, f.After)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range d[0].Get("spec", "containers").Items()[0].Get("command").Items()[1:] {
			flags = append(flags, word.String())
		}
	}
	c.RestartServer(flags)
	return r
}

// TestIssuer has a server with the flags of an issuer of tokens take the same tokens, for the same people, by the
// configuration that is written in their place.
func TestIssuer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	var id *httptest.Server
	id = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			fmt.Fprintf(w, `{"issuer": %q, "jwks_uri": %q}`, id.URL, id.URL+"/keys")
		case "/keys":
			fmt.Fprintf(w, `{"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": %q, "e": "AQAB"}]}`, b64(key.N.Bytes()))
		}
	}))
	defer id.Close()
	token := func(claims string) string {
		claims = fmt.Sprintf(`{"iss": %q, "exp": %d, %s}`, id.URL, time.Now().Add(time.Hour).Unix(), claims)
		text := b64([]byte(`{"alg": "RS256", "kid": "k"}`)) + "." + b64([]byte(claims))
		sum := sha256.Sum256([]byte(text))
		signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + b64(signed)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "issuer.crt")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster.Start(t, "--oidc-issuer-url="+id.URL, "--oidc-client-id=cluster-a", "--oidc-ca-file="+file, "--oidc-username-claim=name",
		"--oidc-groups-claim=teams", "--oidc-groups-prefix=id:", "--oidc-required-claim=site=north", "--oidc-required-claim=level=2", "--oidc-signing-algs=RS256")
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	who := func(token string) string {
		req, err := http.NewRequest(http.MethodPost, c.URL+"/apis/authentication.k8s.io/v1/selfsubjectreviews", strings.NewReader(`{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var review struct {
			Status struct {
				UserInfo struct {
					Username string
					Groups   []string
				}
			}
		}
		if res.StatusCode != http.StatusCreated {
			return res.Status
		}
		if err := json.NewDecoder(res.Body).Decode(&review); err != nil {
			t.Fatal(err)
		}
		return review.Status.UserInfo.Username + " " + strings.Join(review.Status.UserInfo.Groups, ",")
	}
	good := token(`"aud": "cluster-a", "name": "ann", "teams": ["ops"], "site": "north", "level": "2"`)
	ann := id.URL + "#ann id:ops,system:authenticated"
	tokens := map[string]string{
		good: ann,
		token(`"aud": "cluster-b", "name": "ann", "teams": ["ops"], "site": "north", "level": "2"`): "401 Unauthorized",
		token(`"aud": "cluster-a", "name": "ann", "teams": ["ops"], "site": "south", "level": "2"`): "401 Unauthorized",
		token(`"aud": "cluster-a", "name": "ann", "teams": ["ops"], "site": "north"`):               "401 Unauthorized",
	}
	check := func(when string) {
		t.Helper()
		for range 600 { // the server asks the issuer for its keys after it is ready
			if who(good) == ann {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		for token, want := range tokens {
			if got := who(token); got != want {
				t.Errorf("%s, %s is %s, want %s", when, token, got, want)
			}
		}
	}
	check("by flags")
	o := remedy.Options{Folder: filepath.Join(c.Dir, "plimsoll"), Log: filepath.Join(c.Dir, "audit", "audit.log")}
	r := restarted(t, c, o, fstest.MapFS{strings.TrimPrefix(file, "/"): {Data: ca, Mode: 0o600}})
	if flags := strings.Join(c.Flags(), " "); strings.Contains(flags, "--oidc-") || !strings.Contains(flags, "--authentication-config=") {
		t.Errorf("started with %s: %+v", flags, r.Left)
	}
	check("by the configuration")
}
