package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/face/directory/token"
	read "github.com/plimsoll/plimsoll/internal/read/directory"
)

// Question is what somebody who comes in says.
type Question struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Audience string `json:"audience,omitempty"` // empty: the server's first
}

// Answer is what somebody gets who may come in.
type Answer struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	User    string    `json:"user"`
	Groups  []string  `json:"groups,omitempty"`
}

// Leaving is what somebody says who goes.
type Leaving struct {
	Token string `json:"token"`
}

// Trouble is why somebody gets nothing.
type Trouble struct {
	Error string `json:"error"`
}

// denial is when somebody is told that they do not come in: why, cannot be told from when either.
const denial = time.Second

// refusal is what everybody is told who does not come in. Who is locked out learns no more than who guesses.
const refusal = "the directory knows nobody by that name and password who may sign in"

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	began := s.o.Now()
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	line := entry{Action: "login", Address: host}
	var q Question
	if status, err := decode(w, r, &q); err != nil {
		s.end(w, status, &line, "malformed", err.Error())
		return
	}
	if q.Audience == "" {
		q.Audience = s.o.Audiences[0]
	}
	if line.Audience = cut(q.Audience); !slices.Contains(s.o.Audiences, q.Audience) {
		s.end(w, http.StatusBadRequest, &line, "malformed", "this server gives no tokens for that audience")
		return
	}
	select {
	case s.logins <- struct{}{}:
		defer func() { <-s.logins }()
	default:
		s.end(w, http.StatusServiceUnavailable, &line, "busy", "too many sign in at this moment: try again")
		return
	}
	name := strings.ToLower(q.User)
	wait := max(s.users.press(name, began), s.hosts.press(host, began))
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		s.end(w, http.StatusTooManyRequests, &line, "braked", "too many have failed for that name or from that address: wait")
		return
	}
	p, err := s.o.Directory.Login(r.Context(), q.User, q.Password)
	if err == nil || !errors.Is(err, read.ErrRefused) { // only who was wrong has tried
		s.users.release(name)
		s.hosts.release(host)
	}
	if err == nil || !errors.Is(err, read.ErrUnknown) { // what nobody is called may be a password
		line.Typed = cut(q.User)
	}
	switch {
	case errors.Is(err, read.ErrRefused) || err == nil && p.Out != "":
		why := fmt.Sprint(err)
		if err == nil {
			line.User, why = p.Name, p.Out
		}
		line.Why = why
		s.o.Pause(r.Context(), denial-s.o.Now().Sub(began))
		s.end(w, http.StatusUnauthorized, &line, "refused", refusal)
		return
	case err != nil:
		s.meters.troubles.WithLabelValues("directory").Inc()
		s.o.Note.Error("ask the directory who signs in", "error", err)
		line.Why = cut(err.Error())
		s.end(w, http.StatusServiceUnavailable, &line, "failed", "the directory cannot be asked: see the server's log")
		return
	}
	s.people.put(p, began)
	c := &token.Claims{Person: p.ID, Name: p.Name, Audience: q.Audience}
	text, err := s.o.Mint.Sign(c)
	if err != nil {
		s.o.Note.Error("sign a token", "error", err)
		s.end(w, http.StatusServiceUnavailable, &line, "failed", "no token can be signed: see the server's log")
		return
	}
	line.User, line.Token, line.Groups, line.Left = p.Name, c.ID, len(p.Groups), len(p.Left)
	for _, why := range p.Left {
		s.o.Note.Warn("a group is not passed on", "user", p.Name, "group", why)
	}
	s.end(w, http.StatusOK, &line, "ok", Answer{Token: text, Expires: c.Expires, User: p.Name, Groups: p.Groups})
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	line := entry{Action: "logout", Address: r.RemoteAddr}
	var q Leaving
	if status, err := decode(w, r, &q); err != nil {
		s.end(w, status, &line, "malformed", err.Error())
		return
	}
	c, err := s.o.Mint.Verify(r.Context(), q.Token, s.o.Audiences)
	switch {
	case errors.Is(err, token.ErrEnded) || errors.Is(err, token.ErrForeign):
		line.Why = err.Error()
		s.end(w, http.StatusUnauthorized, &line, "refused", "the token does not hold anyway")
		return
	case err == nil:
		line.User, line.Token = c.Name, c.ID
		err = s.o.Mint.Revoke(r.Context(), c)
	}
	if err != nil {
		s.meters.troubles.WithLabelValues("keys").Inc()
		s.o.Note.Error("revoke a token", "error", err)
		s.end(w, http.StatusServiceUnavailable, &line, "failed", "it could not be written down, and may hold at other servers until it ends")
		return
	}
	s.end(w, http.StatusOK, &line, "ok", struct{}{})
}

// end answers, after the journal has its line.
func (s *Server) end(w http.ResponseWriter, status int, line *entry, result string, answer any) {
	line.Time, line.Result = s.o.Now().UTC(), result
	if text, ok := answer.(string); ok {
		answer = Trouble{text}
		if line.Why == "" {
			line.Why = text
		}
	}
	s.meters.decisions.WithLabelValues(line.Action, result).Inc()
	if err := s.journal.write(line); err != nil {
		s.meters.troubles.WithLabelValues("log").Inc()
		s.o.Note.Error("write down who came in", "error", err)
		status, answer = http.StatusServiceUnavailable, Trouble{"it could not be written down, and what is not written down does not happen"}
	}
	reply(w, status, answer)
}

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that went away
}

// decode reads one JSON document, and nothing behind it.
func decode(w http.ResponseWriter, r *http.Request, into any) (status int, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err = d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("there is more than one document")
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, fmt.Errorf("more than %d bytes", large.Limit)
	case err != nil:
		return http.StatusBadRequest, errors.New("the body is not the JSON that is asked for")
	}
	return http.StatusOK, nil
}
