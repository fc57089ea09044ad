package domain

import (
	"os"
	"path/filepath"
	"testing"
)

const envSlapd = "PLIMSOLL_TEST_SLAPD"

// OpenLDAP starts slapd with nobody in it but cn=plimsoll, who may read all but passwords and whose own is "reads", with
// overlays that keep memberOf and lock accounts after three wrong passwords. Searches give at most 50 entries at a time.
func OpenLDAP(t testing.TB) *Server {
	t.Helper()
	program := os.Getenv(envSlapd)
	if program == "" {
		t.Skipf("%s is not set: testbed/up installs OpenLDAP", envSlapd)
	}
	s := &Server{t: t, Host: "127.0.0.1", Base: "dc=example,dc=org", Admin: "cn=admin,dc=example,dc=org", Password: "all", Dir: t.TempDir()}
	cert, key := s.certify()
	data := filepath.Join(s.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	config := s.write("slapd.conf", slapdConf, cert, key, s.CA, data)
	plain, secure := free(t, s.Host), free(t, s.Host)
	s.URL, s.StartTLS = "ldaps://127.0.0.1:"+secure, "ldap://127.0.0.1:"+plain
	s.start(program, "-d", "none", "-f", config, "-h", s.StartTLS+" "+s.URL)
	c := s.Connect()
	s.Add(c, s.Base, "objectClass", "domain", "dc", "example")
	s.Add(c, "cn=plimsoll,"+s.Base, "objectClass", "organizationalRole", "objectClass", "simpleSecurityObject", "cn", "plimsoll", "userPassword", "reads")
	s.Add(c, "cn=policy,"+s.Base, "objectClass", "namedObject", "objectClass", "pwdPolicy", "cn", "policy", "pwdAttribute", "userPassword",
		"pwdLockout", "TRUE", "pwdMaxFailure", "3", "pwdLockoutDuration", "0")
	for _, unit := range []string{"people", "groups"} {
		s.Add(c, "ou="+unit+","+s.Base, "objectClass", "organizationalUnit", "ou", unit)
	}
	return s
}

const slapdConf = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/namedobject.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCertificateFile %s
TLSCertificateKeyFile %s
TLSCACertificateFile %s
database mdb
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw all
directory %s
maxsize 104857600
dbnosync
sizelimit size.soft=50 size.hard=500 size.prtotal=unlimited
overlay memberof
memberof-refint true
overlay ppolicy
ppolicy_default cn=policy,dc=example,dc=org
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=cn=plimsoll,dc=example,dc=org read by * none
`
