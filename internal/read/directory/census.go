package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Bounds on a whole directory.
const (
	mostPeople  = 200_000
	mostAll     = 50_000 // groups
	mostMembers = 2_000_000
)

// Census is everybody that a directory knows, and every group.
type Census struct {
	people map[string]*Person // by name; of a name that several have, nobody
	groups map[string]*group  // by name
	living map[string]bool    // people who may sign in, by DN and by uid:NAME
	byDN   map[string]*group
	first  map[string][]string // DNs of people, by the SID of their primary group
}

type group struct {
	members []string // DNs, and uid:NAME
	sid     string
}

// Census reads the whole directory. It takes as long as that is large: it is for reviews.
func (d *Directory) Census(ctx context.Context) (*Census, error) {
	all := &Census{people: map[string]*Person{}, groups: map[string]*group{}, living: map[string]bool{}, byDN: map[string]*group{}, first: map[string][]string{}}
	err := d.ask(ctx, func(s *session) error {
		if err := d.c.countPeople(s, all); err != nil {
			return fmt.Errorf("read all people: %w", err)
		}
		if err := d.c.countGroups(s, all); err != nil {
			return fmt.Errorf("read all groups: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (c *Config) countPeople(s *session, all *Census) error {
	found, err := s.search(c.Users.Base, c.peopleFilter(""), mostPeople, c.userAttributes()...)
	if err != nil {
		return err
	}
	for _, e := range found {
		p, err := c.person(e)
		if err != nil { // nobody who could sign in
			continue
		}
		if other := all.people[p.Name]; other != nil {
			other.Out = "several people have that name"
			continue
		}
		if all.people[p.Name] = p; p.Out != "" {
			continue
		}
		all.living[key(e.DN)] = true
		if uid := value(e, "uid"); uid != "" {
			all.living["uid:"+uid] = true
		}
		if sid, err := primary(e); err == nil {
			all.first[hex.EncodeToString(sid)] = append(all.first[hex.EncodeToString(sid)], key(e.DN))
		}
	}
	return nil
}

func (c *Config) countGroups(s *session, all *Census) error {
	attributes := []string{c.Groups.Name, "member", "uniqueMember", "memberUid", "objectSid"}
	found, err := s.search(c.Groups.Base, c.groupFilter(""), mostAll, attributes...)
	if err != nil {
		return err
	}
	chosen := found
	if c.Groups.Filter != "" {
		if chosen, err = s.search(c.Groups.Base, c.groupFilter(c.Groups.Filter), mostAll, c.Groups.Name); err != nil {
			return err
		}
	}
	count := 0
	for _, e := range found {
		g := &group{sid: hex.EncodeToString(e.GetEqualFoldRawAttributeValue("objectSid"))}
		if g.members, err = membersOf(s, e); err != nil {
			return err
		}
		if count += len(g.members); count > mostMembers {
			return errTooMany
		}
		all.byDN[key(e.DN)] = g
	}
	for _, e := range chosen {
		name, err := single(e, c.Groups.Name)
		if err == nil {
			name, err = subject(c.Groups.Prefix, name)
		}
		g := all.byDN[key(e.DN)]
		if err != nil || g == nil {
			continue
		}
		if other := all.groups[name]; other != nil { // a cluster cannot tell them apart
			other.members = append(other.members, g.members...)
			continue
		}
		all.groups[name] = g
	}
	return nil
}

// membersOf are all that a group names. Active Directory gives 1500 at a time ([MS-ADTS] 3.1.1.3.1.3.3).
func membersOf(s *session, e *ldap.Entry) (all []string, err error) {
	for _, a := range e.Attributes {
		name, option, _ := strings.Cut(strings.ToLower(a.Name), ";")
		switch name {
		case "memberuid":
			for _, uid := range a.Values {
				all = append(all, "uid:"+uid)
			}
		case "member", "uniquemember":
			for _, dn := range a.Values {
				all = append(all, key(dn))
			}
			if all, err = more(s, e.DN, name, option, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// more asks for the rest of what came as range=FROM-TO.
func more(s *session, dn, name, option string, all []string) ([]string, error) {
	for strings.HasPrefix(option, "range=") && !strings.HasSuffix(option, "-*") {
		_, last, _ := strings.Cut(option, "-")
		at, err := strconv.Atoi(last)
		if err != nil || len(all) > mostMembers {
			return nil, errors.New("the server gives members of " + dn + " in ranges that are none")
		}
		e, err := s.read(dn, "(objectClass=*)", fmt.Sprintf("%s;range=%d-*", name, at+1))
		if err != nil {
			return nil, err
		}
		if option = ""; e == nil {
			break // it was removed meanwhile
		}
		for _, a := range e.Attributes {
			if base, rest, _ := strings.Cut(strings.ToLower(a.Name), ";"); base == name && len(a.Values) > 0 {
				option = rest
				for _, dn := range a.Values {
					all = append(all, key(dn))
				}
			}
		}
	}
	return all, nil
}

// Person says whether somebody of a name may sign in, and why not.
func (c *Census) Person(name string) (known bool, out string) {
	p := c.people[name]
	if p == nil {
		return false, ""
	}
	return true, p.Out
}

// Group says whether there is a group of a name, and whether anybody is in it who may sign in.
func (c *Census) Group(name string) (known, living bool) {
	g := c.groups[name]
	if g == nil {
		return false, false
	}
	seen := map[*group]bool{g: true}
	for next := []*group{g}; len(next) > 0; {
		g, next = next[0], next[1:]
		if len(c.first[g.sid]) > 0 && g.sid != "" {
			return true, true
		}
		for _, m := range g.members {
			if c.living[m] {
				return true, true
			}
			if below := c.byDN[m]; below != nil && !seen[below] {
				seen[below] = true
				next = append(next, below)
			}
		}
	}
	return true, false
}
