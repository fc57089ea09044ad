// Package otlp sends spans to an OpenTelemetry collector: OTLP over HTTP, in its JSON encoding (OpenTelemetry Protocol
// Specification, section OTLP/HTTP). OpenTelemetry's own exporter would link gRPC, which each start of the program would pay for.
package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Exporter sends spans to one address. It is a [trace.SpanExporter]: one batch at a time.
type Exporter struct {
	address string
	headers http.Header
	client  *http.Client
}

// New makes an exporter to an address, as in https://collector.example:4318/v1/traces; an address without a path gets
// that one. Headers are NAME=VALUE,…, percent-encoded as the environment variable OTEL_EXPORTER_OTLP_HEADERS has them.
func New(address, headers string) (*Exporter, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%q is no address of a collector, as in https://collector.example:4318/v1/traces", withoutUser(u, address))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	e := &Exporter{address: u.String(), headers: http.Header{"Content-Type": {"application/json"}}}
	for one := range strings.SplitSeq(headers, ",") {
		if one == "" {
			continue
		}
		name, value, ok := strings.Cut(one, "=")
		if value, err = url.PathUnescape(strings.TrimSpace(value)); !ok || err != nil {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS is no list of NAME=VALUE")
		}
		e.headers.Set(strings.TrimSpace(name), value)
	}
	// What a collector answers with a redirect is no collector, and the headers may hold a key.
	e.client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return e, nil
}

func withoutUser(u *url.URL, address string) string {
	if u == nil {
		return address
	}
	return u.Redacted()
}

// ExportSpans sends a batch, again and again where the collector asks for that, until the context ends.
func (e *Exporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(request(spans))
	if err != nil {
		return err
	}
	for pause := time.Second; ; pause *= 2 {
		again, err := e.post(ctx, body)
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// post sends a body; again says that it may go better another time.
func (e *Exporter) post(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.address, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header = e.headers.Clone()
	answer, err := e.client.Do(r)
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	switch answer.StatusCode {
	case http.StatusOK:
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	return again, fmt.Errorf("the collector at %s answers %s", e.address, answer.Status)
}

// Shutdown closes the connections.
func (e *Exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// The message ExportTraceServiceRequest, as far as it is used (opentelemetry-proto 1). Of its JSON encoding: ids are
// hex, enumerations numbers, and numbers of 64 bits texts.
type (
	export struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		State      string     `json:"traceState,omitempty"`
		Parent     string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      nanos      `json:"startTimeUnixNano"`
		End        nanos      `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Dropped    int        `json:"droppedAttributesCount,omitempty"`
		Status     status     `json:"status"`
	}
	status struct {
		Message string `json:"message,omitempty"`
		Code    int    `json:"code,omitempty"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String *string  `json:"stringValue,omitempty"`
		Bool   *bool    `json:"boolValue,omitempty"`
		Int    *string  `json:"intValue,omitempty"`
		Double *float64 `json:"doubleValue,omitempty"`
		Array  *array   `json:"arrayValue,omitempty"`
	}
	array struct {
		Values []value `json:"values"`
	}
)

// nanos is a time in nanoseconds since 1970, as a text.
type nanos string

func at(t time.Time) nanos { return nanos(strconv.FormatInt(t.UnixNano(), 10)) }

// request groups spans by what made them. All have one resource.
func request(spans []trace.ReadOnlySpan) export {
	of := map[instrumentation.Scope]int{}
	all := resourceSpans{Resource: attributes{list(spans[0].Resource().Attributes())}}
	for _, s := range spans {
		from := s.InstrumentationScope()
		n, ok := of[from]
		if !ok {
			n = len(all.ScopeSpans)
			of[from] = n
			all.ScopeSpans = append(all.ScopeSpans, scopeSpans{Scope: scope{from.Name, from.Version}})
		}
		all.ScopeSpans[n].Spans = append(all.ScopeSpans[n].Spans, spanOf(s))
	}
	return export{[]resourceSpans{all}}
}

func spanOf(s trace.ReadOnlySpan) span {
	one := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), State: s.SpanContext().TraceState().String(),
		Name: s.Name(), Kind: int(s.SpanKind()), Start: at(s.StartTime()), End: at(s.EndTime()),
		Attributes: list(s.Attributes()), Dropped: s.DroppedAttributes(), Status: status{Message: s.Status().Description},
	}
	if s.Parent().HasSpanID() {
		one.Parent = s.Parent().SpanID().String()
	}
	switch s.Status().Code { // numbered otherwise than in the protocol
	case codes.Ok:
		one.Status.Code = 1
	case codes.Error:
		one.Status.Code = 2
	}
	return one
}

func list(of []attribute.KeyValue) (all []keyValue) {
	for _, kv := range of {
		all = append(all, keyValue{string(kv.Key), valueOf(kv.Value)})
	}
	return all
}

func valueOf(v attribute.Value) value {
	switch v.Type() {
	case attribute.BOOL:
		b := v.AsBool()
		return value{Bool: &b}
	case attribute.INT64:
		i := strconv.FormatInt(v.AsInt64(), 10)
		return value{Int: &i}
	case attribute.FLOAT64:
		f := v.AsFloat64()
		return value{Double: &f}
	case attribute.STRINGSLICE:
		a := &array{Values: []value{}}
		for _, s := range v.AsStringSlice() {
			a.Values = append(a.Values, value{String: &s})
		}
		return value{Array: a}
	}
	s := v.String()
	return value{String: &s}
}
