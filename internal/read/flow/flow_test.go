package flow

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (f *Flow) words() string {
	end := func(p Party) string {
		return strings.Join(strings.Fields(fmt.Sprintf("%s/%s %s %s", p.Namespace, p.Pod, p.Workload, p.Address)), " ")
	}
	text := fmt.Sprintf("%s > %s %s %d x%d", end(f.From), end(f.To), f.Protocol, f.Port, f.Count)
	if f.To.Outside {
		text += " outside"
	}
	if f.Refused {
		text += " refused"
	}
	return text
}

// TestFormats reads a record of each format: Hubble's as its documentation shows a flow, Calico's and AWS's from theirs, and
// conntrack's as the kernel lists it.
func TestFormats(t *testing.T) {
	for name, c := range map[string]struct {
		text           string
		want           []string
		passed, broken int
	}{
		"hubble": {
			text: `{"flow":{"time":"2023-07-17T14:30:18.192Z","verdict":"FORWARDED","IP":{"source":"10.0.0.1","destination":"10.0.0.2","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":43210,"destination_port":8080,"flags":{"SYN":true}}},"source":{"ID":1,"namespace":"shop","labels":["k8s:app=cart"],"pod_name":"cart-7d4b9c-x2x","workloads":[{"name":"cart","kind":"Deployment"}]},"destination":{"namespace":"shop","pod_name":"db-0","workloads":[{"name":"db","kind":"StatefulSet"}]},"Type":"L3_L4","is_reply":false},"node_name":"n1"}
{"flow":{"verdict":"DROPPED","IP":{"source":"10.0.0.1","destination":"93.184.216.34"},"l4":{"TCP":{"destination_port":443}},"source":{"namespace":"shop","pod_name":"cart-7d4b9c-x2x"},"destination":{"labels":["reserved:world"]}}}
{"flow":{"verdict":"FORWARDED","IP":{"source":"10.0.0.2","destination":"10.0.0.1"},"l4":{"TCP":{"source_port":8080,"destination_port":43210}},"is_reply":true}}
{"flow":{"verdict":"FORWARDED","l4":{"ICMPv4":{"type":8}},"is_reply":false}}
{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"12"},"node_name":"n1"}
{"node_status":{"state_change":"NODE_CONNECTED","node_names":["n1"]}}
`, passed: 4,
			want: []string{
				"shop/cart-7d4b9c-x2x Deployment cart 10.0.0.1 > shop/db-0 StatefulSet db 10.0.0.2 TCP 8080 x1",
				"shop/cart-7d4b9c-x2x 10.0.0.1 > / 93.184.216.34 TCP 443 x1 outside refused",
			},
		},
		"calico": {
			text: `{"start_time":1529598000,"end_time":1529598300,"source_ip":null,"source_name":"-","source_name_aggr":"cart-7d4b9c-*","source_namespace":"shop","source_port":null,"source_type":"wep","dest_ip":null,"dest_name":"-","dest_name_aggr":"db-*","dest_namespace":"shop","dest_port":5432,"dest_type":"wep","proto":"tcp","action":"allow","reporter":"dst","num_flows":3}
{"start_time":1529598000,"end_time":1529598300,"source_name_aggr":"cart-7d4b9c-*","source_namespace":"shop","source_type":"wep","dest_ip":"8.8.8.8","dest_type":"net","dest_name_aggr":"pub","dest_port":53,"proto":17,"action":"deny","num_flows":1}
{"x":1}
`, broken: 1,
			want: []string{"shop/cart-7d4b9c-* invalid IP > shop/db-* invalid IP TCP 5432 x3", "shop/cart-7d4b9c-* invalid IP > / 8.8.8.8 UDP 53 x1 outside refused"},
		},
		"conntrack": {
			text: `tcp      6 431999 ESTABLISHED src=10.244.0.5 dst=10.96.0.20 sport=44012 dport=80 src=10.244.1.7 dst=10.244.0.5 sport=8080 dport=44012 [ASSURED] mark=0 use=1
ipv4     2 udp      17 29 src=10.244.0.5 dst=10.244.0.9 sport=44012 dport=53 [UNREPLIED] src=10.244.0.9 dst=10.244.0.5 sport=53 dport=44012 mark=0 use=1
tcp      6 10 ESTABLISHED src=203.0.113.7 dst=10.0.0.5 sport=4001 dport=30080 src=10.244.0.9 dst=10.0.0.5 sport=80 dport=4001 [ASSURED] mark=0 use=1
icmp     1 29 src=10.244.0.5 dst=10.244.0.9 type=8 code=0 id=1 src=10.244.0.9 dst=10.244.0.5 type=0 code=0 id=1
`, passed: 1,
			want: []string{"/ 10.244.0.5 > / 10.244.1.7 TCP 8080 x1", "/ 10.244.0.5 > / 10.244.0.9 UDP 53 x1", "/ 10.0.0.5 > / 10.244.0.9 TCP 80 x1"},
		},
		"vpc": {
			text: `2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 40641 5432 6 20 4249 1418530010 1418530070 ACCEPT OK
2 123456789010 eni-1235b8ca123456789 172.31.16.21 172.31.16.139 5432 40641 6 20 4249 1418530010 1418530070 ACCEPT OK
2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK
2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA
not a flow
`, passed: 2, broken: 1,
			want: []string{"/ 172.31.9.69 > / 172.31.9.12 TCP 3389 x1 refused", "/ 172.31.16.139 > / 172.31.16.21 TCP 5432 x1"},
		},
		"vpc with columns": {
			text: "${srcaddr} ${dstaddr} ${dstport} ${srcport} ${protocol} ${action}\n10.0.0.1 10.0.0.2 443 50000 6 ACCEPT\n10.0.0.1 10.0.0.2 443 50001 6 ACCEPT\n", passed: 1,
			want: []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 443 x2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l Log
			if err := errors.Join(l.Read(name, strings.NewReader(c.text)), l.Settle()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range l.Flows {
				got = append(got, f.words())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if l.Passed != c.passed || l.Broken != c.broken {
				t.Errorf("passed %d, broken %d (%s); want %d, %d", l.Passed, l.Broken, l.First, c.passed, c.broken)
			}
		})
	}
}

// TestOpener finds out who opened the connections of VPC flow logs of which no port says so.
func TestOpener(t *testing.T) {
	const tcp = "version srcaddr dstaddr srcport dstport protocol action"
	listens := func(protocol string, at netip.AddrPort) bool {
		return protocol == "TCP" && at.String() == "10.0.0.2:50051"
	}
	for name, c := range map[string]struct {
		text       string
		listens    func(string, netip.AddrPort) bool
		want       []string
		undirected int
	}{
		"both ways, from a low port": {
			tcp + "\n2 10.0.0.1 10.0.0.2 20000 8080 6 ACCEPT\n2 10.0.0.2 10.0.0.1 8080 20000 6 ACCEPT\n2 10.0.0.1 10.0.0.2 20001 8080 6 ACCEPT\n2 10.0.0.2 10.0.0.1 8080 20001 6 ACCEPT\n",
			nil,
			[]string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x2"},
			0,
		},
		"the port is a server's own": {
			tcp + "\n2 10.0.0.2 10.0.0.1 443 20000 6 ACCEPT\n2 10.0.0.1 10.0.0.2 20000 443 6 ACCEPT\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 443 x1"}, 0,
		},
		"it is known who listens, on a high port": {
			tcp + "\n2 10.0.0.1 10.0.0.2 20000 50051 6 ACCEPT\n2 10.0.0.2 10.0.0.1 50051 20000 6 ACCEPT\n2 10.0.0.1 10.0.0.2 40000 50051 6 ACCEPT\n",
			listens,
			[]string{"/ 10.0.0.1 > / 10.0.0.2 TCP 50051 x2"},
			0,
		},
		"others say who answers": {
			tcp + "\n2 10.0.0.1 10.0.0.2 40000 8080 6 ACCEPT\n2 10.0.0.2 10.0.0.3 8080 20000 6 ACCEPT\n",
			nil,
			[]string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x1", "/ 10.0.0.3 > / 10.0.0.2 TCP 8080 x1"},
			0,
		},
		"nobody says": {tcp + "\n2 10.0.0.1 10.0.0.2 20000 8080 6 ACCEPT\n2 10.0.0.2 10.0.0.1 8080 20000 6 ACCEPT\n", nil, nil, 1},
		"flags of TCP": {
			tcp + " tcp-flags\n2 10.0.0.1 10.0.0.2 20000 8080 6 ACCEPT 3\n2 10.0.0.2 10.0.0.1 8080 20000 6 ACCEPT 19\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x1"}, 0,
		},
		"several ask a high port from low ones": {
			tcp + "\n2 10.0.0.1 10.0.0.2 20000 50051 6 ACCEPT\n2 10.0.0.2 10.0.0.1 50051 20000 6 ACCEPT\n2 10.0.0.1 10.0.0.2 20001 50051 6 ACCEPT\n2 10.0.0.2 10.0.0.3 50051 20002 6 ACCEPT\n",
			nil,
			[]string{"/ 10.0.0.1 > / 10.0.0.2 TCP 50051 x2", "/ 10.0.0.3 > / 10.0.0.2 TCP 50051 x1"},
			0,
		},
		"two are against what ports say": {
			tcp + "\n2 10.0.0.1 10.0.0.2 20000 50051 6 ACCEPT\n2 10.0.0.1 10.0.0.2 20001 50051 6 ACCEPT\n", nil, nil, 2,
		},
		"answers alone, by ports":                {tcp + "\n2 10.0.0.2 10.0.0.1 8080 40000 6 ACCEPT\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x1"}, 0},
		"answers alone of a server's own port":   {tcp + "\n2 10.0.0.2 10.0.0.1 443 40000 6 ACCEPT\n2 10.0.0.2 10.0.0.1 443 40001 6 ACCEPT\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 443 x2"}, 0},
		"answers alone, it is known who listens": {tcp + "\n2 10.0.0.2 10.0.0.1 50051 20000 6 ACCEPT\n", listens, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 50051 x1"}, 0},
		"answers alone, by flags of TCP":         {tcp + " tcp-flags\n2 10.0.0.2 10.0.0.1 8080 20000 6 ACCEPT 18\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x1"}, 0},
		"what is refused asks":                   {tcp + "\n2 10.0.0.1 10.0.0.2 20000 8080 6 REJECT\n", nil, []string{"/ 10.0.0.1 > / 10.0.0.2 TCP 8080 x1 refused"}, 0},
	} {
		l := Log{Listens: c.listens}
		if err := errors.Join(l.Read("a", strings.NewReader(c.text)), l.Settle()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range l.Flows {
			got = append(got, f.words())
		}
		if diff := cmp.Diff(c.want, got); diff != "" || l.Undirected != c.undirected || (l.Which != "") != (c.undirected > 0) {
			t.Errorf("%s: %d undirected (%s)\n%s", name, l.Undirected, l.Which, diff)
		}
	}
}

