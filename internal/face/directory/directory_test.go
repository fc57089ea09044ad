package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/plimsoll/plimsoll/internal/face/directory/token"
	read "github.com/plimsoll/plimsoll/internal/read/directory"
)

// fake is a directory in which everybody's password is "right".
type fake struct {
	mu     sync.Mutex
	people map[string]read.Person // by name
	away   error
	asked  atomic.Int64
	gate   chan struct{} // closed: answers come
}

func (f *fake) Login(_ context.Context, name, password string) (*read.Person, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.people[name]
	switch {
	case f.away != nil:
		return nil, f.away
	case !ok:
		return nil, read.ErrUnknown
	case password != "right":
		return nil, fmt.Errorf("%w: the directory does not take the password", read.ErrRefused)
	}
	return &p, nil
}

func (f *fake) Person(_ context.Context, id string) (*read.Person, error) {
	f.asked.Add(1)
	if f.gate != nil {
		<-f.gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return nil, f.away
	}
	for _, p := range f.people {
		if p.ID == id {
			return &p, nil
		}
	}
	return nil, read.ErrGone
}

func (f *fake) set(p read.Person) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.people[strings.TrimPrefix(p.Name, "ldap:")] = p
}

type bench struct {
	*Server
	t      *testing.T
	fake   *fake
	log    bytes.Buffer
	at     time.Time
	paused time.Duration
	store  token.Folder
}

const here = "https://kubernetes.default.svc"

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, fake: &fake{people: map[string]read.Person{}}, at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), store: token.Folder(t.TempDir())}
	b.fake.set(read.Person{ID: "1", Name: "ldap:alice", Groups: []string{"ldap:devs"}})
	mint, err := token.Open(context.Background(), b.store, 10*time.Minute, func() time.Time { return b.at })
	if err != nil {
		t.Fatal(err)
	}
	b.Server = New(Options{
		Directory: b.fake, Mint: mint, Audiences: []string{here, "other"}, Cache: 30 * time.Second, Log: &b.log, Note: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return b.at }, Pause: func(_ context.Context, d time.Duration) { b.paused += d },
	})
	return b
}

func (b *bench) post(path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	b.Handler().ServeHTTP(w, r)
	return w
}

func (b *bench) login(user, password string) (Answer, int) {
	b.t.Helper()
	body, err := json.Marshal(Question{User: user, Password: password})
	if err != nil {
		b.t.Fatal(err)
	}
	w := b.post("/login", string(body))
	var a Answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		b.t.Fatal(err)
	}
	return a, w.Code
}

func (b *bench) ask(text string, audiences ...string) authenticationv1.TokenReviewStatus {
	b.t.Helper()
	q := authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: text, Audiences: audiences}}
	q.APIVersion, q.Kind = "authentication.k8s.io/v1", "TokenReview"
	body, err := json.Marshal(q)
	if err != nil {
		b.t.Fatal(err)
	}
	w := b.post("/review", string(body))
	var answer authenticationv1.TokenReview
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || answer.Kind != "TokenReview" {
		b.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return answer.Status
}

