package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/tell/report"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// made gives n characters that are the same each time, and stand nowhere in the source.
func made(seed string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, i))
		b.WriteByte(base62[int(sum[0])%62])
	}
	return b.String()
}

// checked is a token that ends with its own checksum, as GitHub's and npm's do.
func checked(prefix string) string {
	body := made(prefix, 30)
	sum, digits := crc32.ChecksumIEEE([]byte(body)), []byte("000000")
	for i := 5; sum > 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return prefix + body + string(digits)
}

// leaky is an image with a secret in every place that one can be in, and those secrets.
func leaky(t *testing.T) (file string, secrets map[string]string) {
	t.Helper()
	seed := sha256.Sum256([]byte("leaky"))
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	secrets = map[string]string{
		"github": checked("ghp_"), "npm": checked("npm_"), "env": made("env", 14), "label": made("label", 40), "url": made("url", 15), "moved": made("moved", 16),
		"key": strings.Split(key, "\n")[1],
	}
	image := imagetest.Image{
		Name: "shop/leaky:1", Config: map[string]any{
			"Env": []string{"PATH=/bin", "DB_PASSWORD=" + secrets["env"]}, "Labels": map[string]string{"io.acme.api_token": secrets["label"]},
			"Cmd": []string{"/bin/cart", "--db", "postgres://cart:" + secrets["url"] + "@db.acme.io/cart"},
		},
		Layers: []imagetest.Layer{
			{Compression: imagetest.Gzip, CreatedBy: "COPY . /app", Files: []imagetest.File{
				{Path: "app/deploy.sh", Body: "#!/bin/sh\n\nexport TOKEN=" + secrets["github"] + "\n", Mode: 0o755},
				{Path: "app/id.pem", Body: key},
				{Path: "app/logo.png", Body: "TOKEN=" + secrets["github"]},
				{Path: "app/binary", Body: "\x00TOKEN=" + secrets["github"]},
				{Path: "app/.env", Body: "A_PASSWORD=" + secrets["moved"] + "\n"},
			}},
			{Compression: imagetest.Gzip, CreatedBy: "RUN |1 NPM_TOKEN=" + secrets["npm"] + " /bin/sh -c npm ci && rm /app/deploy.sh", Files: []imagetest.File{
				{Path: "app/.wh.deploy.sh"}, {Path: "app/.env", Body: "A_PASSWORD=${A}\n"},
			}},
		},
	}
	return imagetest.WriteFile(t, "leaky.tar", imagetest.New(image).Tar()), secrets
}

func scanLeaky(t *testing.T, file, cache string, flags ...string) (stdout, stderr []byte, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = cli.Run(context.Background(), cli.Env{
		Args:   append(append([]string{"scan", "--offline", "--checks", "secret", "--log-level", "debug"}, flags...), file),
		Stdout: &out, Stderr: &errs, Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
		Getenv: func(name string) string {
			return map[string]string{"XDG_CACHE_HOME": cache, "GITHUB_SHA": strings.Repeat("ab", 20), "GITHUB_REF": "refs/heads/main"}[name]
		},
	})
	return out.Bytes(), errs.Bytes(), status
}

// TestSecretsAreFound wants each secret of the image once, with the place that it is in.
func TestSecretsAreFound(t *testing.T) {
	file, _ := leaky(t)
	cache := t.TempDir()
	for range 2 { // from the layers, and from the cache
		stdout, stderr, status := scanLeaky(t, file, cache, "-o", "json")
		if status != 1 {
			t.Fatalf("status %d: %s", status, stderr)
		}
		var r finding.Report
		if err := json.Unmarshal(stdout, &r); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			one := f.Rule + " " + string(f.Severity)
			for _, l := range f.Locations {
				if l.Layer != nil {
					one += fmt.Sprintf(" layer %d", *l.Layer)
				}
				one += fmt.Sprintf(" %s:%d:%d", l.Path, l.StartLine, l.Column)
				if l.Deleted {
					one += " deleted"
				}
			}
			got = append(got, one+" | "+f.Title+" | "+f.Evidence)
		}
		want := []string{
			"secret/database-url high | password in the address of a database: CMD | (not shown)",
			"secret/generic-secret high | value that is called a secret: LABEL io.acme.api_token | io.acme.api_token = (not shown)",
			"secret/github-token high layer 0 app/deploy.sh:3:14 deleted | GitHub token: TOKEN in app/deploy.sh:3, which layer 1 removes and layer 0 still holds | TOKEN = ghp_… (40 characters)",
			"secret/npm-token high layer 1 :0:0 | npm access token: history 2 | NPM_TOKEN = npm_… (40 characters)",
			"secret/password high | password: ENV DB_PASSWORD | DB_PASSWORD = (not shown)",
			"secret/private-key high layer 0 app/id.pem:1:1 | private key: app/id.pem:1 | -----BEGIN… (118 characters)",
			"secret/password medium layer 0 app/.env:1:12 deleted | password: A_PASSWORD in app/.env:1, which layer 1 removes and layer 0 still holds | A_PASSWORD = (not shown)",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestSecretsAreNotShown has every format, the log and the cache say what was found without saying it.
func TestSecretsAreNotShown(t *testing.T) {
	file, secrets := leaky(t)
	cache := t.TempDir()
	clean := func(where string, b []byte) {
		t.Helper()
		for name, s := range secrets {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s: the secret %q is shown", where, name)
			}
		}
	}
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte("[[rules]]\nid='any'\nregex='''TOKEN=(\\S+)|PASSWORD=(\\S+)|BEGIN[^x]{60,}|:([A-Za-z0-9]{14,})@|api_token=(\\S+)'''\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole.tmpl") // shows all that a template could
	if err := os.WriteFile(whole, []byte(`{{printf "%+v" .}}{{range .Findings}}{{printf "%+v" .}}{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"--secret-rules", rules}, {"--checks", "vuln"}} {
		for _, f := range report.Formats {
			args := append([]string{"-o", f.Name}, flags...)
			if f.Name == "template" {
				args = append(args, "--template", whole)
			}
			stdout, stderr, status := scanLeaky(t, file, cache, args...)
			if status == 2 || len(stdout) == 0 {
				t.Fatalf("%s: status %d: %s", f.Name, status, stderr)
			}
			clean(f.Name, stdout)
			clean(f.Name+" stderr", stderr)
		}
	}
	files := 0
	err := filepath.WalkDir(cache, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		clean(p, b)
		files++
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files in the cache, %v", files, err)
	}
}
