package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
)

// maxDepth is how deep a review may be nested: a manifest may be 100 deep, in a request in a review.
const maxDepth = 103

// refusal is why a request is no review that could be answered.
type refusal struct {
	status int
	text   string
	shed   string // the reason, where it was turned away for want of time or room
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

func (s *Server) review(w http.ResponseWriter, r *http.Request, stage admit.Stage) {
	begin := time.Now()
	ctx, span := s.begin(r, stage)
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, s.budget(r))
	defer cancel()
	answer, err := s.answer(ctx, w, r, stage, begin)
	if err != nil {
		span.SetStatus(codes.Error, cut(err.Error()))
		s.refuse(w, stage, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // who has gone away needs no answer
}

func (s *Server) refuse(w http.ResponseWriter, stage admit.Stage, err error) {
	var of *refusal
	if !errors.As(err, &of) {
		of = &refusal{status: http.StatusBadRequest, text: err.Error()}
	}
	if of.shed != "" {
		s.meters.shed.WithLabelValues(string(stage), of.shed).Inc()
	} else {
		s.meters.refused.WithLabelValues(strconv.Itoa(of.status)).Inc()
		s.o.Note.Warn("refuse what is no review", "status", of.status, "error", of.text)
	}
	// No Retry-After: the API server would wait, and others behind it.
	http.Error(w, "plimsoll: "+of.text, of.status)
}

// budget is how long a review may take: a tenth less than the API server waits, or less.
func (s *Server) budget(r *http.Request) time.Duration {
	asked, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || asked <= 0 {
		return s.o.Timeout
	}
	return min(s.o.Timeout, asked-asked/10)
}

// answer reads a review, waits for its turn, and judges it.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, stage admit.Stage, begin time.Time) ([]byte, error) {
	if s.o.ClientCA != nil && len(r.TLS.VerifiedChains) == 0 {
		return nil, refuse(http.StatusUnauthorized, "reviews are for clients with a certificate of the authority that --client-ca names")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "a review is application/json, and not %.100q", r.Header.Get("Content-Type"))
	}
	if p := s.pool(stage); p.waiting.Load() >= p.most(s.o.Queue) { // what is turned away is not read, so that it costs little
		return nil, errFull
	}
	reading, read := s.part(ctx, "read")
	body, free, err := s.body(reading, w, r)
	read()
	if err != nil {
		return nil, err
	}
	defer free()
	waiting, waited := s.part(ctx, "wait")
	leave, err := s.turn(waiting, stage)
	waited()
	if err != nil {
		return nil, err
	}
	defer func() { leave() }()
	review, err := decode(body)
	if err != nil {
		return nil, err
	}
	judging, judged := s.part(ctx, "judge")
	d, err := s.decide(judging, stage, review.Request, func(wait func()) error {
		leave()
		leave = func() {}
		wait()
		again, err := s.turn(ctx, stage)
		if err == nil {
			leave = again
		}
		return err
	})
	judged()
	if err != nil {
		return nil, err
	}
	took := time.Since(begin)
	describe(trace.SpanFromContext(ctx), review.Request, d)
	s.meters.review(stage, operation(review.Request), d, took)
	s.journal.write(entryOf(stage, review.Request, d, s.o.Now(), took))
	return json.Marshal(&admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: d.Response(review.Request.UID)})
}

// body reads all of a body, where there is room for it. Free gives the room back.
func (s *Server) body(ctx context.Context, w http.ResponseWriter, r *http.Request) (body []byte, free func(), err error) {
	size := r.ContentLength
	switch {
	case size > maxBody:
		return nil, nil, refuse(http.StatusRequestEntityTooLarge, "a review has at most %d bytes, this one has %d", maxBody, size)
	case size < 0:
		size = maxBody
	}
	if !s.bodies.TryAcquire(size) {
		return nil, nil, &refusal{http.StatusTooManyRequests, "too many large reviews at one time", "memory"}
	}
	defer func() {
		if err != nil {
			s.bodies.Release(size)
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		_ = http.NewResponseController(w).SetReadDeadline(deadline) // or else the server's own holds
	}
	body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil:
		return nil, nil, &refusal{http.StatusRequestTimeout, "the review did not come in time", "slow client"}
	case err != nil:
		return nil, nil, refuse(http.StatusBadRequest, "read the review: %v", err)
	case len(body) > maxBody:
		return nil, nil, refuse(http.StatusRequestEntityTooLarge, "a review has at most %d bytes", maxBody)
	}
	return body, func() { s.bodies.Release(size) }, nil
}