// later moves the clock, as a server that reads its store all the time.
func (b *bench) later(d time.Duration) {
	b.t.Helper()
	b.at = b.at.Add(d)
	if err := b.o.Mint.Refresh(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func TestComesIn(t *testing.T) {
	b := newBench(t)
	a, status := b.login("alice", "right")
	if status != http.StatusOK || a.User != "ldap:alice" || a.Expires.Sub(b.at) != 10*time.Minute {
		t.Fatalf("%d %+v", status, a)
	}
	s := b.ask(a.Token, here, "more")
	if !s.Authenticated || s.User.Username != "ldap:alice" || s.User.UID != "1" || !slices.Equal(s.User.Groups, []string{"ldap:devs"}) || !slices.Equal(s.Audiences, []string{here}) {
		t.Errorf("%+v", s)
	}
	if id := s.User.Extra[credential]; len(id) != 1 || !strings.Contains(b.log.String(), strings.TrimPrefix(id[0], "JTI=")) {
		t.Errorf("the log does not name %v: %s", id, &b.log)
	}
	if s := b.ask(a.Token, "other"); s.Authenticated || !strings.Contains(s.Error, "it is for") {
		t.Errorf("for another cluster: %+v", s)
	}
	// Somebody else's token is nobody's, and no error: the API server goes on asking others.
	if s := b.ask("eyJhbGciOiJSUzI1NiJ9.e30.e30"); s.Authenticated || s.Error != "" {
		t.Errorf("%+v", s)
	}
	for _, secret := range []string{"right", a.Token} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the log has a secret: %s", &b.log)
		}
	}
	w := b.post("/logout", `{"token": "`+a.Token+`"}`)
	if w.Code != http.StatusOK || b.ask(a.Token).Authenticated {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.post("/logout", `{"token": "x"}`); w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestOut has accounts change while a token lives.
func TestOut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fake)
		want   string
	}{
		"locked":              {func(f *fake) { f.set(read.Person{ID: "1", Name: "ldap:alice", Out: "the account is locked out"}) }, "locked out"},
		"removed":             {func(f *fake) { delete(f.people, "alice") }, "not in the directory"},
		"another of the name": {func(f *fake) { f.set(read.Person{ID: "2", Name: "ldap:alice"}) }, "not in the directory"},
		"renamed":             {func(f *fake) { delete(f.people, "alice"); f.set(read.Person{ID: "1", Name: "ldap:alicia"}) }, "another name"},
		"away":                {func(f *fake) { f.away = &read.AwayError{} }, "cannot be asked"},
		"out of the group":    {func(f *fake) { f.set(read.Person{ID: "1", Name: "ldap:alice"}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			a, _ := b.login("alice", "right")
			c.change(b.fake)
			b.later(29 * time.Second)
			if s := b.ask(a.Token); !s.Authenticated || b.fake.asked.Load() != 0 {
				t.Errorf("it is remembered for 30 seconds: %+v", s)
			}
			b.later(time.Second)
			s := b.ask(a.Token)
			if s.Authenticated != (c.want == "") || !strings.Contains(s.Error, c.want) || len(s.User.Groups) > 0 {
				t.Errorf("%+v", s)
			}
			if strings.Contains(s.Error, "127.0.0.1") {
				t.Errorf("it tells where the directory is: %s", s.Error)
			}
		})
	}
}

// TestComesBack has a directory that was away be asked again at once.
func TestComesBack(t *testing.T) {
	b := newBench(t)
	a, _ := b.login("alice", "right")
	b.later(time.Minute)
	b.fake.away = &read.AwayError{}
	if b.ask(a.Token).Authenticated {
		t.Error("nobody knows whose it is")
	}
	b.fake.away = nil
	if !b.ask(a.Token).Authenticated {
		t.Error("it is not asked again")
	}
}

