// Package settings reads the file that says which directory there is, and who is who in it. It is YAML, and read
// strictly: an unknown key is an error with its line. Files that it names are looked for beside it.
//
//	servers: [ldaps://dc1.example.org, ldap://dc2.example.org]  # ldap: StartTLS; asked in this order
//	ca: ca.pem                       # the authorities that signed their certificates (default: the system's)
//	plaintext: [localhost]           # hosts of ldap: servers with which no TLS is spoken: anybody on the way reads passwords
//	kind: active-directory           # or openldap
//	bind: {name: plimsoll@example.org, passwordFile: password}  # who asks; left out: nobody in particular
//	timeout: 3s                      # for one server, before the next is asked
//	users:
//	  base: ou=people,dc=example,dc=org
//	  filter: (employeeType=staff)   # further than that it is a person
//	  login: [sAMAccountName, userPrincipalName]  # attributes that one may sign in with (openldap: uid)
//	  name: sAMAccountName           # the name in the cluster, which is one person's alone (openldap: uid)
//	  prefix: "ldap:"                # before that name
//	groups:
//	  base: ou=groups,dc=example,dc=org
//	  filter: (cn=k8s-*)             # those that the cluster is told of
//	  name: sAMAccountName           # (openldap: cn)
//	  prefix: "ldap:"
//	  by: tokens                     # or chain, memberOf, member (openldap: member)
//	tokens: {lifetime: 10m, audiences: [https://kubernetes.default.svc]}
//	cache: 30s                       # how old what is known of a person may be
package settings

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/internal/serving"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Bounds of a file, and of what it may say.
const (
	maxFile     = 64 << 10
	maxSecret   = 4 << 10
	maxList     = 100
	maxText     = 1000
	MaxLifetime = 15 * time.Minute // of a token
	MaxCache    = time.Minute
)

// Settings are what a file says.
type Settings struct {
	Directory directory.Config
	Lifetime  time.Duration // of tokens
	Audiences []string      // the first is that of who names none
	Cache     time.Duration
}

// Read reads a file. Now is the clock of what is asked.
func Read(name string, now func() time.Time) (*Settings, error) {
	b, err := serving.File(name, maxFile)
	if err != nil {
		return nil, err
	}
	docs, err := tree.Parse(name, b)
	switch {
	case err != nil:
		return nil, err
	case len(docs) != 1 || docs[0].Null:
		return nil, &tree.Error{Path: name, What: fmt.Sprintf("it has %d documents, where one begins with \"servers:\"", len(docs))}
	}
	r := reader{tree.Strict{Path: name}, filepath.Dir(name)}
	s := r.settings(docs[0])
	if r.Err != nil {
		return nil, r.Err
	}
	s.Directory.Now = now
	return s, nil
}

type reader struct {
	tree.Strict
	dir string
}

func (r *reader) settings(top *tree.Value) *Settings {
	r.Map(top, "a file of a directory", []string{"servers", "kind", "users", "groups"}, []string{"ca", "plaintext", "bind", "timeout", "tokens", "cache"})
	s := &Settings{Cache: r.duration(top, "cache", 30*time.Second, time.Second, MaxCache)}
	d := &s.Directory
	d.Timeout = r.duration(top, "timeout", 3*time.Second, 100*time.Millisecond, 30*time.Second)
	d.Kind = directory.Kind(r.oneOf(top, "kind", "", string(directory.OpenLDAP), string(directory.ActiveDirectory)))
	d.Servers = r.servers(top)
	d.Roots = r.roots(top)
	r.bind(top, d)
	login, name, group, by := []string{"uid"}, "uid", "cn", directory.ByMember
	if d.Kind == directory.ActiveDirectory {
		login, name, group, by = []string{"sAMAccountName", "userPrincipalName"}, "sAMAccountName", "sAMAccountName", directory.ByTokens
	}
	r.users(top.Get("users"), &d.Users, login, name)
	r.groups(top.Get("groups"), d, group, by)
	s.Lifetime, s.Audiences = r.tokens(top.Get("tokens"))
	return s
}