var errFull = &refusal{http.StatusTooManyRequests, "more reviews wait than can be judged in time", "queue"}

// pool is where reviews of a stage are judged.
func (s *Server) pool(stage admit.Stage) *pool {
	if stage == admit.Change {
		return &s.changes
	}
	return &s.judging
}

// turn waits until the review may be judged. Leave lets the next one. Pods that wait to be changed take no room from
// those that wait to be judged.
func (s *Server) turn(ctx context.Context, stage admit.Stage) (leave func(), err error) {
	p := s.pool(stage)
	if p.waiting.Add(1) > p.most(s.o.Queue) {
		p.waiting.Add(-1)
		return nil, errFull
	}
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots; p.waiting.Add(-1) }, nil
	case <-ctx.Done():
		p.waiting.Add(-1)
		return nil, &refusal{http.StatusServiceUnavailable, "the review's turn did not come in time", "time"}
	}
}

// decide judges, and answers also when that breaks. Aside has others judged while something is waited for.
func (s *Server) decide(ctx context.Context, stage admit.Stage, r *admissionv1.AdmissionRequest, aside func(wait func()) error) (d *admit.Decision, err error) {
	defer func() {
		if what := recover(); what != nil {
			s.o.Note.Error("judging broke", "uid", r.UID, "kind", r.Kind.Kind, "panic", what, "stack", string(debug.Stack()))
			d, err = s.o.Line.Unable(stage, "judging it broke; the server's log says where"), nil
		}
	}()
	l, err := s.line()
	if err != nil {
		return s.o.Line.Unable(stage, err.Error()), nil
	}
	c := l.Open(stage, r)
	switch {
	case stage == admit.Change: // its places are there to wait at
		c.Ask(ctx)
	case c.Asks():
		if err := aside(func() { s.ask(ctx, c) }); err != nil {
			return nil, err
		}
	}
	return c.Decide(ctx, s.o.Now()), nil
}

// ask has registries asked, for as many as there are places. Beyond, what they said before is all that is known, and
// the line says what becomes of the rest.
func (s *Server) ask(ctx context.Context, c *admit.Case) {
	ctx, asked := s.part(ctx, "ask")
	defer asked()
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	default:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	c.Ask(ctx)
}

// reviewVersion is the one that is spoken. The API server asks in one of those that the webhook's configuration lists.
var reviewVersion = metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}

func decode(body []byte) (*admissionv1.AdmissionReview, error) {
	if depth(body) > maxDepth {
		return nil, refuse(http.StatusBadRequest, "the review is nested deeper than %d levels", maxDepth)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, refuse(http.StatusBadRequest, "read the review: %v", err)
	}
	switch {
	case review.TypeMeta != reviewVersion:
		return nil, refuse(http.StatusBadRequest, "this is %.100q of %.100q, and no AdmissionReview of admission.k8s.io/v1: name that version alone in admissionReviewVersions", review.Kind, review.APIVersion)
	case review.Request == nil:
		return nil, refuse(http.StatusBadRequest, "the review has no request")
	case review.Request.UID == "":
		return nil, refuse(http.StatusBadRequest, "the review's request has no uid")
	case !slices.Contains(operations, review.Request.Operation):
		return nil, refuse(http.StatusBadRequest, "%.100q is no operation", review.Request.Operation)
	}
	return &review, nil
}

var operations = []admissionv1.Operation{admissionv1.Create, admissionv1.Update, admissionv1.Delete, admissionv1.Connect}

func operation(r *admissionv1.AdmissionRequest) string { return strings.ToLower(string(r.Operation)) }

// depth is how deep JSON is nested, before anything is made of it.
func depth(text []byte) (deepest int) {
	now, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
