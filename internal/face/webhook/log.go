package webhook

import (
	"encoding/json"
	"io"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
)

// entry is one decision as the log has it: who asked for what, what was decided and why. Nothing of the object
// itself stands in it but names; what was found may quote an image.
type entry struct {
	Time      time.Time `json:"time"`
	UID       string    `json:"uid"`
	Stage     string    `json:"stage"`
	Operation string    `json:"operation"`
	User      string    `json:"user"`
	Group     string    `json:"group,omitempty"`
	Kind      string    `json:"kind"`
	Sub       string    `json:"subResource,omitempty"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name,omitempty"`
	DryRun    bool      `json:"dryRun,omitempty"`
	Allowed   bool      `json:"allowed"`
	Why       string    `json:"why,omitempty"`
	Findings  []because `json:"findings,omitempty"`
	Changed   []string  `json:"changed,omitempty"` // defaults that a pod was given
	Unknown   []string  `json:"unknown,omitempty"`
	Millis    float64   `json:"ms"`
}

type because struct {
	Rule      string `json:"rule"`
	Severity  string `json:"severity"`
	Mode      string `json:"mode"`
	Container string `json:"container,omitempty"`
	Field     string `json:"field,omitempty"`
	Excepted  string `json:"excepted,omitempty"` // FILE:LINE that lets it pass, or KIND/NAMESPACE/NAME
	// Generation is that of the cluster's Exception that lets it pass, or of its Policy that found it.
	Generation int64  `json:"generation,omitempty"`
	Owner      string `json:"owner,omitempty"`
}

// Bounds on one entry.
const (
	mostText     = 253
	mostFindings = 50
)

func entryOf(stage admit.Stage, r *admissionv1.AdmissionRequest, d *admit.Decision, now time.Time, took time.Duration) *entry {
	e := &entry{
		Time: now.UTC(), UID: cut(string(r.UID)), Stage: string(stage), Operation: cut(string(r.Operation)), User: cut(r.UserInfo.Username),
		Group: cut(r.Kind.Group), Kind: cut(r.Kind.Kind), Sub: cut(r.SubResource), Namespace: cut(r.Namespace), Name: cut(r.Name),
		DryRun: r.DryRun != nil && *r.DryRun, Allowed: d.Allowed, Why: cut(d.Passed + d.Failed), Unknown: d.Unknown,
		Millis: float64(took.Microseconds()) / 1000,
	}
	for _, g := range d.Given {
		e.Changed = append(e.Changed, string(g))
	}
	for i := range d.Findings {
		if i == mostFindings {
			e.Why = "more findings than are logged"
			break
		}
		f := &d.Findings[i]
		b := because{Rule: f.Rule, Severity: string(f.Severity), Mode: f.Mode.String(), Owner: f.Owner, Generation: f.Generation}
		if f.Subject != nil {
			b.Container, b.Field = cut(f.Subject.Container), cut(f.Subject.Field)
		}
		if len(f.Suppressed) > 0 {
			b.Excepted = f.Suppressed[0].Where
		}
		e.Findings = append(e.Findings, b)
	}
	return e
}

func cut(s string) string { return s[:min(len(s), mostText)] }

// journal writes entries without holding up who has them: what its reader does not take in time is lost, and counted.
type journal struct {
	entries    chan *entry
	quit, done chan struct{}
	lost       func()
}

const journalSize = 4096

func openJournal(w io.Writer, lost func()) *journal {
	j := &journal{entries: make(chan *entry, journalSize), quit: make(chan struct{}), done: make(chan struct{}), lost: lost}
	go j.run(json.NewEncoder(w))
	return j
}

func (j *journal) run(to *json.Encoder) {
	defer close(j.done)
	put := func(e *entry) {
		if to.Encode(e) != nil {
			j.lost()
		}
	}
	for {
		select {
		case e := <-j.entries:
			put(e)
		case <-j.quit:
			for {
				select {
				case e := <-j.entries:
					put(e)
				default:
					return
				}
			}
		}
	}
}

func (j *journal) write(e *entry) {
	select {
	case j.entries <- e:
	default:
		j.lost()
	}
}

// close waits for what is to be written still, but not for a reader that does not read.
func (j *journal) close() {
	close(j.quit)
	select {
	case <-j.done:
	case <-time.After(time.Second):
	}
}
