package webhook

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
)

// meters count what the server does.
type meters struct {
	registry *prometheus.Registry
	reviews  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	shed     *prometheus.CounterVec
	refused  *prometheus.CounterVec
	findings *prometheus.CounterVec
	lost     prometheus.Counter
	renewals *prometheus.CounterVec
}

func newMeters(s *Server) *meters {
	const space = "plimsoll_admission"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: name, Help: help}, labels)
	}
	m := &meters{
		registry: prometheus.NewRegistry(),
		reviews:  counter("reviews_total", "Reviews that were answered, by stage, operation and decision.", "stage", "operation", "decision"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: space, Name: "review_seconds", Help: "How long answers took, from the whole request to the answer.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5},
		}, []string{"stage"}),
		shed:     counter("shed_total", "Requests that were turned away unjudged, by stage and reason.", "stage", "reason"),
		refused:  counter("refused_total", "Requests that were no reviews, by HTTP status.", "status"),
		findings: counter("findings_total", "Findings, by rule and by what became of them.", "rule", "mode"),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Name: "log_lost_total", Help: "Decisions that the log did not take in time."}),
		renewals: counter("certificate_checks_total", "Looks for another certificate, by what came of it.", "result"),
	}
	gauge := func(name, help string, of func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: space, Name: name, Help: help}, of)
	}
	m.registry.MustRegister(
		m.reviews, m.seconds, m.shed, m.refused, m.findings, m.lost, m.renewals, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("waiting", "Reviews that wait or are judged.", func() float64 { return float64(s.judging.waiting.Load() + s.changes.waiting.Load()) }),
		gauge("certificate_expiry_timestamp_seconds", "When the certificate that is shown ends.", func() float64 {
			return float64(s.o.Certificates.Expiry().Unix())
		}),
	)
	if s.o.Follow != nil {
		m.registry.MustRegister(
			&generations{s.o.Follow, prometheus.NewDesc(space+"_followed_generation", "The generation in force of each Policy and Exception of the cluster; 0 of one that is wrong. The first 1000.", []string{"kind", "namespace", "name", "state"}, nil)},
			gauge("followed_behind_seconds", "How long the API server was not heard of Policies and Exceptions; what was known stays in force.", func() float64 {
				return s.o.Follow.behind(s.o.Now()).Seconds()
			}),
		)
	}
	return m
}

// generations tell what is in force of a cluster.
type generations struct {
	*Follower
	desc *prometheus.Desc
}

// mostTold bounds the series: tenants make Exceptions.
const mostTold = 1_000

// Describe implements prometheus.Collector.
func (g *generations) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect implements prometheus.Collector. What is wrong is told first.
func (g *generations) Collect(to chan<- prometheus.Metric) {
	now := g.now.Load()
	if now == nil {
		return
	}
	told := 0
	tell := func(place, state string) {
		if told++; told > mostTold {
			return
		}
		kind, name, _ := strings.Cut(place, "/")
		namespace, of, in := strings.Cut(name, "/")
		if !in {
			namespace, of = "", name
		}
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(now.book.Generations[place]), kind, namespace, of, state)
	}
	for _, place := range slices.Sorted(maps.Keys(now.book.Wrong)) {
		tell(place, "wrong")
	}
	for _, in := range now.over {
		tell(in+"/", "too many")
	}
	for _, place := range slices.Sorted(maps.Keys(now.book.Generations)) {
		if now.book.Wrong[place] == nil {
			tell(place, "in force")
		}
	}
}

// review counts an answer.
func (m *meters) review(stage admit.Stage, operation string, d *admit.Decision, took time.Duration) {
	decision := "allowed"
	switch {
	case d.Failed != "":
		decision = "failed"
	case !d.Allowed:
		decision = "denied"
	case d.Passed != "":
		decision = "passed"
	case len(d.Given) > 0:
		decision = "changed"
	}
	m.reviews.WithLabelValues(string(stage), operation, decision).Inc()
	m.seconds.WithLabelValues(string(stage)).Observe(took.Seconds())
	for i := range d.Findings {
		f := &d.Findings[i]
		mode := f.Mode.String()
		if len(f.Suppressed) > 0 {
			mode = "excepted"
		}
		m.findings.WithLabelValues(f.Rule, mode).Inc()
	}
}
