// Package domain gives tests a directory of their own: OpenLDAP's slapd, or Samba's Active Directory, on loopback.
package domain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Server is a running server of a directory.
type Server struct {
	Host, URL, StartTLS string // ldaps://HOST:PORT, and ldap://HOST:PORT
	CA                  string // file of the authority that signed its certificate
	Base                string
	Admin, Password     string // who may all
	Dir                 string

	t   testing.TB
	cmd *exec.Cmd
	log string
	end chan struct{}
}

// Connect is a connection of who may all.
func (s *Server) Connect() *ldap.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *Server) dial() (*ldap.Conn, error) {
	pool := x509.NewCertPool()
	b, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, err
	}
	pool.AppendCertsFromPEM(b)
	c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool, ServerName: s.Host}))
	if err != nil {
		return nil, err
	}
	if err := c.Bind(s.Admin, s.Password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Add adds an entry; attributes are name, value, name, value.
func (s *Server) Add(c *ldap.Conn, dn string, attributes ...string) {
	s.t.Helper()
	r := ldap.NewAddRequest(dn, nil)
	var order []string
	all := map[string][]string{}
	for i := 0; i+1 < len(attributes); i += 2 {
		if all[attributes[i]] == nil {
			order = append(order, attributes[i])
		}
		all[attributes[i]] = append(all[attributes[i]], attributes[i+1])
	}
	for _, name := range order {
		r.Attribute(name, all[name])
	}
	if err := c.Add(r); err != nil {
		s.t.Fatalf("add %s: %v", dn, err)
	}
}

// Set replaces the values of an attribute; none removes it.
func (s *Server) Set(c *ldap.Conn, dn, attribute string, values ...string) {
	s.t.Helper()
	r := ldap.NewModifyRequest(dn, nil)
	r.Replace(attribute, values)
	if err := c.Modify(r); err != nil {
		s.t.Fatalf("set %s of %s: %v", attribute, dn, err)
	}
}

// Stop ends the server.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.end:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.end
	}
}

func (s *Server) start(program string, args ...string) {
	s.t.Helper()
	s.log = filepath.Join(s.Dir, "server.log")
	log, err := os.Create(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd, s.end = exec.Command(program, args...), make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = log, log, leash()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", program, err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.end)
	}()
	s.t.Cleanup(func() {
		s.Stop()
		if s.t.Failed() {
			s.t.Logf("%s: %s", program, s.tail())
		}
	})
	deadline := time.Now().Add(2 * time.Minute)
	for {
		c, err := s.dial()
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-s.end:
			s.t.Fatalf("%s ended: %s", program, s.tail())
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not let its administrator in: %v: %s", program, err, s.tail())
		}
	}
}

func (s *Server) tail() []byte {
	b, _ := os.ReadFile(s.log)
	lines := bytes.SplitAfter(b, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-20):], nil)
}

// certify writes a certificate for localhost and the host, and the authority that signed it.
func (s *Server) certify() (cert, key string) {
	s.t.Helper()
	s.CA, cert, key = filepath.Join(s.Dir, "ca.pem"), filepath.Join(s.Dir, "tls.pem"), filepath.Join(s.Dir, "tls.key")
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	rootKey := s.newKey()
	s.issue(s.CA, root, root, rootKey, rootKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: s.Host}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.ParseIP(s.Host)},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
	}
	leafKey := s.newKey()
	s.issue(cert, leaf, root, leafKey, rootKey)
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.save(key, "PRIVATE KEY", der)
	return cert, key
}

func (s *Server) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

func (s *Server) issue(file string, of, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) {
	der, err := x509.CreateCertificate(rand.Reader, of, by, key.Public(), byKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.save(file, "CERTIFICATE", der)
}

func (s *Server) save(file, kind string, der []byte) {
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) write(name, format string, args ...any) string {
	s.t.Helper()
	file := filepath.Join(s.Dir, name)
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func free(t testing.TB, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
