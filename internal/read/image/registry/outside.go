package registry

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
)

// insideError is why a connection is not made.
type insideError struct{ host, address string }

func (e *insideError) Error() string {
	return fmt.Sprintf("%s is at %s, an address of this machine, its wire or its cloud, which is not asked: write the address itself where it is meant", e.host, e.address)
}

// outside has connections made that lead out of this machine, its wire and its cloud's own services, and to the
// registry that is meant, if that is named by such an address. The address is looked at when it is known and before
// anything is sent, whatever name led to it. Proxies are where whoever runs this says.
func outside(dial net.Dialer, meant string, env func(string) string) func(ctx context.Context, network, hostPort string) (net.Conn, error) {
	through, free := proxies(env), ""
	if host := hostOf(meant); host == "localhost" || net.ParseIP(host) != nil {
		free = host // with the place to sign in, at whatever port
	}
	return func(ctx context.Context, network, hostPort string) (net.Conn, error) {
		host, d := hostOf(hostPort), dial
		if host != free && !slices.Contains(through, hostPort) {
			d.Control = func(_, address string, _ syscall.RawConn) error {
				if at, err := netip.ParseAddrPort(address); err != nil || isNear(at.Addr()) {
					return &insideError{host, hostOf(address)}
				}
				return nil
			}
		}
		return d.DialContext(ctx, network, hostPort)
	}
}

// metadata are the services that clouds tell their machines secrets by, beyond those of the link's own addresses: Alibaba's,
// Azure's, Amazon's and Google's.
var metadata = []netip.Prefix{
	netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 100, 100, 200}), 32),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{168, 63, 129, 16}), 32),
	netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0, 0xe, 0xc2}), 32),
	netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0x20, 0, 0xce, 14: 0x02, 15: 0x54}), 128),
}

func isNear(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || slices.ContainsFunc(metadata, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// proxies are those that the environment names, as HOST:PORT.
func proxies(env func(string) string) (all []string) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		text := env(name)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			u, err = url.Parse("http://" + text) // as net/http takes it
		}
		if err == nil && u.Hostname() != "" {
			port := cmp.Or(u.Port(), map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme], "80")
			all = append(all, net.JoinHostPort(u.Hostname(), port))
		}
	}
	return all
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return hostPort
}
