package oracle

import (
	"os"
	"strconv"
	"testing"

	"github.com/plimsoll/plimsoll/testbed/packet"
)

// TestPackets tries some of Cyclonus' test cases with packets, from one end of them to the other, as TestPackets of package
// network does random clusters: an agent of others enforces them. PLIMSOLL_TEST_PACKETS says of how many.
func TestPackets(t *testing.T) {
	some := 16
	if text := os.Getenv("PLIMSOLL_TEST_PACKETS"); text != "" {
		var err error
		if some, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := packet.Start(t)
	cases := allCases()
	states, tried, reached := 0, 0, 0
	for i := range some {
		for where, state := range cases[i*len(cases)/some].states(t) {
			t.Run(where, func(t *testing.T) {
				l := s.LayOut(t, state.objects(t), []int{80, 81, 8080})
				if len(l.Refused) > 0 {
					t.Fatal(l.Refused)
				}
				if otherwise := l.Compare(); len(otherwise) > 0 {
					t.Errorf("%d connections are otherwise than the map says, the first of them %s", len(otherwise), otherwise[0])
				}
				if t.Failed() {
					t.Logf("%s", state.text(t))
				}
				states, tried, reached = states+1, tried+l.Tried, reached+l.Reached
			})
		}
	}
	t.Logf("%d cases, %d states, %d connections: %d allowed", some, states, tried, reached)
	if reached == 0 || reached == tried {
		t.Error("they show nothing")
	}
}