func (r *reader) servers(top *tree.Value) (all []directory.Server) {
	plain := r.words(top, "plaintext")
	for _, item := range r.List(top.Get("servers"), "servers") {
		s, err := directory.ParseServer(item.String())
		if err != nil {
			r.Wrong(item.Line, "servers: %v", err)
		}
		if s.Plain = slices.Contains(plain, s.Host); s.Plain && s.TLS {
			r.Wrong(item.Line, "servers: plaintext names %q, which is spoken to by ldaps", s.Host)
		}
		all = append(all, s)
	}
	line := top.Get("servers")
	switch {
	case line == nil:
	case len(all) == 0:
		r.Wrong(line.Line, "servers names none")
	case len(all) > maxList:
		r.Wrong(line.Line, "servers names %d, at most %d are asked", len(all), maxList)
	}
	for _, host := range plain {
		if !slices.ContainsFunc(all, func(s directory.Server) bool { return s.Host == host }) {
			r.Wrong(top.Get("plaintext").Line, "plaintext: %q is the host of no server", tree.Cut(host))
		}
	}
	return all
}

// Plaintext are servers on other machines with which no TLS is spoken.
func (s *Settings) Plaintext() (hosts []string) {
	for _, one := range s.Directory.Servers {
		if ip := net.ParseIP(one.Host); one.Plain && one.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			hosts = append(hosts, one.Host)
		}
	}
	return hosts
}

func (r *reader) roots(top *tree.Value) *x509.CertPool {
	file := r.word(top, "ca", "")
	if file == "" {
		return nil
	}
	pool := x509.NewCertPool()
	b, err := serving.File(r.beside(file), 1<<20)
	if err == nil && !pool.AppendCertsFromPEM(b) {
		err = fmt.Errorf("%s: there is no certificate in it", file)
	}
	if err != nil {
		r.Wrong(top.Get("ca").Line, "ca: %v", err)
	}
	return pool
}

func (r *reader) beside(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(r.dir, file)
}

func (r *reader) bind(top *tree.Value, d *directory.Config) {
	v := top.Get("bind")
	if v == nil {
		return
	}
	r.Map(v, "bind", []string{"name", "passwordFile"}, nil)
	file := r.beside(r.word(v, "passwordFile", ""))
	d.Bind = r.word(v, "name", "")
	// It is read again whenever it is needed, so that it can be changed.
	d.Secret = func() (string, error) {
		b, err := serving.File(file, maxSecret)
		text := strings.TrimRight(string(b), "\r\n")
		if err == nil && text == "" {
			err = fmt.Errorf("%s: it is empty, and a directory says yes to everybody who has no password", file)
		}
		return text, err
	}
	if r.Err == nil {
		if _, err := d.Secret(); err != nil {
			r.Wrong(v.Get("passwordFile").Line, "passwordFile: %v", err)
		}
	}
}

func (r *reader) users(v *tree.Value, u *directory.Users, login []string, name string) {
	if v == nil {
		return
	}
	r.Map(v, "users", []string{"base"}, []string{"filter", "login", "name", "prefix"})
	u.Base, u.Filter, u.Prefix = r.dn(v, "base"), r.filter(v), r.prefix(v)
	u.Name = r.attribute(v, "name", name)
	if u.Login = r.words(v, "login"); len(u.Login) == 0 {
		u.Login = login
	}
	for _, a := range u.Login {
		if !attributeForm().MatchString(a) {
			r.Wrong(v.Get("login").Line, "login: %q is no name of an attribute", tree.Cut(a))
		}
	}
}

func (r *reader) groups(v *tree.Value, d *directory.Config, name, by string) {
	if v == nil {
		return
	}
	r.Map(v, "groups", []string{"base"}, []string{"filter", "name", "prefix", "by"})
	g := &d.Groups
	g.Base, g.Filter, g.Prefix = r.dn(v, "base"), r.filter(v), r.prefix(v)
	g.Name = r.attribute(v, "name", name)
	ways := []string{directory.ByMember, directory.ByMemberOf}
	if d.Kind == directory.ActiveDirectory {
		ways = []string{directory.ByTokens, directory.ByChain, directory.ByMemberOf, directory.ByMember}
	}
	g.By = r.oneOf(v, "by", by, ways...)
}

var audienceForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[!-~]{1,253}$`) })

func (r *reader) tokens(v *tree.Value) (lifetime time.Duration, audiences []string) {
	const usual = 10 * time.Minute
	if v == nil {
		v = &tree.Value{}
	} else {
		r.Map(v, "tokens", nil, []string{"lifetime", "audiences"})
	}
	lifetime = r.duration(v, "lifetime", usual, time.Minute, MaxLifetime)
	if audiences = r.words(v, "audiences"); len(audiences) == 0 {
		audiences = []string{"https://kubernetes.default.svc"}
	}
	for _, a := range audiences {
		if !audienceForm().MatchString(a) {
			r.Wrong(v.Get("audiences").Line, "audiences: %q is no audience: give what the API server has as --api-audiences", tree.Cut(a))
		}
	}
	return lifetime, audiences
}

// word is a scalar.
func (r *reader) word(v *tree.Value, key, usual string) string {
	one := v.Get(key)
	switch {
	case one == nil:
		return usual
	case !one.Scalar || one.Null || one.Text == "" || len(one.Text) > maxText:
		r.Wrong(one.Line, "%s wants one value of at most %d bytes", key, maxText)
	}
	return one.Text
}

func (r *reader) words(v *tree.Value, key string) (all []string) {
	for _, item := range r.List(v.Get(key), key) {
		if !item.Scalar || item.Null || item.Text == "" || len(item.Text) > maxText {
			r.Wrong(item.Line, "%s is to be a list of words", key)
		}
		all = append(all, item.Text)
	}
	if len(all) > maxList {
		r.Wrong(v.Get(key).Line, "%s has %d words, at most %d are read", key, len(all), maxList)
	}
	return all
}

func (r *reader) oneOf(v *tree.Value, key, usual string, known ...string) string {
	word := r.word(v, key, usual)
	if one := v.Get(key); one != nil && !slices.Contains(known, word) {
		r.Wrong(one.Line, "%s: %q is not known: use %s", key, tree.Cut(word), strings.Join(known, ", "))
	}
	return word
}

func (r *reader) duration(v *tree.Value, key string, usual, least, most time.Duration) time.Duration {
	one := v.Get(key)
	if one == nil {
		return usual
	}
	d, err := time.ParseDuration(one.String())
	if err != nil || d < least || d > most {
		r.Wrong(one.Line, "%s: %q is no time from %s to %s, as in %s", key, tree.Cut(one.String()), least, most, usual)
	}
	return d
}

func (r *reader) dn(v *tree.Value, key string) string {
	text := r.word(v, key, "")
	if one := v.Get(key); one != nil {
		if dn, err := ldap.ParseDN(text); err != nil || len(dn.RDNs) == 0 {
			r.Wrong(one.Line, "%s: %q is no distinguished name, as in ou=people,dc=example,dc=org", key, tree.Cut(text))
		}
	}
	return text
}

func (r *reader) filter(v *tree.Value) string {
	text := r.word(v, "filter", "")
	if text == "" {
		return ""
	}
	if _, err := ldap.CompileFilter(text); err != nil {
		r.Wrong(v.Get("filter").Line, "filter: %q is no filter in parentheses (RFC 4515): %v", tree.Cut(text), errors.Unwrap(err))
	}
	return text
}

var attributeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,99}$`) })

func (r *reader) attribute(v *tree.Value, key, usual string) string {
	word := r.word(v, key, usual)
	if one := v.Get(key); one != nil && !attributeForm().MatchString(word) {
		r.Wrong(one.Line, "%s: %q is no name of an attribute", key, tree.Cut(word))
	}
	return word
}

// prefix sets apart whom the directory names from whom the cluster names itself.
func (r *reader) prefix(v *tree.Value) string {
	text := r.word(v, "prefix", "ldap:")
	if strings.HasPrefix(strings.ToLower(text), directory.Reserved) || len(text) > 100 {
		r.Wrong(v.Get("prefix").Line, "prefix: %q begins names that are Kubernetes' own: use another, as in ldap:", tree.Cut(text))
	}
	return text
}
