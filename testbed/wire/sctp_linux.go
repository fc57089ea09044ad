package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Few kernels come with SCTP (CONFIG_IP_SCTP), and none is needed for the packet that a policy is asked of: the first, an
// INIT. Here it goes over raw sockets, and so does the INIT ACK that answers it, whose cookie is the host's name
// (RFC 9260, sections 3.1, 3.3.2 and 3.3.3). The association ends there.
const (
	sctpInit    = 1
	sctpInitAck = 2
	sctpCookie  = 7 // the parameter of an INIT ACK
	sctpNumber  = 132
)

// associations counts those that are tried: tags and source ports are made of it, so that no two are one.
var associations atomic.Uint32

// sctpPacket is one chunk, an INIT or INIT ACK, with its common header.
func sctpPacket(from, to uint16, verification, tag uint32, chunk byte, cookie string) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = binary.BigEndian.AppendUint32(b, verification)
	b = append(b, 0, 0, 0, 0, chunk, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, tag)
	b = binary.BigEndian.AppendUint32(b, 65536) // window
	b = append(b, 0, 1, 0, 1)                   // streams
	b = binary.BigEndian.AppendUint32(b, tag)
	if chunk == sctpInitAck {
		b = binary.BigEndian.AppendUint16(b, sctpCookie)
		b = binary.BigEndian.AppendUint16(b, uint16(4+len(cookie)))
		b = append(b, cookie...)
	}
	binary.BigEndian.PutUint16(b[14:], uint16(len(b)-12))
	b = append(b, make([]byte, -len(b)&3)...)
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// answerSCTP has a host answer an INIT on ports of an address.
func (n *Network) answerSCTP(h *Host, at netip.Addr, ports []int) error {
	raw, err := net.ListenIP(sctpNetwork(at), &net.IPAddr{IP: at.AsSlice()})
	if err != nil {
		return err
	}
	n.t.Cleanup(func() { raw.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			read, from, err := raw.ReadFromIP(packet)
			if err != nil {
				return
			}
			if read < 32 || packet[12] != sctpInit {
				continue
			}
			source, port := binary.BigEndian.Uint16(packet), binary.BigEndian.Uint16(packet[2:])
			if tag := binary.BigEndian.Uint32(packet[16:]); slices.Contains(ports, int(port)) {
				_, _ = raw.WriteToIP(sctpPacket(port, source, tag, tag, sctpInitAck, h.Name), from)
			}
		}
	}()
	return nil
}

func sctpNetwork(a netip.Addr) string {
	if a.Is4() {
		return fmt.Sprintf("ip4:%d", sctpNumber)
	}
	return fmt.Sprintf("ip6:%d", sctpNumber)
}

// associates says whether an INIT is answered.
func (t Try) associates(within time.Duration) (bool, error) {
	tag := associations.Add(1)
	source := uint16(20000 + tag%40000)
	var raw *net.IPConn
	err := t.From.Do(func() (err error) {
		raw, err = net.DialIP(sctpNetwork(t.Source), &net.IPAddr{IP: t.Source.AsSlice()}, &net.IPAddr{IP: t.Target.AsSlice()})
		return err
	})
	if err != nil {
		return false, err
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(within)); err != nil {
		return false, err
	}
	if _, err := raw.Write(sctpPacket(source, uint16(t.Port), 0, tag, sctpInit, "")); err != nil {
		return false, err
	}
	packet := make([]byte, 512)
	for {
		read, _, err := raw.ReadFromIP(packet) // also what others between the two hosts say
		if timedOut(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if read < 36 || packet[12] != sctpInitAck || binary.BigEndian.Uint32(packet[4:]) != tag {
			continue
		}
		cookie := packet[36:min(read, 32+int(binary.BigEndian.Uint16(packet[34:])))]
		if !bytes.Equal(cookie, []byte(t.To.Name)) {
			return false, fmt.Errorf("%q answered", cookie)
		}
		if from := binary.BigEndian.Uint16(packet); int(from) != t.Port {
			return false, errors.New("another port answered")
		}
		return true, nil
	}
}
