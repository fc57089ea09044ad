package flow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hubble reads a flow as hubble observe -o jsonpb writes it (cilium/api/v1/flow/flow.proto).
func hubble(line []byte) (f Flow, err error) {
	type end struct {
		Namespace string   `json:"namespace"`
		Pod       string   `json:"pod_name"`
		Labels    []string `json:"labels"`
		Workloads []struct{ Name, Kind string }
	}
	type port struct {
		Port int `json:"destination_port"`
	}
	type flow struct {
		Time    time.Time `json:"time"`
		Verdict string    `json:"verdict"`
		IP      struct{ Source, Destination string }
		L4      map[string]json.RawMessage `json:"l4"`
		From    end                        `json:"source"`
		To      end                        `json:"destination"`
		Reply   *bool                      `json:"is_reply"`
	}
	var of struct {
		Flow *flow `json:"flow"`
		flow
	}
	if err := json.Unmarshal(line, &of); err != nil {
		return f, err
	}
	is := &of.flow
	if of.Flow != nil {
		is = of.Flow
	}
	if is.Reply != nil && *is.Reply {
		return f, errPass
	}
	for name, text := range is.L4 {
		if name = strings.ToUpper(name); !slices.Contains([]string{"TCP", "UDP", "SCTP"}, name) {
			return f, errPass
		}
		var p port
		if err := json.Unmarshal(text, &p); err != nil {
			return f, err
		}
		f.Protocol, f.Port = name, p.Port
	}
	switch is.Verdict {
	case "FORWARDED", "REDIRECTED", "TRACED", "AUDIT":
	case "DROPPED":
		f.Refused = true
	default:
		return f, errPass
	}
	party := func(e end, address string) Party {
		p := Party{Address: parse(address), Namespace: e.Namespace, Pod: e.Pod}
		for _, w := range e.Workloads {
			p.Workload = strings.TrimSpace(w.Kind + " " + w.Name)
		}
		p.Outside = slices.ContainsFunc(e.Labels, func(l string) bool { return strings.HasPrefix(l, "reserved:world") })
		return p
	}
	f.From, f.To, f.Count, f.First, f.Last = party(is.From, is.IP.Source), party(is.To, is.IP.Destination), 1, is.Time, is.Time
	return f, nil
}

// status reads what Hubble says between flows: how many it lost, and that nodes came or went.
func (l *Log) status(line []byte) error {
	var of struct {
		Lost struct {
			Events json.Number `json:"num_events_lost"`
		} `json:"lost_events"`
	}
	if err := json.Unmarshal(line, &of); err != nil {
		return err
	}
	if n, err := of.Lost.Events.Int64(); err == nil && n > 0 {
		l.Lost += int(min(n, 1<<30))
	}
	return errPass
}

