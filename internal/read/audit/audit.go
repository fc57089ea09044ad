// Package audit turns the API server's audit log (audit.k8s.io/v1, one event in a line) into who asked for what, when, and
// whether it was let through. Bodies of requests are not kept.
package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxLine is more than an event of the level RequestResponse has: an API server takes 3 MiB of an object.
const maxLine = 16 << 20

// Event is one request. Of one on behalf of another, User is that other, and By who asked.
type Event struct {
	At      time.Time
	User    string
	Groups  []string
	By      *Who   // who impersonated; nil: nobody
	Agent   string // the program that asked, as it calls itself
	Allowed bool

	Verb                         string
	Group, Resource, Subresource string
	Namespace, Name              string
	URL                          string // of what is no resource
}

// Who is a user as the API server knew it.
type Who struct {
	User   string
	Groups []string
}

type line struct {
	APIVersion  string    `json:"apiVersion"`
	Kind        string    `json:"kind"`
	Stage       string    `json:"stage"`
	RequestURI  string    `json:"requestURI"`
	Verb        string    `json:"verb"`
	User        user      `json:"user"`
	Agent       string    `json:"userAgent"`
	As          *user     `json:"impersonatedUser"`
	ObjectRef   *object   `json:"objectRef"`
	Received    time.Time `json:"requestReceivedTimestamp"`
	Annotations map[string]string
	Status      struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

type user struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

type object struct {
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	APIGroup    string `json:"apiGroup"`
	Subresource string `json:"subresource"`
}

// Read hands each request of a log to do, once: by the first stage that says how it was decided. Lines that are no events are
// counted and passed over; one that is too long, and a log that breaks off, is an error.
func Read(r io.Reader, do func(Event)) (events, broken int, err error) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := readLine(in)
		if text = bytes.TrimSpace(text); len(text) > 0 {
			e, ok, wrong := parse(text)
			switch {
			case wrong != nil:
				broken++
			case ok:
				events++
				do(e)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return events, broken, nil
		case err != nil:
			return events, broken, fmt.Errorf("after %d events: %w", events, err)
		}
	}
}

func readLine(in *bufio.Reader) (text []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if text = append(text, part...); len(text) > maxLine {
			return nil, fmt.Errorf("a line has more than %d MiB", maxLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
	}
}

// parse reads one line; ok says that it tells of a request that was decided.
func parse(text []byte) (e Event, ok bool, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return e, false, err
	}
	if l.Kind != "Event" || !strings.HasPrefix(l.APIVersion, "audit.k8s.io/") {
		return e, false, errors.New("no event")
	}
	if l.Stage != "ResponseComplete" && l.Stage != "Panic" {
		return e, false, nil // each request has one of these at its end
	}
	e = Event{At: l.Received, User: l.User.Username, Groups: l.User.Groups, Agent: l.Agent, Verb: l.Verb}
	if l.As != nil {
		e.By = &Who{e.User, e.Groups}
		e.User, e.Groups = l.As.Username, l.As.Groups
	}
	switch l.Annotations["authorization.k8s.io/decision"] {
	case "allow":
		e.Allowed = true
	case "":
		e.Allowed = l.Status.Code != 401 && l.Status.Code != 403
	}
	if o := l.ObjectRef; o != nil {
		e.Group, e.Resource, e.Subresource, e.Namespace, e.Name = o.APIGroup, o.Resource, o.Subresource, o.Namespace, o.Name
		if l.Verb == "create" && o.Subresource == "" {
			e.Name = "" // the log has it of the object; who decides is asked before that is read
		}
	} else {
		e.URL, _, _ = strings.Cut(l.RequestURI, "?")
	}
	return e, true, nil
}
