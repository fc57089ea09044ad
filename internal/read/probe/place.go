package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxAddresses bounds how many addresses of one name are asked.
const maxAddresses = 8

// Word is an address as a user writes it: ADDRESS for all ports that are known, ADDRESS:PORT, SERVICE=ADDRESS or
// SERVICE=ADDRESS:PORT. An address is that of a machine or its name; one of IPv6 with a port stands in brackets.
type Word struct {
	Service string // empty: by the port, or all
	Host    string
	Port    int // 0: the service's own, or all
}

// ParseWord reads a word.
func ParseWord(text string) (Word, error) {
	var w Word
	rest := text
	if name, after, ok := strings.Cut(text, "="); ok {
		if _, known := serviceOf(func(s Service) bool { return s.Name == name }); !known {
			return w, fmt.Errorf("%q is no service: use one of %s", name, strings.Join(names(), ", "))
		}
		w.Service, rest = name, after
	}
	if strings.Contains(rest, "/") {
		return w, fmt.Errorf("%q is no address: write HOST or HOST:PORT, without scheme or path", rest)
	}
	w.Host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	if _, err := netip.ParseAddr(w.Host); err != nil && strings.Contains(rest, ":") {
		host, port, err := net.SplitHostPort(rest)
		if err != nil {
			return w, fmt.Errorf("%q is no address: write HOST:PORT, and [ADDRESS]:PORT for IPv6", rest)
		}
		w.Host = host
		if w.Port, err = strconv.Atoi(port); err != nil || w.Port < 1 || w.Port > 65535 {
			return w, fmt.Errorf("%q is no port", port)
		}
	}
	if w.Host == "" || strings.ContainsAny(w.Host, " \t[]") {
		return w, fmt.Errorf("%q names no host", text)
	}
	if w.Port != 0 && w.Service == "" {
		if _, known := serviceOf(func(s Service) bool { return s.Port == w.Port }); !known {
			return w, fmt.Errorf("what listens on port %d is not known: write SERVICE=%s, with one of %s", w.Port, rest, strings.Join(names(), ", "))
		}
	}
	return w, nil
}

func names() (all []string) {
	for _, s := range Services() {
		all = append(all, s.Name)
	}
	return all
}

// Places are those of a word, by address and port. A name is looked up once, here.
func (w Word) Places(ctx context.Context) ([]Place, error) {
	addresses, name, err := resolve(ctx, w.Host)
	if err != nil {
		return nil, err
	}
	var all []Place
	for _, a := range addresses {
		for _, s := range Services() {
			one := w.Service == "" && w.Port == s.Port || w.Service == s.Name
			if !one && (w.Service != "" || w.Port != 0) {
				continue
			}
			p := Place{Service: s, Name: name, Address: a, Port: s.Port, Named: one}
			if w.Port != 0 {
				p.Port = w.Port
			}
			all = append(all, p)
		}
	}
	return all, nil
}

func resolve(ctx context.Context, host string) (all []netip.Addr, name string, err error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, "", nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, "", fmt.Errorf("find the address of %q: %w", host, err)
	}
	for _, a := range found {
		all = append(all, a.Unmap())
	}
	slices.SortFunc(all, netip.Addr.Compare)
	all = slices.Compact(all)
	if len(all) > maxAddresses {
		return nil, "", fmt.Errorf("%q has %d addresses, and at most %d are asked: name those that are meant", host, len(all), maxAddresses)
	}
	return all, host, nil
}
