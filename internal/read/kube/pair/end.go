package pair

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds on what an end takes from strangers.
const (
	mostHeld    = 64 // connections at a time
	patience    = time.Second
	tryFor      = time.Second // an answer is waited for; who drops packets lets it pass
	questionLen = 32
)

// hello begins each question, behind which a number stands that was never asked before.
const hello = "plimsoll "

// reply is what only who knows the nonce answers to a question. It is no longer than the question.
func reply(nonce, question string) string {
	sum := sha256.Sum256([]byte(nonce + "/" + question))
	return hex.EncodeToString(sum[:questionLen/2])
}

// asked is the number in a question; false where it is none.
func asked(line []byte) (question string, ok bool) {
	question, ok = strings.CutPrefix(string(line), hello)
	question = strings.TrimSuffix(question, "\n")
	_, err := hex.DecodeString(question)
	return question, ok && err == nil && len(question) == questionLen
}

// Listen answers questions at ports, by TCP and UDP and by addresses of both families, until ctx ends. What is no question
// gets no answer.
func Listen(ctx context.Context, nonce string, ports []int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	var held crowd
	for _, port := range ports {
		at := ":" + strconv.Itoa(port)
		streams, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
		if err != nil {
			return err
		}
		packets, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", at)
		if err != nil {
			streams.Close()
			return err
		}
		stop := context.AfterFunc(ctx, func() { streams.Close(); packets.Close() })
		defer stop()
		group.Go(func() { answerPackets(packets, nonce) })
		group.Go(func() { answerStreams(streams, nonce, &held) })
	}
	<-ctx.Done()
	return nil
}

func answerPackets(on net.PacketConn, nonce string) {
	line := make([]byte, 256)
	for {
		n, from, err := on.ReadFrom(line)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if question, ok := asked(line[:n]); err == nil && ok {
			_, _ = on.WriteTo([]byte(reply(nonce, question)), from) // who asked asks again
		}
	}
}

func answerStreams(on net.Listener, nonce string, held *crowd) {
	var group sync.WaitGroup
	defer group.Wait()
	for {
		conn, err := on.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // too many files, say
			continue
		}
		held.enter(conn)
		group.Go(func() {
			defer held.leave(conn)
			_ = conn.SetDeadline(time.Now().Add(patience))
			line, err := bufio.NewReaderSize(io.LimitReader(conn, 256), 256).ReadSlice('\n')
			if question, ok := asked(line); err == nil && ok {
				_, _ = io.WriteString(conn, reply(nonce, question))
			}
		})
	}
}

// crowd are the connections that are held, the oldest first. Who holds them and says nothing keeps nobody out: there is always
// room for one more, and the oldest goes.
type crowd struct {
	lock sync.Mutex
	all  []net.Conn
}

func (c *crowd) enter(conn net.Conn) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.all) >= mostHeld {
		c.all[0].Close()
		c.all = c.all[1:]
	}
	c.all = append(c.all, conn)
}

func (c *crowd) leave(conn net.Conn) {
	conn.Close()
	c.lock.Lock()
	defer c.lock.Unlock()
	c.all = slices.DeleteFunc(c.all, func(one net.Conn) bool { return one == conn })
}

// Target is whom an asker asks, and what is expected.
type Target struct {
	Protocol string // tcp, udp
	At       netip.AddrPort
	Answered bool // an answer is expected, and not silence
}

// The words before a target.
const (
	wordAnswered = "answered"
	wordRefused  = "refused"
)

func (t Target) String() string {
	word := wordRefused
	if t.Answered {
		word = wordAnswered
	}
	return word + "=" + t.Protocol + "/" + t.At.String()
}

