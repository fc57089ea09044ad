package wire

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// TestReached tries all connections of three hosts, of which the router drops some.
func TestReached(t *testing.T) {
	n := New(t)
	var hosts []*Host
	for i := range 3 {
		h := n.Add(fmt.Sprintf("h%d", i), netip.MustParseAddr(fmt.Sprintf("10.1.0.%d", i+1)), netip.MustParseAddr(fmt.Sprintf("fd00:1::%d", i+1)))
		n.Listen(h, []int{80, 81})
		hosts = append(hosts, h)
	}
	for _, program := range []string{"iptables-nft", "ip6tables-nft"} {
		for _, protocol := range Protocols {
			n.must(n.Router.Run(program, "-A", "FORWARD", "-p", protocol, "--dport", "81", "-j", "DROP"))
		}
	}
	for port, want := range map[int]bool{80: true, 81: false} {
		var tries []Try
		for _, from := range hosts {
			for _, to := range hosts {
				for i := range from.Addresses {
					for _, protocol := range Protocols {
						tries = append(tries, Try{From: from, To: to, Source: from.Addresses[i], Target: to.Addresses[i], Protocol: protocol, Port: port})
					}
				}
			}
		}
		within := 300 * time.Millisecond
		if want {
			within = 10 * time.Second
		}
		reached, err := Reached(tries, within)
		if err != nil {
			t.Fatal(err)
		}
		for i, is := range reached {
			if one := tries[i]; one.From != one.To && is != want { // to itself no packet is routed
				t.Errorf("%s: %t, want %t", one, is, want)
			}
		}
	}
}
