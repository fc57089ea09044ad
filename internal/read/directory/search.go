package directory

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

// page is how many entries are asked for at a time: Active Directory gives no more than 1000.
const page = 500

// errTooMany says that there are more entries than were asked for.
var errTooMany = errors.New("there are more of them than are read")

// search reads all entries below a base, page by page.
func (s *session) search(base, filter string, most int, attributes ...string) ([]*ldap.Entry, error) {
	return s.ask(base, ldap.ScopeWholeSubtree, filter, most, attributes)
}

// read reads one entry; nil where there is none that the filter lets through.
func (s *session) read(dn, filter string, attributes ...string) (*ldap.Entry, error) {
	all, err := s.ask(dn, ldap.ScopeBaseObject, filter, 1, attributes)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) || err == nil && len(all) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (s *session) ask(base string, scope int, filter string, most int, attributes []string) (all []*ldap.Entry, err error) {
	paging := ldap.NewControlPaging(uint32(min(page, most+1)))
	for {
		request := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, s.limit, false, filter, attributes, nil)
		if scope != ldap.ScopeBaseObject {
			request.Controls = []ldap.Control{paging}
		}
		result, err := s.conn.Search(request)
		if err != nil {
			return nil, fmt.Errorf("search %q: %w", base, err)
		}
		// What a server refers to is elsewhere, and not ours to ask.
		if all = append(all, result.Entries...); len(all) > most {
			s.leave(request, paging, result)
			return nil, errTooMany
		}
		next, _ := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if next == nil || len(next.Cookie) == 0 {
			return all, nil
		}
		if len(result.Entries) == 0 {
			return nil, fmt.Errorf("search %q: the server says that there is more, and gives nothing", base)
		}
		paging.SetCookie(next.Cookie)
	}
}

// leave tells the server that no further page is wanted, which it holds ready otherwise.
func (s *session) leave(request *ldap.SearchRequest, paging *ldap.ControlPaging, result *ldap.SearchResult) {
	next, _ := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
	if next == nil || len(next.Cookie) == 0 {
		return
	}
	paging.SetCookie(next.Cookie)
	paging.PagingSize = 0
	_, _ = s.conn.Search(request)
}
