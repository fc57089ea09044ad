package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook/certificate"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

const denyByDefault = "default: deny\nallow: [{images: ['good.example/**']}]\n"

const good, evil = "good.example/cart", "evil.example/miner"

// lineOf is a line drawn by a file. Meanwhile, if there is one, runs while a review is judged.
func lineOf(t testing.TB, file string, meanwhile func()) *admit.Line {
	t.Helper()
	f, err := admissionfile.Parse("admission.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	o := admit.Options{File: f}
	if meanwhile != nil {
		o.Exceptions = func(string, time.Time) *exception.Set { meanwhile(); return nil }
	}
	l, err := admit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// running is a server that a test speaks to.
type running struct {
	*Server
	url    string
	client *http.Client
	log    *bytes.Buffer
	stop   func() error // ends it, and says how it ended
}

func serve(t testing.TB, o Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if o.Certificates == nil {
		k, err := certificate.Open(ctx, &certificate.Own{Store: certificate.Folder(filepath.Join(t.TempDir(), "tls")), Names: []string{"guard.example"}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o.Certificates = k
	}
	r := &running{log: &bytes.Buffer{}}
	if o.Log == nil {
		o.Log = r.log
	}
	if o.Check == 0 {
		o.Check = time.Hour
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Note == nil {
		o.Note = slog.New(slog.DiscardHandler)
	}
	o.Now = time.Now
	r.Server = New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "https://" + l.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.Certificates.Bundle())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "guard.example"}, ForceAttemptHTTP2: true}
	r.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = r.stop()
	})
	return r
}

func reviewOf(image string) string {
	return fmt.Sprintf(`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u1", "operation": "CREATE",
		"kind": {"version": "v1", "kind": "Pod"}, "resource": {"version": "v1", "resource": "pods"}, "namespace": "shop", "name": "cart",
		"userInfo": {"username": "ann", "extra": {"token": ["s3cret"]}},
		"object": {"metadata": {"name": "cart"}, "spec": {"containers": [{"name": "cart", "image": %q, "env": [{"name": "A", "value": "s3cret"}]}]}}}}`, image)
}

