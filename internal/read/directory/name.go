package directory

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// Bounds on names.
const (
	maxLogin    = 256
	maxPassword = 1024
	maxName     = 253
)

// plain refuses names and passwords that no directory is to be asked about. An empty password is the worst of
// them: RFC 4513 has a server say yes to it, of nobody in particular.
func (d *Directory) plain(login, password string) error {
	switch {
	case login == "":
		return fmt.Errorf("%w: the name is empty", ErrRefused)
	case password == "":
		return fmt.Errorf("%w: the password is empty", ErrRefused)
	case len(login) > maxLogin, len(password) > maxPassword:
		return fmt.Errorf("%w: the name or the password is longer than %d and %d bytes", ErrRefused, maxLogin, maxPassword)
	case !utf8.ValidString(login) || strings.ContainsFunc(login, unicode.IsControl):
		return fmt.Errorf("%w: the name has characters that no name has", ErrRefused)
	}
	return nil
}

// Reserved begins the names that Kubernetes gives itself. Nobody is called so for what a directory says.
const Reserved = "system:"

// subject is a name as the cluster knows it.
func subject(prefix, name string) (string, error) {
	whole := prefix + name
	switch {
	case name == "":
		return "", fmt.Errorf("%w: the name is empty", ErrRefused)
	case len(whole) > maxName:
		return "", fmt.Errorf("%w: the name %q is longer than %d bytes", ErrRefused, whole[:20]+"…", maxName)
	case !utf8.ValidString(whole) || strings.ContainsFunc(whole, unicode.IsControl) || strings.TrimSpace(whole) != whole:
		return "", fmt.Errorf("%w: %q is no name that can be given in a cluster", ErrRefused, whole)
	case strings.HasPrefix(strings.ToLower(whole), Reserved):
		return "", fmt.Errorf("%w: %q would be one of Kubernetes' own", ErrRefused, whole)
	}
	return whole, nil
}

// single is an attribute of which an entry has one value.
func single(e *ldap.Entry, attribute string) (string, error) {
	all := values(e, attribute)
	if len(all) != 1 {
		return "", fmt.Errorf("%w: %q has %d values of %s, where one is its name", ErrRefused, e.DN, len(all), attribute)
	}
	return all[0], nil
}

// values are those of an attribute, whose name is in any case.
func values(e *ldap.Entry, attribute string) []string {
	return e.GetEqualFoldAttributeValues(attribute)
}

func value(e *ldap.Entry, attribute string) string { return e.GetEqualFoldAttributeValue(attribute) }

// named are groups as the cluster knows them.
func (c *Config) named(groups []*ldap.Entry) (names, left []string) {
	for _, e := range groups {
		name, err := single(e, c.Groups.Name)
		if err == nil {
			name, err = subject(c.Groups.Prefix, name)
		}
		if err != nil {
			left = append(left, fmt.Sprintf("%s: %v", e.DN, err))
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), left
}

// idAttribute is what never changes, and is never given again.
func idAttribute(k Kind) string {
	if k == ActiveDirectory {
		return "objectGUID"
	}
	return "entryUUID"
}

func idOf(k Kind, e *ldap.Entry) string {
	if k == ActiveDirectory {
		return hex.EncodeToString(e.GetEqualFoldRawAttributeValue("objectGUID"))
	}
	return value(e, "entryUUID")
}

func (c *Config) idFilter(id string) (string, error) {
	if c.Kind != ActiveDirectory {
		return c.peopleFilter("(entryUUID=" + ldap.EscapeFilter(id) + ")"), nil
	}
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 16 {
		return "", ErrGone
	}
	return c.peopleFilter("(objectGUID=" + escaped(b) + ")"), nil
}

// escaped is any bytes in a filter.
func escaped(b []byte) string {
	var s strings.Builder
	for _, one := range b {
		fmt.Fprintf(&s, `\%02x`, one)
	}
	return s.String()
}

func (c *Config) loginFilter(login string) string {
	var any strings.Builder
	for _, a := range c.Users.Login {
		any.WriteString("(" + a + "=" + ldap.EscapeFilter(login) + ")")
	}
	return c.peopleFilter("(|" + any.String() + ")")
}

// peopleFilter is a filter for people of whom more is known.
func (c *Config) peopleFilter(more string) string {
	kind := "(|(objectClass=person)(objectClass=posixAccount))"
	if c.Kind == ActiveDirectory {
		kind = "(objectCategory=person)(objectClass=user)"
	}
	return "(&" + kind + c.Users.Filter + more + ")"
}

// groupFilter is a filter for groups of which more is known. Those of Active Directory that only get mail are none.
func (c *Config) groupFilter(more string) string {
	kind := "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)(objectClass=posixGroup))"
	if c.Kind == ActiveDirectory {
		kind = "(objectClass=group)(groupType:1.2.840.113556.1.4.803:=2147483648)"
	}
	return "(&" + kind + more + ")"
}
