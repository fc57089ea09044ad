package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Bounds on the groups of one person. Who is in more, or deeper, is not let in: who has only some of the groups could be
// somebody else, where being in a group takes something away.
const (
	mostGroups = 2000
	deepest    = 20
	batch      = 25 // groups that one filter names
)

var errTooDeep = errors.New("groups are in groups more than " + strconv.Itoa(deepest) + " deep")

// groupsOf are the groups that a person is in, those by way of other groups included.
func (c *Config) groupsOf(s *session, e *ldap.Entry) ([]*ldap.Entry, error) {
	switch c.Groups.By {
	case ByChain:
		return c.byChain(s, e)
	case ByTokens:
		return c.byTokens(s, e)
	case ByMemberOf:
		return c.byMemberOf(s, e)
	}
	return c.byMember(s, e)
}

// byMember asks which groups name the person, which name those, and so on.
func (c *Config) byMember(s *session, e *ldap.Entry) ([]*ldap.Entry, error) {
	uid := value(e, "uid")
	seen := map[string]bool{key(e.DN): true}
	var all []*ldap.Entry
	level := []string{e.DN}
	for depth := 0; len(level) > 0; depth++ {
		if depth == deepest {
			return nil, errTooDeep
		}
		var next []string
		for some := range slices.Chunk(level, batch) {
			var names strings.Builder
			for _, dn := range some {
				at := ldap.EscapeFilter(dn)
				names.WriteString("(member=" + at + ")(uniqueMember=" + at + ")")
			}
			if depth == 0 && uid != "" {
				names.WriteString("(memberUid=" + ldap.EscapeFilter(uid) + ")")
			}
			above, err := s.search(c.Groups.Base, c.groupFilter("(|"+names.String()+")"), mostGroups, c.Groups.Name)
			if err != nil {
				return nil, err
			}
			for _, g := range above {
				if k := key(g.DN); !seen[k] {
					seen[k] = true
					all, next = append(all, g), append(next, g.DN)
				}
			}
		}
		if level = next; len(all) > mostGroups {
			return nil, errTooMany
		}
	}
	return c.chosen(s, all)
}

// byMemberOf asks the person's entry which groups it is in, those groups' entries, and so on.
func (c *Config) byMemberOf(s *session, e *ldap.Entry) ([]*ldap.Entry, error) {
	base, err := ldap.ParseDN(c.Groups.Base)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{key(e.DN): true}
	var all []*ldap.Entry
	level := values(e, "memberOf")
	for depth := 0; len(level) > 0; depth++ {
		if depth == deepest {
			return nil, errTooDeep
		}
		var next []string
		for _, dn := range level {
			at, err := ldap.ParseDN(dn)
			if err != nil || seen[key(dn)] || !base.AncestorOfFold(at) {
				continue
			}
			if seen[key(dn)] = true; len(seen) > mostGroups {
				return nil, errTooMany
			}
			g, err := s.read(dn, c.groupFilter(""), c.Groups.Name, "memberOf")
			if err != nil {
				return nil, err
			}
			if g != nil {
				all, next = append(all, g), append(next, values(g, "memberOf")...)
			}
		}
		level = next
	}
	return c.chosen(s, all)
}

// chosen are those of the groups that the filter lets through.
func (c *Config) chosen(s *session, all []*ldap.Entry) (chosen []*ldap.Entry, err error) {
	if c.Groups.Filter == "" {
		return all, nil
	}
	for _, g := range all {
		through, err := s.read(g.DN, c.Groups.Filter, c.Groups.Name)
		if err != nil {
			return nil, err
		}
		if through != nil {
			chosen = append(chosen, through)
		}
	}
	return chosen, nil
}

// inChain is the rule by which Active Directory walks through groups itself.
const inChain = ":1.2.840.113556.1.4.1941:="

// byChain has the directory walk. The primary group stands in no list of members, and is asked for by its number.
func (c *Config) byChain(s *session, e *ldap.Entry) ([]*ldap.Entry, error) {
	filter := func(dn string) string {
		return c.groupFilter(c.Groups.Filter + "(member" + inChain + ldap.EscapeFilter(dn) + ")")
	}
	all, err := s.search(c.Groups.Base, filter(e.DN), mostGroups, c.Groups.Name)
	if err != nil {
		return nil, err
	}
	sid, err := primary(e)
	if err != nil {
		return nil, err
	}
	own, err := s.search(c.Groups.Base, c.groupFilter("(objectSid="+escaped(sid)+")"), 1, c.Groups.Name)
	if err != nil || len(own) == 0 {
		return all, err
	}
	through, err := c.chosen(s, own)
	if err != nil {
		return nil, err
	}
	above, err := s.search(c.Groups.Base, filter(own[0].DN), mostGroups, c.Groups.Name)
	return append(append(all, through...), above...), err
}

// primary is the SID of the primary group: that of the person's domain, with another number at the end.
func primary(e *ldap.Entry) ([]byte, error) {
	sid := slices.Clone(e.GetEqualFoldRawAttributeValue("objectSid"))
	number, err := strconv.ParseUint(value(e, "primaryGroupID"), 10, 32)
	if err != nil || len(sid) < 12 {
		return nil, fmt.Errorf("%q has no primaryGroupID or objectSid that may be read", e.DN)
	}
	binary.LittleEndian.PutUint32(sid[len(sid)-4:], uint32(number))
	return sid, nil
}

// byTokens asks for the SIDs of all groups, as Windows is told them, and who they are.
func (c *Config) byTokens(s *session, e *ldap.Entry) (all []*ldap.Entry, err error) {
	own, err := s.read(e.DN, "(objectClass=*)", "tokenGroups")
	if err != nil {
		return nil, err
	}
	var sids [][]byte
	if own != nil {
		sids = own.GetEqualFoldRawAttributeValues("tokenGroups")
	}
	switch {
	case len(sids) == 0: // everybody has a primary group
		return nil, errors.New("the tokenGroups may not be read by who asks: set groups.by to chain, or grant the right to read them")
	case len(sids) > mostGroups:
		return nil, errTooMany
	}
	for some := range slices.Chunk(sids, batch) {
		var names strings.Builder
		for _, sid := range some {
			names.WriteString("(objectSid=" + escaped(sid) + ")")
		}
		found, err := s.search(c.Groups.Base, c.groupFilter(c.Groups.Filter+"(|"+names.String()+")"), len(some), c.Groups.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// key is a DN as it is compared.
func key(dn string) string {
	if parsed, err := ldap.ParseDN(dn); err == nil {
		dn = parsed.String()
	}
	return strings.ToLower(dn)
}
