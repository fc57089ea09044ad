// Package harden turns a host into what would mend it, judged before it is shown: what of it would still be found is told.
package harden

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"slices"
	"time"

	hosts "github.com/plimsoll/plimsoll/internal/judge/node/all"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
)

// Run makes what would mend a host that was read of a root. What would be found with it, too, is left to a person.
func Run(ctx context.Context, root fs.FS, h *host.Host, now time.Time, o remedy.Options) (*remedy.Remedies, error) {
	o.Key = make([]byte, 32)
	if _, err := rand.Read(o.Key); err != nil {
		return nil, err
	}
	o.Resolve = h.Resolve
	failed, unknown := judge(h, now)
	for {
		all, err := remedy.Of(root, failed, o)
		if err != nil {
			return nil, err
		}
		after, err := host.Read(ctx, &host.Source{FS: over(root, all.Files, h), Name: h.Name})
		if err != nil {
			return nil, fmt.Errorf("read the host as it would be: %w", err)
		}
		news := false
		found, _ := judge(after, now)
		for _, f := range found {
			if f.Component == nil || byArguments(all, f.Component) {
				continue
			}
			of := func(m remedy.Mended) bool { return m.Rule == f.Check.ID && m.Of == f.Component.Name }
			if i := slices.IndexFunc(all.Mended, of); i >= 0 {
				all.Leave(i, f.Check.Title)
			} else if f.Component = sameOf(h, f.Component); f.Component != nil && !known(failed, f) {
				failed, news = append(failed, f), true // what was wrong before kept it from counting
			}
		}
		if !news {
			all.Unknown = unknown
			return all, nil
		}
	}
}

// sameOf is a component as it is now.
func sameOf(h *host.Host, c *host.Component) *host.Component {
	i := slices.IndexFunc(h.Components, func(one *host.Component) bool { return one.Name == c.Name && one.Manifest == c.Manifest })
	if i < 0 {
		return nil
	}
	return h.Components[i]
}

func known(all []remedy.Failed, f remedy.Failed) bool {
	return slices.ContainsFunc(all, func(one remedy.Failed) bool { return one.Check.ID == f.Check.ID && one.Component == f.Component })
}

// byArguments says that a component is mended by how it is started, which no file shows.
func byArguments(r *remedy.Remedies, c *host.Component) bool {
	return slices.ContainsFunc(r.Arguments, func(a remedy.Arguments) bool { return a.Of == c.Name })
}

// judge runs all checks, those of a component on each by itself.
func judge(h *host.Host, now time.Time) (failed []remedy.Failed, unknown []string) {
	for _, c := range hosts.Checks() {
		if c.Of == "" {
			a := c.Run(h, now)
			unknown = append(unknown, a.Unknown...)
			if len(a.Hits) > 0 {
				failed = append(failed, remedy.Failed{Check: c, Hits: a.Hits})
			}
			continue
		}
		for _, one := range h.Components {
			alone := *h
			alone.Components = []*host.Component{one}
			a := c.Run(&alone, now)
			unknown = append(unknown, a.Unknown...)
			if len(a.Hits) > 0 {
				failed = append(failed, remedy.Failed{Check: c, Component: one, Hits: a.Hits})
			}
		}
	}
	slices.Sort(unknown)
	return failed, slices.Compact(unknown)
}
