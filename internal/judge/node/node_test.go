package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/judge/node/control"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
)

var now = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// TestPages runs each check on the examples of its page.
func TestPages(t *testing.T) {
	for _, c := range slices.Concat(node.Checks(), control.Checks()) {
		bad := c.Run(hosttest.Host(t, c.Page.Bad), now)
		if len(bad.Hits) == 0 {
			t.Errorf("%s does not find its bad example: %+v\n%s", c.ID, bad, c.Page.Bad)
		}
		for _, h := range bad.Hits {
			if h.Where == "" || h.Detail == "" || h.Subject == nil {
				t.Errorf("%s: a hit without its place: %+v", c.ID, h)
			}
		}
		good := c.Run(hosttest.Host(t, c.Page.Good), now)
		if len(good.Hits)+len(good.Unknown) > 0 || good.Passed == 0 {
			t.Errorf("%s does not pass its good example: %+v\n%s", c.ID, good, c.Page.Good)
		}
		if empty := c.Run(hosttest.Host(t, ""), now); empty.Applies() {
			t.Errorf("%s sees something on a host that has nothing: %+v", c.ID, empty)
		}
	}
}
