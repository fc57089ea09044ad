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
	var tries []Try
	for _, from := range hosts {
		for _, to := range hosts {
			for i := range from.Addresses {
				for _, protocol := range Protocols {
					for _, port := range []int{80, 81} {
						tries = append(tries, Try{From: from, To: to, Source: from.Addresses[i], Target: to.Addresses[i], Protocol: protocol, Port: port})
					}
				}
			}
		}
	}
	reached, err := Reached(tries, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i, is := range reached {
		one := tries[i]
		if want := one.From == one.To || one.Port == 80; is != want {
			t.Errorf("%s: %t, want %t", one, is, want)
		}
	}
}
