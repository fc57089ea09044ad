package directory

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// meters count what the server does.
type meters struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	troubles  *prometheus.CounterVec
}

func newMeters(s *Server) *meters {
	const space = "plimsoll_directory"
	m := &meters{
		registry: prometheus.NewRegistry(),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: space, Name: "decisions_total", Help: "Answers, by what was asked and what came of it.",
		}, []string{"action", "result"}),
		troubles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: space, Name: "troubles_total", Help: "What did not work, by what it was: the directory, keys, the certificate or the log.",
		}, []string{"of"}),
	}
	gauge := func(name, help string, of func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: space, Name: name, Help: help}, of)
	}
	m.registry.MustRegister(
		m.decisions, m.troubles, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("logins", "People who are signing in at this moment.", func() float64 { return float64(len(s.logins)) }),
		gauge("certificate_expiry_timestamp_seconds", "When the certificate that is shown ends.", func() float64 {
			return float64(s.o.Certificates.Expiry().Unix())
		}),
	)
	return m
}