// ParseTarget reads what [Target.String] writes, as in refused=udp/[fd00::7]:47001.
func ParseTarget(text string) (Target, error) {
	word, rest, _ := strings.Cut(text, "=")
	protocol, at, _ := strings.Cut(rest, "/")
	address, err := netip.ParseAddrPort(at)
	if word != wordAnswered && word != wordRefused || protocol != "tcp" && protocol != "udp" || err != nil {
		return Target{}, fmt.Errorf("%q is no target: write answered= or refused=, tcp/ or udp/, and ADDRESS:PORT", text)
	}
	return Target{Protocol: protocol, At: address, Answered: word == wordAnswered}, nil
}

// Outcome is what came of asking a target, again and again.
type Outcome struct {
	Answered bool   `json:"a,omitempty"` // the last time
	Settled  bool   `json:"s,omitempty"` // it was as expected, several times on end
	Tries    int    `json:"n"`
	Same     int    `json:"c"`           // the last of them, which agree
	After    int64  `json:"t"`           // milliseconds from the first try to the first of the last that agree
	Why      string `json:"w,omitempty"` // the last time, where it was not answered
}

// What makes an outcome settled: a rule set that is loaded anew lets nothing through for a moment.
const (
	settledTries = 3
	settledFor   = 1500 * time.Millisecond
	between      = 200 * time.Millisecond
)

// Ask asks targets until all of them are as expected at once, or until the time is up. Each try comes from a port of its
// own: what is a known connection passes most policies.
func Ask(ctx context.Context, nonce string, targets []Target, within time.Duration) []Outcome {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	all := make([]asking, len(targets))
	var group sync.WaitGroup
	began := time.Now()
	var lock sync.Mutex
	for i, t := range targets {
		group.Go(func() {
			for ctx.Err() == nil {
				why := try(nonce, t)
				lock.Lock()
				all[i].note(t, why, began)
				settled := true
				for n := range all {
					settled = settled && all[n].Settled
				}
				lock.Unlock()
				if settled {
					cancel()
				}
				select {
				case <-ctx.Done():
				case <-time.After(between):
				}
			}
		})
	}
	group.Wait()
	outcomes := make([]Outcome, len(all))
	for i := range all {
		outcomes[i] = all[i].Outcome
	}
	return outcomes
}

// asking is an outcome that is not the last one yet.
type asking struct {
	Outcome
	since time.Time // the last tries agree
}

func (a *asking) note(t Target, why string, began time.Time) {
	now := time.Now()
	if a.Tries == 0 || a.Answered != (why == "") {
		a.since, a.Same = now, 0
		a.After = now.Sub(began).Milliseconds()
	}
	a.Tries++
	a.Same++
	a.Answered, a.Why = why == "", why
	a.Settled = a.Answered == t.Answered && a.Same >= settledTries && now.Sub(a.since) >= settledFor
}

// try asks once, and says why there was no answer.
func try(nonce string, t Target) (why string) {
	number := make([]byte, questionLen/2)
	_, _ = rand.Read(number) // it never fails
	question := hex.EncodeToString(number)
	conn, err := net.DialTimeout(t.Protocol, t.At.String(), tryFor)
	if err != nil {
		return reason(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(tryFor))
	if _, err := io.WriteString(conn, hello+question+"\n"); err != nil {
		return reason(err)
	}
	answer := make([]byte, questionLen)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return reason(err)
	}
	if string(answer) != reply(nonce, question) {
		return "somebody else answers there"
	}
	return ""
}

func reason(err error) string {
	var late interface{ Timeout() bool }
	for errno, text := range map[syscall.Errno]string{
		syscall.ECONNREFUSED: "refused", syscall.ECONNRESET: "reset", syscall.EHOSTUNREACH: "no way to the host", syscall.ENETUNREACH: "no way to the network",
		syscall.EACCES: "prohibited", syscall.EPERM: "prohibited",
	} {
		if errors.Is(err, errno) {
			return text
		}
	}
	switch {
	case errors.As(err, &late) && late.Timeout():
		return "no answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "hung up"
	}
	return fmt.Sprintf("%.60s", err.Error())
}
