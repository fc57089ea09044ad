// Package flow turns records of connections that others kept into flows: who connected to whom, and how often. Formats
// are known by content, line by line: Hubble's JSON, Calico's flow logs, VPC flow logs and conntrack's lists.
package flow

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// Bounds on what is read.
const (
	MaxLine  = 1 << 20
	MaxFlows = 1_000_000 // that differ
)

// Party is one end of a flow, as far as the record says.
type Party struct {
	Address   netip.Addr
	Namespace string
	Pod       string // its name, or a pattern such as web-7d4b9c-*
	Workload  string // Deployment web; of its kind where the record says so
	// Outside says that the record takes it for none of the cluster's pods.
	Outside bool
}

// Key is what makes two flows one.
type Key struct {
	From, To Party
	Protocol string // TCP, UDP, SCTP
	Port     int
}

// Flow are connections of one kind.
type Flow struct {
	Key
	Count       int
	First, Last time.Time // zero: the record does not say
	Refused     bool      // all of them were
}

// Log is what files of flows hold.
type Log struct {
	Flows []*Flow // in the order in which they were seen first
	Lines int
	// Passed are lines that were left out: replies, protocols without ports, what says that nothing was recorded.
	Passed int
	// Lost are events of which the recorder says that it lost them.
	Lost int
	// Broken are lines that were not understood; First is what was wrong with the first.
	Broken int
	First  string
	// Undirected are connections of which it is not known which end opened them; Which is one of them, in words.
	Undirected int
	Which      string
	// Listens says that somebody is known to take connections at a port; nil: it is known of nobody.
	Listens func(protocol string, at netip.AddrPort) bool

	known map[Key]*Flow
	open  map[pair]*both // of which it is not known yet who opened them
	order []pair
	// answers are what was asked according to answers alone, and answered is the same, in their order.
	answers  map[Key]*Flow
	answered []*Flow
	// columns are those of VPC flow logs, by name.
	columns map[string]int
}

// errPass says that a line is of no use, and none that is broken.
var errPass = errors.New("passed over")

// errKept says that a line is kept until all are read.
var errKept = errors.New("kept")

// ErrTooMany says that there are more flows than are kept.
var ErrTooMany = fmt.Errorf("more than %d different flows: give a shorter window", MaxFlows)

// Read adds the flows of one file.
func (l *Log) Read(path string, r io.Reader) error {
	if l.known == nil {
		l.known = map[Key]*Flow{}
	}
	l.columns = nil
	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
			return fmt.Errorf("read flows %s: %w", path, err)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		l.Lines++
		wrong := err
		if !errors.Is(err, errLong) {
			wrong = l.line(line)
		}
		switch {
		case wrong == nil, errors.Is(wrong, errKept):
		case errors.Is(wrong, ErrTooMany):
			return fmt.Errorf("read flows %s:%d: %w", path, number, wrong)
		case errors.Is(wrong, errPass):
			l.Passed++
		default:
			if l.Broken++; l.First == "" {
				l.First = fmt.Sprintf("%s:%d: %v", path, number, wrong)
			}
		}
	}
}

var errLong = fmt.Errorf("is longer than %d KiB", MaxLine>>10)

// readLine reads one line; of one that is too long the rest is dropped.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for long := false; ; {
		part, more, err := in.ReadLine()
		if err != nil {
			return line, err
		}
		if long = long || len(line)+len(part) > MaxLine; !long {
			line = append(line, part...)
		}
		if !more {
			if long {
				return line, errLong
			}
			return line, nil
		}
	}
}

// line reads one line of whatever format.
func (l *Log) line(line []byte) error {
	var f Flow
	var err error
	switch {
	case line[0] == '{' && (bytes.Contains(line, []byte(`"lost_events"`)) || bytes.Contains(line, []byte(`"node_status"`))):
		return l.status(line)
	case line[0] == '{' && bytes.Contains(line, []byte(`"l4"`)):
		f, err = hubble(line)
	case line[0] == '{':
		f, err = calico(line)
	case bytes.Contains(line, []byte("src=")) && bytes.Contains(line, []byte("dst=")):
		f, err = conntrack(string(line))
	default:
		f, err = l.vpc(string(line))
	}
	if err != nil {
		return err
	}
	return l.add(f)
}

func (l *Log) add(f Flow) error {
	if f.Port < 1 || f.Port > 65535 {
		return fmt.Errorf("port %d is none", f.Port)
	}
	was := l.known[f.Key]
	if was == nil {
		if len(l.Flows)+len(l.order) >= MaxFlows {
			return ErrTooMany
		}
		l.known[f.Key] = &f
		l.Flows = append(l.Flows, &f)
		return nil
	}
	was.merge(&f)
	return nil
}

// merge adds another record of the same connections.
func (f *Flow) merge(other *Flow) {
	f.Count += other.Count
	f.Refused = f.Refused && other.Refused
	if !other.First.IsZero() && (f.First.IsZero() || other.First.Before(f.First)) {
		f.First = other.First
	}
	if other.Last.After(f.Last) {
		f.Last = other.Last
	}
}

// Window is from when until when there are flows; zero where records do not say.
func (l *Log) Window() (from, to time.Time) {
	for _, f := range l.Flows {
		if !f.First.IsZero() && (from.IsZero() || f.First.Before(from)) {
			from = f.First
		}
		if f.Last.After(to) {
			to = f.Last
		}
	}
	return from, to
}
