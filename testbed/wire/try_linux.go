package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// Protocols are those of which connections can be tried.
var Protocols = []string{"tcp", "udp", "sctp"}

// Listen has a host answer on ports of all its addresses, by all protocols, with its name.
func (n *Network) Listen(h *Host, ports []int) {
	n.t.Helper()
	n.must(h.Do(func() error {
		for _, a := range h.Addresses {
			if err := n.answerSCTP(h, a, ports); err != nil {
				return err
			}
			for _, port := range ports {
				at := netip.AddrPortFrom(a, uint16(port))
				l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
				if err != nil {
					return err
				}
				n.t.Cleanup(func() { l.Close() })
				go h.accept(l)
				u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
				if err != nil {
					return err
				}
				n.t.Cleanup(func() { u.Close() })
				go h.echo(u)
			}
		}
		return nil
	}))
}

// accept says its name to all who connect, until it is closed.
func (h *Host) accept(l *net.TCPListener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, h.Name)
		conn.Close()
	}
}

func (h *Host) echo(u *net.UDPConn) {
	for {
		_, from, err := u.ReadFromUDPAddrPort(make([]byte, 16))
		if err != nil {
			return
		}
		_, _ = u.WriteToUDPAddrPort([]byte(h.Name), from)
	}
}

// Try is one connection, from an address of one host to one of another.
type Try struct {
	From, To       *Host
	Source, Target netip.Addr // of one family
	Protocol       string     // of Protocols
	Port           int        // on which To listens
}

func (t Try) String() string {
	return fmt.Sprintf("%s (%s) -> %s (%s) %s %d", t.From.Name, t.Source, t.To.Name, t.Target, t.Protocol, t.Port)
}

// patience is how long an opened connection is given to be served.
const patience = 10 * time.Second

// atOnce bounds the connections that are tried at the same time: who judges them on their way takes so many.
const atOnce = 400

// Reached says of each connection whether the other end answered within a time. An answer of somebody else, or one that a
// drop does not explain, is an error: then the network is not as it was laid out.
func Reached(tries []Try, within time.Duration) ([]bool, error) {
	reached := make([]bool, len(tries))
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, t := range tries {
		all.Go(func() (err error) {
			if reached[i], err = t.reaches(within); err != nil {
				return fmt.Errorf("%s: %w", t, err)
			}
			return nil
		})
	}
	return reached, all.Wait()
}

func (t Try) reaches(within time.Duration) (bool, error) {
	if t.Protocol == "sctp" {
		return t.associates(within)
	}
	until := time.Now().Add(within)
	var conn net.Conn
	err := t.From.Do(func() (err error) {
		d := net.Dialer{Deadline: until, LocalAddr: &net.TCPAddr{IP: t.Source.AsSlice()}}
		if t.Protocol == "udp" {
			d.LocalAddr = &net.UDPAddr{IP: t.Source.AsSlice()}
		}
		conn, err = d.DialContext(context.Background(), t.Protocol, netip.AddrPortFrom(t.Target, uint16(t.Port)).String())
		return err
	})
	if timedOut(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if t.Protocol == "tcp" {
		until = time.Now().Add(patience) // nothing holds up what is open
	} else if _, err := conn.Write([]byte("?")); err != nil {
		return false, err
	}
	if err := conn.SetDeadline(until); err != nil {
		return false, err
	}
	answer := make([]byte, 256)
	read, err := conn.Read(answer)
	if t.Protocol == "udp" && timedOut(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if name := string(answer[:read]); name != t.To.Name {
		return false, fmt.Errorf("%q answered", name)
	}
	return true, nil
}

func timedOut(err error) bool {
	var of net.Error
	return errors.As(err, &of) && of.Timeout()
}
