package host

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem/toml"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Owned is the Sys of a file in a file system that is no kernel's.
type Owned struct{ UID, GID int }

// Contents is what a file holds that is understood.
type Contents struct {
	Documents    []*tree.Value // of YAML, JSON and TOML; those of TOML have no lines
	Certificates []*x509.Certificate
	PrivateKey   bool
	Lines        []string // of a file of rules or of systemd
}

// Document is the first; nil where there is none.
func (c *Contents) Document() *tree.Value {
	if c == nil || len(c.Documents) == 0 {
		return nil
	}
	return c.Documents[0]
}

const maxCertificates = 200 // in one file

// understood says that what a file holds is of use: that of a key is not, nor that of a program.
func understood(name string, size int64) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".conf", ".kubeconfig", ".config", ".conflist", ".toml", ".crt", ".pem", ".cert", ".cer", ".service", ".socket", ".rules":
		return true
	case "":
		return size < 1<<20 && !strings.Contains(name, "/bin/") && !strings.Contains(name, "/sbin/")
	}
	return false
}

// contents understands a file by its name, and by what is in it.
func contents(name string, b []byte) (*Contents, error) {
	c := &Contents{}
	var err error
	switch ext := path.Ext(name); {
	case name == "/etc/group":
		c.Lines = strings.Split(string(b), "\n")
	case bytes.Contains(b, []byte("-----BEGIN ")) && !bytes.Contains(b, []byte("kind:")):
		err = c.pem(b)
	case ext == ".toml" || ext == ".conf" && strings.Contains(name, "/crio"):
		var table map[string]any
		if table, err = toml.Parse(b); err == nil {
			c.Documents = []*tree.Value{ofTOML(table)}
		}
	case slices.Contains([]string{".yaml", ".yml", ".json", ".conf", ".kubeconfig", ".config", ".conflist", ""}, ext) && !strings.HasPrefix(name, "/etc/systemd/") && bytes.ContainsRune(b, ':'):
		c, err = manifest(name, b)
		if err != nil && (ext == "" || ext == ".conf" || ext == ".config") { // of another form, then
			err = nil
		}
	case slices.Contains([]string{".service", ".socket", ".rules"}, ext) || strings.Contains(name, ".service.d/"):
		c.Lines = strings.Split(string(b), "\n")
	}
	if err == nil {
		for _, d := range c.Documents {
			c.embedded(d, 0)
		}
	}
	return c, err
}

// manifest is a file of YAML or JSON, whatever it is called.
func manifest(name string, b []byte) (*Contents, error) {
	all, err := tree.Parse(name, b)
	var wrong *tree.Error
	if errors.As(err, &wrong) {
		err = fmt.Errorf("line %d: %s", wrong.Line, wrong.What)
	}
	return &Contents{Documents: all}, err
}

// embedded reads the certificates that a kubeconfig holds in itself.
func (c *Contents) embedded(v *tree.Value, depth int) {
	if v == nil || depth > 8 {
		return
	}
	for _, e := range v.Map {
		if e.Key == "client-certificate-data" {
			if b, err := base64.StdEncoding.DecodeString(e.Value.String()); err == nil {
				_ = c.pem(b) // what is no certificate is not one that could be judged
			}
		}
		c.embedded(e.Value, depth+1)
	}
	for _, one := range v.List {
		c.embedded(one, depth+1)
	}
}

func (c *Contents) pem(b []byte) error {
	for len(c.Certificates) < maxCertificates {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil
		}
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			c.PrivateKey = true
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return err
			}
			c.Certificates = append(c.Certificates, cert)
		}
	}
	return nil
}

// KeyStrength says a certificate's key in words, and whether it is strong enough (NIST SP 800-57: 112 bits).
func KeyStrength(c *x509.Certificate) (words string, enough bool) {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", k.N.BitLen()), k.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ECDSA, %d bits", k.Params().BitSize), k.Params().BitSize >= 224
	case ed25519.PublicKey:
		return "Ed25519", true
	}
	return "a key that is not known", false
}

// ofTOML gives TOML the shape of the others.
func ofTOML(v any) *tree.Value {
	switch v := v.(type) {
	case map[string]any:
		m := &tree.Value{Map: []tree.Entry{}}
		for key, one := range v {
			m.Map = append(m.Map, tree.Entry{Key: key, Value: ofTOML(one)})
		}
		slices.SortFunc(m.Map, func(a, b tree.Entry) int { return strings.Compare(a.Key, b.Key) })
		return m
	case []any:
		l := &tree.Value{List: []*tree.Value{}}
		for _, one := range v {
			l.List = append(l.List, ofTOML(one))
		}
		return l
	case string:
		return &tree.Value{Scalar: true, Text: v, Quoted: true, Type: "str"}
	}
	return &tree.Value{Scalar: true, Text: fmt.Sprint(v)}
}
