package directory

import (
	"context"
	"errors"
	"strings"
)

// Members are all members of a group, of which the first come as an attribute with a range that was asked for.
func (d *Directory) Members(ctx context.Context, dn, attribute string) (all []string, err error) {
	err = d.ask(ctx, func(s *session) error {
		e, err := s.read(dn, "(objectClass=*)", attribute)
		if err == nil && !strings.Contains(e.Attributes[0].Name, ";range=") {
			err = errors.New("they do not come in ranges")
		}
		if err == nil {
			all, err = membersOf(s, e)
		}
		return err
	})
	return all, err
}