// TestLong has a line that is too long be one that is broken, and the next one be read.
func TestLong(t *testing.T) {
	var l Log
	text := strings.Repeat("x", 3*MaxLine) + "\n2 1 eni 10.0.0.1 10.0.0.2 50000 443 6 1 1 1 2 ACCEPT OK"
	if err := l.Read("a", strings.NewReader(text)); err != nil || l.Broken != 1 || len(l.Flows) != 1 || !strings.Contains(l.First, "a:1: is longer than") {
		t.Errorf("%v, %+v", err, l)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"flow":{"verdict":"FORWARDED","IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"l4":{"TCP":{"destination_port":80}}}}`))
	f.Add([]byte("tcp 6 1 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1\n"))
	f.Add([]byte("2 1 eni 10.0.0.1 10.0.0.2 50000 443 6 1 1 1 2 ACCEPT OK\n"))
	f.Add([]byte(`{"source_type":"wep","dest_type":"wep","proto":"tcp","dest_port":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Log
		if err := errors.Join(l.Read("a", strings.NewReader(string(b))), l.Settle()); err != nil {
			t.Fatal(err)
		}
		if n := l.Passed + l.Broken; n > l.Lines {
			t.Errorf("%d lines, %d passed, %d broken", l.Lines, l.Passed, l.Broken)
		}
		for _, flow := range l.Flows {
			if flow.Count < 1 || flow.Port < 1 || flow.Port > 65535 || flow.Protocol == "" {
				t.Errorf("%+v", flow)
			}
		}
	})
}