func (r *running) post(t testing.TB, path, kind, body string) (status int, text string) {
	t.Helper()
	res, err := r.client.Post(r.url+path, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (r *running) ask(t testing.TB, path, body string) *admissionv1.AdmissionResponse {
	t.Helper()
	status, text := r.post(t, path, "application/json", body)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(text), &review); status != http.StatusOK || err != nil || review.Response == nil || review.Response.UID != "u1" || review.TypeMeta != reviewVersion {
		t.Fatalf("%d %s %v", status, text, err)
	}
	return review.Response
}

func TestReview(t *testing.T) {
	r := serve(t, Options{Line: lineOf(t, denyByDefault, nil), Queue: 10})
	if a := r.ask(t, "/admit/fail?timeout=3s", reviewOf(good)); !a.Allowed {
		t.Errorf("%+v", a)
	}
	a := r.ask(t, "/admit/fail?timeout=3s", reviewOf(evil))
	if a.Allowed || a.Result.Code != http.StatusForbidden || !strings.Contains(a.Result.Message, `container cart: "evil.example/miner"`) || a.AuditAnnotations["found"] != "deny admission/unlisted-image" {
		t.Errorf("%+v", a)
	}
	if a := r.ask(t, "/admit/tell", reviewOf(evil)); !a.Allowed {
		t.Errorf("%+v", a)
	}
	res, err := r.client.Get(r.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	for _, want := range []string{
		`plimsoll_admission_reviews_total{decision="denied",operation="create",stage="fail"} 1`,
		`plimsoll_admission_findings_total{mode="deny",rule="admission/unlisted-image"} 1`, "plimsoll_admission_certificate_expiry_timestamp_seconds 1.",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	if len(lines) != 3 || strings.Contains(r.log.String(), "s3cret") {
		t.Fatalf("the log: %s", r.log)
	}
	var e entry
	if err := json.Unmarshal([]byte(lines[1]), &e); err != nil || e.User != "ann" || e.Allowed || e.Findings[0].Rule != "admission/unlisted-image" || e.Millis <= 0 {
		t.Errorf("%+v %v", e, err)
	}
}

// TestRefusals wants what is no review to be refused with a reason, and never let in.
func TestRefusals(t *testing.T) {
	r := serve(t, Options{Line: lineOf(t, "", nil), Queue: 10})
	const json = "application/json"
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		says             string
	}{
		"another type":     {"/admit/fail", "text/plain", reviewOf(good), 415, "application/json"},
		"another version":  {"/admit/fail", json, strings.Replace(reviewOf(good), "k8s.io/v1", "k8s.io/v1beta1", 1), 400, `"admission.k8s.io/v1beta1"`},
		"another kind":     {"/admit/fail", json, `{"apiVersion": "v1", "kind": "Pod"}`, 400, "no AdmissionReview"},
		"no request":       {"/admit/fail", json, `{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}`, 400, "has no request"},
		"no uid":           {"/admit/fail", json, strings.Replace(reviewOf(good), `"u1"`, `""`, 1), 400, "no uid"},
		"no operation":     {"/admit/fail", json, strings.Replace(reviewOf(good), "CREATE", "EAT", 1), 400, `"EAT" is no operation`},
		"no JSON":          {"/admit/fail", json, "{", 400, "unexpected end"},
		"nothing":          {"/admit/fail", json, "", 400, "unexpected end"},
		"deep":             {"/admit/fail", json, strings.Repeat("[", 1_000_000), 400, "nested deeper"},
		"large":            {"/admit/fail", json, strings.Repeat(" ", maxBody+1), 413, "at most"},
		"another path":     {"/admit/all", json, reviewOf(good), 404, ""},
		"an alias of YAML": {"/admit/fail", json, "a: &a [*a]", 400, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, text := r.post(t, c.path, c.kind, c.body); status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	if res, err := r.client.Get(r.url + "/admit/fail"); err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v %v", res, err)
	}
}

// TestClientCA wants reviews of who shows no certificate to be refused, and probes to be answered.
func TestClientCA(t *testing.T) {
	r := serve(t, Options{Line: lineOf(t, "", nil), Queue: 10, ClientCA: x509.NewCertPool()})
	if status, text := r.post(t, "/admit/fail", "application/json", reviewOf(good)); status != http.StatusUnauthorized {
		t.Errorf("%d %s", status, text)
	}
	if res, err := r.client.Get(r.url + "/readyz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v %v", res, err)
	}
}

// TestBroken wants a judgement that breaks to be answered as the stage says.
func TestBroken(t *testing.T) {
	r := serve(t, Options{Line: lineOf(t, "", func() { panic("broken") }), Queue: 10})
	if a := r.ask(t, "/admit/fail", reviewOf(good)); a.Allowed || a.Result.Code != http.StatusServiceUnavailable {
		t.Errorf("%+v", a)
	}
	for _, path := range []string{"/admit/ignore", "/admit/tell"} {
		if a := r.ask(t, path, reviewOf(good)); !a.Allowed || len(a.Warnings) != 1 || a.AuditAnnotations["failed"] == "" {
			t.Errorf("%+v", a)
		}
	}
}

// TestShed fills all places, and wants the next to be turned away at once and the one that waits when its time is over.
func TestShed(t *testing.T) {
	hold := make(chan struct{})
	var entered atomic.Int64
	r := serve(t, Options{Line: lineOf(t, "", func() { entered.Add(1); <-hold }), Queue: 1, Timeout: time.Minute})
	var busy sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		busy.Go(func() { r.ask(t, "/admit/fail", reviewOf(good)) })
	}
	await(t, func() bool { return int(entered.Load()) == runtime.GOMAXPROCS(0) })
	late := make(chan string, 1)
	go func() {
		status, text := r.post(t, "/admit/fail?timeout=1s", "application/json", reviewOf(good))
		late <- fmt.Sprint(status, text)
	}()
	await(t, func() bool { return int(r.judging.waiting.Load()) == runtime.GOMAXPROCS(0)+1 })
	if status, text := r.post(t, "/admit/fail", "application/json", reviewOf(good)); status != http.StatusTooManyRequests || !strings.Contains(text, "more reviews wait") {
		t.Errorf("%d %s", status, text)
	}
	if got := <-late; !strings.Contains(got, "did not come in time") {
		t.Errorf("%s", got)
	}
	close(hold)
	busy.Wait()
	await(t, func() bool { return r.judging.waiting.Load() == 0 })
}

// TestPools wants pods that wait to be changed, for a registry that hangs, to keep nobody from being judged.
func TestPools(t *testing.T) {
	s := New(Options{Queue: 0})
	for range mostChanges {
		if _, err := s.turn(t.Context(), admit.Change); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.turn(t.Context(), admit.Change); err == nil {
		t.Error("more are changed than there are places")
	}
	leave, err := s.turn(t.Context(), admit.Fail)
	if err != nil {
		t.Fatalf("nobody is judged while pods wait to be changed: %v", err)
	}
	leave()
	if n := s.judging.waiting.Load(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

// TestStalled wants clients that stall, and those that go away, to leave nothing behind.
func TestStalled(t *testing.T) {
	before := runtime.NumGoroutine()
	r := serve(t, Options{Line: lineOf(t, "", nil), Queue: 10, Timeout: 200 * time.Millisecond})
	var all []net.Conn
	for range 50 {
		c, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{InsecureSkipVerify: true}) // it is on loopback
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /admit/fail HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", 1<<20)
		all = append(all, c)
	}
	begin := time.Now()
	for i, c := range all {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 100)
		if n, err := c.Read(b); i%2 == 0 && (err != nil || !strings.Contains(string(b[:n]), "408")) {
			t.Errorf("%q %v", b[:n], err)
		}
		c.Close()
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("they were waited for %s", took)
	}
	if a := r.ask(t, "/admit/fail", reviewOf(good)); !a.Allowed {
		t.Errorf("%+v", a)
	}
	if !r.bodies.TryAcquire(maxBodies) {
		t.Error("room for bodies is lost")
	}
	r.client.CloseIdleConnections()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	await(t, func() bool { return runtime.NumGoroutine() <= before+1 })
}

// TestDrain wants a server that ends to say so first, and to answer all that asked.
func TestDrain(t *testing.T) {
	hold := make(chan struct{})
	var entered atomic.Int64
	r := serve(t, Options{Line: lineOf(t, "", func() { entered.Add(1); <-hold }), Queue: 10, Timeout: time.Minute, Drain: 300 * time.Millisecond})
	answered := make(chan bool, 1)
	go func() { answered <- r.ask(t, "/admit/fail", reviewOf(good)).Allowed }()
	await(t, func() bool { return entered.Load() == 1 })
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	await(t, func() bool {
		res, err := r.client.Get(r.url + "/readyz")
		if err != nil {
			t.Fatal("it ended before it said so: ", err)
		}
		res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable
	})
	close(hold)
	if !<-answered {
		t.Error("it was not answered")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func await(t testing.TB, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not happen")
}

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{`{}`: 1, `{"a": [{"b": "[[["}]}`: 3, `"\"[["`: 0, `]]]]`: 0} {
		if got := depth([]byte(text)); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func FuzzReview(f *testing.F) {
	f.Add([]byte(reviewOf(evil)))
	s := New(Options{Line: lineOf(f, denyByDefault+"change: on\n", nil), Queue: 1, Timeout: time.Second, Note: slog.New(slog.DiscardHandler), Now: time.Now})
	s.journal = openJournal(io.Discard, func() {})
	h := s.handler()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, path := range []string{"/admit/fail", "/admit/change"} {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, bytes.NewReader(b))
			r.Header.Set("Content-Type", "application/json")
			if h.ServeHTTP(w, r); w.Code >= 500 || strings.Contains(w.Body.String(), "judging it broke") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

// BenchmarkReview is a review from its bytes to those of the answer, without the network.
func BenchmarkReview(b *testing.B) {
	s := New(Options{Line: lineOf(b, denyByDefault+"change: on\n", nil), Queue: 1, Timeout: time.Second, Note: slog.New(slog.DiscardHandler), Now: time.Now})
	s.journal = openJournal(io.Discard, func() {})
	h, body := s.handler(), []byte(reviewOf(good))
	for _, stage := range []admit.Stage{admit.Fail, admit.Change} {
		b.Run(string(stage), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/admit/"+string(stage), bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				if h.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
