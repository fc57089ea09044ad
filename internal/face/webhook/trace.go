package webhook

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook/otlp"
)

// Traces has spans of reviews sent to a collector ([otlp.New] says how it is written), in batches, behind the reviews'
// backs: what it does not take in time is dropped. Stop sends what is left. Which reviews are traced is the API
// server's to say, which passes its own decision on; of those that it says nothing of, OTEL_TRACES_SAMPLER tells.
func Traces(address, headers, version string, note *slog.Logger) (traces trace.TracerProvider, stop func(context.Context) error, err error) {
	to, err := otlp.New(address, headers)
	if err != nil {
		return nil, nil, err
	}
	who, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "plimsoll"), attribute.String("service.version", version)), resource.Environment())
	if err != nil {
		return nil, nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { note.Warn("send traces", "error", err) }))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(to), sdktrace.WithResource(who))
	return p, p.Shutdown, nil
}

// tracerOf is the server's tracer; it does nothing where no traces were asked for.
func tracerOf(p trace.TracerProvider) trace.Tracer {
	if p == nil {
		p = noop.NewTracerProvider()
	}
	return p.Tracer("github.com/plimsoll/plimsoll/internal/face/webhook")
}

// begin is the span of a whole review, under the one of the API server (W3C Trace Context) where it sent it.
func (s *Server) begin(r *http.Request, stage admit.Stage) (context.Context, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return s.tracer.Start(ctx, "admission review", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("admission.stage", string(stage))))
}

// part is the span of a part of a review.
func (s *Server) part(ctx context.Context, name string) (context.Context, func()) {
	ctx, span := s.tracer.Start(ctx, name)
	return ctx, func() { span.End() }
}

// describe says what was asked and decided: what the log says, without its texts.
func describe(span trace.Span, r *admissionv1.AdmissionRequest, d *admit.Decision) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("admission.uid", cut(string(r.UID))), attribute.String("admission.operation", cut(string(r.Operation))),
		attribute.String("admission.group", cut(r.Kind.Group)), attribute.String("admission.kind", cut(r.Kind.Kind)),
		attribute.String("admission.subresource", cut(r.SubResource)), attribute.String("k8s.namespace.name", cut(r.Namespace)),
		attribute.String("admission.name", cut(r.Name)), attribute.Bool("admission.allowed", d.Allowed),
		attribute.StringSlice("admission.rules", rules(d)),
	)
	if d.Failed != "" {
		span.SetStatus(codes.Error, cut(d.Failed))
	}
}

// rules are those of a decision's findings that no exception lets pass, each once.
func rules(d *admit.Decision) (all []string) {
	seen := map[string]bool{}
	for i := range d.Findings {
		if f := &d.Findings[i]; len(f.Suppressed) == 0 && !seen[f.Rule] && len(all) < mostFindings {
			seen[f.Rule] = true
			all = append(all, f.Rule)
		}
	}
	return all
}
