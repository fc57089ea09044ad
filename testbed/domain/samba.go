package domain

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

const envSamba = "PLIMSOLL_TEST_SAMBA"

// Samba starts Active Directory as testbed/up has made it, with accounts that are locked after three wrong passwords, and
// with nobody added but plimsoll@example.org, who reads as everybody may and whose password is "Reads-0nly".
func Samba(t testing.TB) *Server {
	t.Helper()
	template := os.Getenv(envSamba)
	if template == "" {
		t.Skipf("%s is not set: testbed/up makes an Active Directory", envSamba)
	}
	program, err := exec.LookPath("samba")
	if err != nil {
		t.Skip("samba is not installed: testbed/up does")
	}
	s := &Server{t: t, Base: "dc=example,dc=org", Admin: "administrator@example.org", Password: "Pl1msoll-Adm1n", Dir: t.TempDir()}
	// Its ports are those of Windows and no others, so each has an address of loopback to itself.
	for s.Host = ""; s.Host == ""; {
		host := fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(128), rand.IntN(256), 1+rand.IntN(254))
		if l, err := net.Listen("tcp", host+":636"); err == nil {
			l.Close()
			s.Host = host
		}
	}
	s.URL, s.StartTLS = "ldaps://"+s.Host, "ldap://"+s.Host
	cert, key := s.certify()
	if err := os.CopyFS(filepath.Join(s.Dir, "state"), os.DirFS(filepath.Join(template, "state"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(s.Dir, "private"), os.DirFS(filepath.Join(template, "private"))); err != nil {
		t.Fatal(err)
	}
	config := s.write("smb.conf", smbConf, s.Host, s.Dir, cert, key, s.CA)
	s.start(program, "-i", "-M", "single", "-s", config)
	c := s.Connect()
	s.Set(c, s.Base, "lockoutThreshold", "3")
	s.Add(c, "ou=people,"+s.Base, "objectClass", "organizationalUnit", "ou", "people")
	s.Add(c, "ou=groups,"+s.Base, "objectClass", "organizationalUnit", "ou", "groups")
	s.AddAccount(c, "cn=plimsoll,cn=Users,"+s.Base, "plimsoll", "Reads-0nly")
	return s
}

// AddAccount adds somebody to an Active Directory who may sign in.
func (s *Server) AddAccount(c *ldap.Conn, dn, name, password string) {
	s.t.Helper()
	s.Add(c, dn, "objectClass", "user", "sAMAccountName", name, "userPrincipalName", name+"@example.org",
		"unicodePwd", Quoted(password), "userAccountControl", "512")
}

// Quoted is a password as Active Directory takes it.
func Quoted(password string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

const smbConf = `[global]
netbios name = DC1
realm = EXAMPLE.ORG
workgroup = EXAMPLE
server role = active directory domain controller
server services = ldap
bind interfaces only = yes
interfaces = %[1]s/8
private dir = %[2]s/private
state directory = %[2]s/state
cache directory = %[2]s/cache
lock directory = %[2]s/lock
pid directory = %[2]s/pid
ncalrpc dir = %[2]s/ncalrpc
binddns dir = %[2]s/binddns
log file = %[2]s/log
tls certfile = %[3]s
tls keyfile = %[4]s
tls cafile = %[5]s
`
