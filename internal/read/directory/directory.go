// Package directory asks an LDAP directory, OpenLDAP or Active Directory, who somebody is: which person a name and a
// password belong to, in which groups that person is, and whether the account may still be used.
//
// What is asked goes over TLS, to the first of several servers that answers in time. Whatever a directory says is
// bounded, referrals are not followed, and what is not whole is an error: somebody with half of the groups is nobody.
// A person is known by what never changes (entryUUID, objectGUID), so that a name that is given to somebody else does not
// take the first one's sign-in along.
package directory

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Kind is a family of directories: what their attributes are called, and how an account is locked.
type Kind string

// The kinds. OpenLDAP stands for all that follow RFC 4519 and 4530.
const (
	OpenLDAP        Kind = "openldap"
	ActiveDirectory Kind = "active-directory"
)

// Ways in which the groups of a person are found.
const (
	ByMember   = "member"   // groups that name the person, then those that name these groups, and so on
	ByMemberOf = "memberOf" // what the person's entry says, then what these groups' entries say, and so on
	ByChain    = "chain"    // Active Directory walks itself: LDAP_MATCHING_RULE_IN_CHAIN
	ByTokens   = "tokens"   // Active Directory tells what Windows is told: tokenGroups
)

// Config says which directory, and what of it counts.
type Config struct {
	Servers []Server // in the order in which they are asked
	Roots   *x509.CertPool
	Bind    string                 // who asks; empty: nobody in particular
	Secret  func() (string, error) // the password of who asks, read whenever it is needed
	Kind    Kind
	Users   Users
	Groups  Groups
	Timeout time.Duration // for one server
	Now     func() time.Time
}

// Users say where people are, and what they are called.
type Users struct {
	Base   string
	Filter string   // of RFC 4515; empty: all people
	Login  []string // attributes, any of which a person may sign in with
	Name   string   // the attribute that is the name in the cluster
	Prefix string   // before that name
}

// Groups say where groups are, and what they are called. Groups that the filter leaves out still pass on who is in them.
type Groups struct {
	Base   string
	Filter string
	Name   string
	Prefix string
	By     string // one of the ways above
}

// Person is who somebody is, as a cluster knows it.
type Person struct {
	ID     string // never given to anybody else
	DN     string
	Name   string
	Groups []string // sorted
	Out    string   // why the account may not be used; empty: it may
	Left   []string // groups that cannot be named in a cluster, and why
}

// Why somebody does not come in.
var (
	// ErrRefused says that there is no such person, or that the password is another. Which, is in the text, for the log alone.
	ErrRefused = errors.New("refused")
	// ErrUnknown is an ErrRefused: there is no such person, and what was given for a name may be a password.
	ErrUnknown = fmt.Errorf("%w: there is no such person", ErrRefused)
	// ErrGone says that a person is not in the directory any more.
	ErrGone = errors.New("not in the directory")
)

// AwayError says that no server could be asked.
type AwayError struct{ Errs []error }

func (e *AwayError) Error() string {
	return fmt.Sprintf("no server of the directory can be asked: %v", errors.Join(e.Errs...))
}

func (e *AwayError) Unwrap() []error { return e.Errs }

// Directory asks. It may be used from anywhere.
type Directory struct {
	c Config

	mu   sync.Mutex
	idle []*session
	down []time.Time // until when a server that did not answer is asked last
}

// Open makes a directory of a configuration that settings.Read has read. No server is asked.
func Open(c Config) *Directory {
	bound()
	return &Directory{c: c, down: make([]time.Time, len(c.Servers))}
}

// Ping asks a server whether it is there, as who asks for everything.
func (d *Directory) Ping(ctx context.Context) error {
	return d.ask(ctx, func(s *session) error {
		_, err := s.read("", "(objectClass=*)", "supportedLDAPVersion")
		return err
	})
}

// Login finds out who signs in with a name and a password. The error is [ErrRefused] where nobody does; a person that
// is there and knows the password may still be out.
func (d *Directory) Login(ctx context.Context, login, password string) (*Person, error) {
	if err := d.plain(login, password); err != nil {
		return nil, err
	}
	found, err := d.find(ctx, d.c.loginFilter(login))
	switch {
	case errors.Is(err, ErrGone):
		// Somebody who is not there takes as many questions as somebody who is.
		if err := d.prove(ctx, "cn=nobody,"+d.c.Users.Base, password); err != nil && !errors.Is(err, ErrRefused) {
			return nil, err
		}
		return nil, ErrUnknown
	case err != nil:
		return nil, err
	}
	if err := d.prove(ctx, found.DN, password); err != nil {
		return nil, err
	}
	// Only now: the password may have been the last wrong one, or the first right one.
	return d.Person(ctx, idOf(d.c.Kind, found))
}

// Person asks who somebody is now. The error is [ErrGone] where that is nobody.
func (d *Directory) Person(ctx context.Context, id string) (*Person, error) {
	filter, err := d.c.idFilter(id)
	if err != nil {
		return nil, err
	}
	e, err := d.find(ctx, filter)
	if err != nil {
		return nil, err
	}
	p, err := d.c.person(e)
	if err != nil {
		return nil, err
	}
	err = d.ask(ctx, func(s *session) error {
		if err := d.c.onlyOne(s, e); err != nil {
			return err
		}
		groups, err := d.c.groupsOf(s, e)
		if err != nil {
			return fmt.Errorf("find the groups of %q: %w", p.DN, err)
		}
		p.Groups, p.Left = d.c.named(groups)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// person is an entry without its groups.
func (c *Config) person(e *ldap.Entry) (*Person, error) {
	p := &Person{ID: idOf(c.Kind, e), DN: e.DN, Out: c.out(e)}
	if p.ID == "" {
		return nil, fmt.Errorf("%q has no %s that may be read: without it nobody is told apart from who has the name next", e.DN, idAttribute(c.Kind))
	}
	name, err := single(e, c.Users.Name)
	if err != nil {
		return nil, err
	}
	if p.Name, err = subject(c.Users.Prefix, name); err != nil {
		return nil, err
	}
	return p, nil
}

// find is the one entry of a filter.
func (d *Directory) find(ctx context.Context, filter string) (found *ldap.Entry, err error) {
	err = d.ask(ctx, func(s *session) error {
		all, err := s.search(d.c.Users.Base, filter, 1, d.c.userAttributes()...)
		switch {
		case errors.Is(err, errTooMany):
			return fmt.Errorf("%w: several people have that name, and which of them it is cannot be told", ErrRefused)
		case err != nil:
			return err
		case len(all) == 0:
			return ErrGone
		}
		found = all[0]
		return nil
	})
	return found, err
}

// onlyOne wants a name to be one person's alone: whoever is given it would be both in the cluster.
func (c *Config) onlyOne(s *session, e *ldap.Entry) error {
	name, err := single(e, c.Users.Name)
	if err != nil {
		return err
	}
	filter := "(" + c.Users.Name + "=" + ldap.EscapeFilter(name) + ")"
	_, err = s.search(c.Users.Base, c.peopleFilter(filter), 1, "1.1")
	if errors.Is(err, errTooMany) {
		return fmt.Errorf("%w: several people have the %s %q", ErrRefused, c.Users.Name, name)
	}
	return err
}