// TestManyAskOnce has a hundred reviews of one token ask the directory once, also when the first goes away.
func TestManyAskOnce(t *testing.T) {
	b := newBench(t)
	b.fake.gate = make(chan struct{})
	off, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var waiting atomic.Int64
	for i := range 100 {
		all.Go(func() {
			ctx := context.Background()
			if i == 0 {
				ctx = off
			}
			waiting.Add(1)
			p, err := b.people.get(ctx, "1")
			if i > 0 && (err != nil || p.Name != "ldap:alice") || i == 0 && err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	for waiting.Load() < 100 || b.fake.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	close(b.fake.gate)
	all.Wait()
	if n := b.fake.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t)
	b.fake.set(read.Person{ID: "3", Name: "ldap:carol", Out: "the account is disabled"})
	answers := map[string]bool{}
	for _, q := range [][2]string{{"alice", "wrong"}, {"nobody", "hunter2"}, {"carol", "right"}, {"carol", "wrong"}} {
		w := b.post("/login", fmt.Sprintf(`{"user": %q, "password": %q}`, q[0], q[1]))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%v: %d", q, w.Code)
		}
		answers[w.Body.String()] = true
	}
	if len(answers) != 1 || b.paused != 4*time.Second {
		t.Errorf("they can be told apart: %v, %s", answers, b.paused)
	}
	log := b.log.String()
	for _, want := range []string{`"typed":"alice"`, "there is no such person", "the account is disabled", `"user":"ldap:carol"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	// What nobody is called may be a password that was typed too early.
	if strings.Contains(log, "nobody") || strings.Contains(log, "hunter2") || strings.Contains(log, "wrong") {
		t.Errorf("the log has a secret: %s", log)
	}
}

func TestBrake(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		if _, status := b.login("alice", "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("%d: %d", i, status)
		}
	}
	w := b.post("/login", `{"user": "ALICE", "password": "right"}`)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "20" {
		t.Errorf("%d, wait %s", w.Code, w.Header().Get("Retry-After"))
	}
	b.later(20 * time.Second)
	for i := range 50 { // who is right is not counted
		if _, status := b.login("alice", "right"); status != http.StatusOK {
			t.Fatalf("%d: %d", i, status)
		}
	}
	// One address that tries many names.
	b = newBench(t)
	for i := range 30 {
		if _, status := b.login(fmt.Sprint("user-", i), "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("%d: %d", i, status)
		}
	}
	if _, status := b.login("user-30", "wrong"); status != http.StatusTooManyRequests {
		t.Errorf("%d", status)
	}
	// A directory that is away is nobody's fault.
	b = newBench(t)
	b.fake.away = &read.AwayError{}
	for range 40 {
		if _, status := b.login("alice", "right"); status != http.StatusServiceUnavailable {
			t.Fatal(status)
		}
	}
}

func TestBrakeIsBounded(t *testing.T) {
	k := newBrake(1, time.Second)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for i := range mostBraked {
		if k.press(fmt.Sprint(i), now) != 0 {
			t.Fatal(i)
		}
	}
	if k.press("one more", now) == 0 || k.press("one more", now.Add(time.Second)) != 0 || len(k.until) != 1 {
		t.Errorf("%d", len(k.until))
	}
}

func TestPeopleAreBounded(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	p := &people{most: 10, fresh: time.Minute, now: func() time.Time { return at }, known: map[string]known{}}
	for i := range 100 {
		p.put(&read.Person{ID: fmt.Sprint(i)}, at)
	}
	if len(p.known) != 10 {
		t.Errorf("%d are remembered", len(p.known))
	}
}

func TestMalformed(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/login", "", 400},
		{"/login", "{}{}", 400},
		{"/login", `{"user": 1}`, 400},
		{"/login", "[", 400},
		{"/login", `"` + strings.Repeat("a", maxBody) + `"`, 413},
		{"/login", `{"user": "alice", "password": "right", "audience": "elsewhere"}`, 400},
		{"/login", "{}", 401},
		{"/review", "{}", 400},
		{"/review", `{"apiVersion": "authentication.k8s.io/v1beta1", "kind": "TokenReview"}`, 400},
		{"/logout", "x", 400},
		{"/nothing", "", 404},
	} {
		if w := b.post(c.path, c.body); w.Code != c.status {
			t.Errorf("%s %.60s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login?user=alice&password=right", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a password in a URL: %d", w.Code)
	}
}

// TestNotWrittenDown has a log that cannot be written to: who comes in is written down, or does not come in.
func TestNotWrittenDown(t *testing.T) {
	b := newBench(t)
	b.journal.to = broken{}
	if a, status := b.login("alice", "right"); status != http.StatusServiceUnavailable || a.Token != "" {
		t.Errorf("%d %+v", status, a)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
