package webhook

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestTraces reads what is sent with the OpenTelemetry collector's own reader of OTLP.
func TestTraces(t *testing.T) {
	var mutex sync.Mutex
	got := map[string]ptrace.Span{}
	var key, service string
	busy := true
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		if busy { // a collector may ask for another try
			busy = false
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v\n%s", r.URL, err, body)
			return
		}
		key = r.Header.Get("X-Key")
		for _, of := range traces.ResourceSpans().All() {
			name, _ := of.Resource().Attributes().Get("service.name")
			service = name.Str()
			for _, of := range of.ScopeSpans().All() {
				for _, s := range of.Spans().All() {
					got[s.Name()] = s
				}
			}
		}
	}))
	defer collector.Close()
	traces, end, err := Traces(collector.URL, "x-key=a%20b", "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, Options{Line: lineOf(t, denyByDefault, nil), Traces: traces})
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	req, _ := http.NewRequest(http.MethodPost, r.url+"/admit/fail", strings.NewReader(reviewOf(evil)))
	req.Header = http.Header{"Content-Type": {"application/json"}, "Traceparent": {"00-" + trace + "-" + parent + "-01"}}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := end(context.Background()); err != nil {
		t.Fatal(err)
	}
	whole, ok := got["admission review"]
	if !ok {
		t.Fatalf("no span of a review in %v", got)
	}
	if id, above := whole.TraceID().String(), whole.ParentSpanID().String(); id != trace || above != parent || whole.Kind() != ptrace.SpanKindServer {
		t.Errorf("trace %s under %s, kind %s", id, above, whole.Kind())
	}
	if key != "a b" || service != "plimsoll" {
		t.Errorf("key %q, service %q", key, service)
	}
	says := whole.Attributes().AsRaw()
	if says["admission.name"] != "cart" || says["admission.allowed"] != false || len(says["admission.rules"].([]any)) == 0 {
		t.Errorf("%v", says)
	}
	for _, part := range []string{"read", "wait", "judge"} {
		if s, ok := got[part]; !ok || s.ParentSpanID() != whole.SpanID() || s.EndTimestamp() < s.StartTimestamp() || s.StartTimestamp() < whole.StartTimestamp() {
			t.Errorf("%s is no part of the review", part)
		}
	}
}

func TestTracesWrong(t *testing.T) {
	for address, headers := range map[string]string{"collector:4318": "", "ftp://collector": "", "https://": "", "https://ann:s3cret@collector": "", "https://collector": "key"} {
		if _, _, err := Traces(address, headers, "", nil); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