func parse(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// calico reads a line of Calico's flow logs.
func calico(line []byte) (f Flow, err error) {
	var of struct {
		Start     json.Number `json:"start_time"`
		End       json.Number `json:"end_time"`
		Action    string      `json:"action"`
		Reporter  string      `json:"reporter"`
		Proto     any         `json:"proto"`
		Port      *int        `json:"dest_port"`
		Flows     int         `json:"num_flows"`
		FromIP    string      `json:"source_ip"`
		FromSpace string      `json:"source_namespace"`
		FromName  string      `json:"source_name"`
		FromAggr  string      `json:"source_name_aggr"`
		FromType  string      `json:"source_type"`
		ToIP      string      `json:"dest_ip"`
		ToSpace   string      `json:"dest_namespace"`
		ToName    string      `json:"dest_name"`
		ToAggr    string      `json:"dest_name_aggr"`
		ToType    string      `json:"dest_type"`
	}
	if err := json.Unmarshal(line, &of); err != nil {
		return f, err
	}
	if of.ToType == "" || of.FromType == "" {
		return f, fmt.Errorf("is a flow neither of Hubble nor of Calico")
	}
	if f.Protocol = protocol(fmt.Sprint(of.Proto)); f.Protocol == "" || of.Port == nil {
		return f, errPass
	}
	party := func(kind, address, namespace, name, aggr string) Party {
		p := Party{Address: parse(address), Outside: kind == "net"}
		if kind == "wep" {
			p.Namespace = namespace
			if p.Pod = aggr; name != "-" && name != "" {
				p.Pod = name
			}
		}
		return p
	}
	f.From = party(of.FromType, of.FromIP, of.FromSpace, of.FromName, of.FromAggr)
	f.To = party(of.ToType, of.ToIP, of.ToSpace, of.ToName, of.ToAggr)
	f.Port, f.Count, f.Refused, f.First, f.Last = *of.Port, max(of.Flows, 1), of.Action == "deny", second(of.Start), second(of.End)
	return f, nil
}

func second(n json.Number) time.Time {
	s, err := n.Int64()
	if err != nil || s <= 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// protocol is one by its name or its number (IANA).
func protocol(text string) string {
	switch strings.ToLower(text) {
	case "tcp", "6":
		return "TCP"
	case "udp", "17":
		return "UDP"
	case "sctp", "132":
		return "SCTP"
	}
	return ""
}

// conntrack reads a line as conntrack -L or -E writes it. What answers is whom the connection went to, behind a Service.
func conntrack(line string) (f Flow, err error) {
	var first, reply map[string]string
	for word := range strings.FieldsSeq(line) {
		key, value, pair := strings.Cut(word, "=")
		if !pair {
			f.Protocol = cmp.Or(f.Protocol, protocol(named(key)))
			continue
		}
		switch {
		case first == nil || first[key] == "" && reply == nil:
			if first == nil {
				first = map[string]string{}
			}
			first[key] = value
		default:
			if reply == nil {
				reply = map[string]string{}
			}
			reply[key] = cmp.Or(reply[key], value)
		}
	}
	if f.Protocol == "" || first["dport"] == "" {
		return f, errPass
	}
	f.From.Address, f.To.Address, f.Count = parse(first["src"]), parse(first["dst"]), 1
	port := first["dport"]
	if to, from := parse(reply["src"]), parse(reply["dst"]); to.IsValid() && from.IsValid() && reply["sport"] != "" {
		f.From.Address, f.To.Address, port = from, to, reply["sport"] // as they are behind Services and gateways
	}
	if !f.From.Address.IsValid() || !f.To.Address.IsValid() {
		return f, fmt.Errorf("src and dst are no addresses")
	}
	f.Port, err = strconv.Atoi(port)
	return f, err
}

// named leaves out numbers, which in conntrack's lists may be those of anything.
func named(word string) string {
	if _, err := strconv.Atoi(word); err == nil {
		return ""
	}
	return word
}

// vpcFields are the fields of AWS's default format (version 2).
var vpcFields = strings.Fields("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")

// vpc reads a line of VPC flow logs: of the default format, or of the one that the first line of the file names.
func (l *Log) vpc(line string) (f Flow, err error) {
	words := strings.Fields(line)
	switch {
	case strings.Contains(line, "srcaddr") && strings.Contains(line, "dstaddr"):
		l.columns = map[string]int{}
		for i, w := range words {
			name, within := strings.CutPrefix(strings.Trim(w, "${}"), "pkt-") // the addresses within, where there are two
			if _, known := l.columns[name]; !known || within {
				l.columns[name] = i
			}
		}
		return f, errPass
	case l.columns == nil && len(words) == len(vpcFields) && words[0] == "2":
		l.columns = map[string]int{}
		for i, name := range vpcFields {
			l.columns[name] = i
		}
	}
	if len(words) != len(l.columns) {
		return f, fmt.Errorf("is no flow of Hubble, Calico, conntrack or a VPC")
	}
	field := func(name string) string {
		if i, known := l.columns[name]; known {
			return words[i]
		}
		return ""
	}
	if f.Protocol = protocol(field("protocol")); f.Protocol == "" || field("srcaddr") == "-" {
		return f, errPass
	}
	f.From.Address, f.To.Address = parse(field("srcaddr")), parse(field("dstaddr"))
	if !f.From.Address.IsValid() || !f.To.Address.IsValid() {
		return f, fmt.Errorf("%.60q and %.60q are no addresses", field("srcaddr"), field("dstaddr"))
	}
	from, err := strconv.ParseUint(field("srcport"), 10, 16)
	if err != nil {
		return f, err
	}
	to, err := strconv.ParseUint(field("dstport"), 10, 16)
	if err != nil {
		return f, err
	}
	f.Port, f.Count, f.Refused, f.First, f.Last = int(to), 1, field("action") == "REJECT", second(json.Number(field("start"))), second(json.Number(field("end")))
	flags, _ := strconv.Atoi(field("tcp-flags"))
	return f, l.direct(&f, netip.AddrPortFrom(f.From.Address, uint16(from)), netip.AddrPortFrom(f.To.Address, uint16(to)), flags)
}
