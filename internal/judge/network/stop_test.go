package network_test

import (
	"context"
	"errors"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/gap"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestStopped wants what takes long to end with its context, and to be begun anew by who asks again.
func TestStopped(t *testing.T) {
	s := estate(t, 100)
	m := network.New(s, network.Options{Whole: true})
	over, end := context.WithCancel(t.Context())
	end()
	own := func(*kube.Object) bool { return true }
	use := func(*kube.Workload) gap.Use { return gap.Use{} }
	wants := func(name string, err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := m.Map(over)
	wants("map", err)
	_, err = gap.Read(over, gap.Models{Written: m, Real: m, Sure: m}, s, own, use)
	wants("gaps", err)
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Map(over)
	wants("map once more", err)
	_, err = all.Rows(over, "")
	wants("rows", err)
	_, _, err = network.Diff(over, all, all)
	wants("diff", err)
	_, err = m.Idles(over)
	wants("idle", err)
	_, err = m.Undecided(over)
	wants("undecided", err)
	_, err = all.Lacking(over, network.AllPorts())
	wants("lacking", err)
	if rows, err := all.Rows(t.Context(), ""); err != nil || len(rows) == 0 {
		t.Errorf("%v, %d rows", err, len(rows))
	}
}
