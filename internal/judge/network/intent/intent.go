// Package intent turns what people intend a network to be, written in CEL, into where it is not so.
package intent

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// APIVersion and Kind are those of the files.
const (
	APIVersion = "plimsoll/v1"
	Kind       = "Intention"
)

// Bounds on a file of intentions.
const (
	MaxFile       = 1 << 20 // bytes
	maxIntentions = 1000
	maxPorts      = 100
)

// Intention is one thing that somebody intends: that connections between some are allowed, or that they are refused.
type Intention struct {
	Name        string
	Path        string
	Line        int
	Description string
	Ports       network.Ports
	Allowed     bool

	from, to *expression // nil: everybody
}

// expression is what an end has to be.
type expression struct {
	*expr.Program
	present bool // it asks itself whether there is a label
}

// Parse reads a file of intentions.
func Parse(path string, text []byte) ([]*Intention, error) {
	if len(text) > MaxFile {
		return nil, &tree.Error{Path: path, What: fmt.Sprintf("is larger than %d KiB", MaxFile>>10)}
	}
	docs, err := tree.Parse(path, text)
	if err != nil {
		return nil, err
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	p := parser{tree.Strict{Path: path}, env}
	var all []*Intention
	for _, doc := range docs {
		if !doc.Null && p.Err == nil {
			all = append(all, p.intention(doc))
		}
	}
	switch {
	case p.Err != nil:
	case len(all) == 0:
		p.Wrong(0, "has no intention in it")
	case len(all) > maxIntentions:
		p.Wrong(0, "has more than %d intentions", maxIntentions)
	}
	return all, p.Err
}

type parser struct {
	tree.Strict
	env *expr.Env
}

func (p *parser) intention(doc *tree.Value) *Intention {
	p.Map(doc, "a document", []string{"apiVersion", "kind", "metadata", "spec"}, nil)
	meta, spec := doc.Get("metadata"), doc.Get("spec")
	if p.Err != nil {
		return nil
	}
	p.Map(meta, "metadata", []string{"name"}, nil)
	p.Map(spec, "the spec of an Intention", []string{"expect"}, []string{"description", "from", "to", "ports"})
	if v := doc.Get("apiVersion"); !v.Is(APIVersion) {
		p.Wrong(v.Line, "apiVersion %q is not known: write %s", tree.Cut(v.String()), APIVersion)
	}
	if v := doc.Get("kind"); !v.Is(Kind) {
		p.Wrong(v.Line, "kind %q is not known: write %s", tree.Cut(v.String()), Kind)
	}
	i := &Intention{
		Name: meta.Get("name").String(), Path: p.Path, Line: doc.Line, Description: spec.Get("description").String(),
		from: p.expression(spec.Get("from")), to: p.expression(spec.Get("to")), Ports: p.ports(spec.Get("ports")),
	}
	switch expect := spec.Get("expect"); {
	case expect.Is("allowed"):
		i.Allowed = true
	case !expect.Is("refused") && p.Err == nil:
		p.Wrong(expect.Line, "expect %q: use allowed or refused", tree.Cut(expect.String()))
	}
	if i.Name == "" {
		p.Wrong(doc.Line, "an intention needs a name")
	}
	return i
}

// presence finds whether an expression asks if there is a label.
var presence = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bin\b|\bhas\s*\(|\[\s*\?|\.\s*\?`) })

func (p *parser) expression(v *tree.Value) *expression {
	if v == nil || v.Null || p.Err != nil {
		return nil
	}
	if !v.Scalar {
		p.Wrong(v.Line, "an expression is a text")
		return nil
	}
	program, err := p.env.Compile(v.Text, expr.Bool)
	if err != nil {
		p.Wrong(v.Line, "%v", err)
	}
	return &expression{program, presence().MatchString(v.Text)}
}

// portWord is a port as it is written: TCP, TCP 443, UDP 8000-8100.
var portWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^(TCP|UDP|SCTP)(?: (\d{1,5})(?:-(\d{1,5}))?)?$`) })

func (p *parser) ports(v *tree.Value) (all network.Ports) {
	if v == nil {
		return network.AllPorts()
	}
	items := p.List(v, "ports")
	if len(items) == 0 || len(items) > maxPorts {
		p.Wrong(v.Line, "ports: name between 1 and %d, or leave it out for all", maxPorts)
	}
	for _, item := range items {
		m := portWord().FindStringSubmatch(item.String())
		if m == nil {
			p.Wrong(item.Line, "port %q: write TCP 443, UDP 53, TCP 8000-8100, or TCP for all of its ports", tree.Cut(item.String()))
			return nil
		}
		protocol, _ := network.ProtocolOf(m[1])
		from, to := 1, 65535
		if m[2] != "" {
			from, _ = strconv.Atoi(m[2])
			to = from
		}
		if m[3] != "" {
			to, _ = strconv.Atoi(m[3])
		}
		if from < 1 || to < from || to > 65535 {
			p.Wrong(item.Line, "port %q: ports are numbers from 1 to 65535, the smaller one first", tree.Cut(item.String()))
		}
		all = all.Union(network.PortRange(protocol, from, to))
	}
	return all
}

// environment is what an expression about one end may name.
var environment = sync.OnceValues(func() (*expr.Env, error) {
	end := expr.NewObject[labelled]("Endpoint", "one end of connections", 1,
		expr.NewField("kind", "pods, host (pods in the network of their node), node or addresses", expr.String, func(e *labelled) any { return kinds[e.Kind] }),
		expr.NewField("namespace", "the namespace of pods; empty for all else", expr.String, func(e *labelled) any { return e.Namespace }),
		expr.NewField("workload", "the kind of the workload: Deployment, say; empty for all else", expr.String, func(e *labelled) any { return e.WorkloadKind() }),
		expr.NewField("name", "the name of the workload or of the node; CIDRs", expr.String, func(e *labelled) any { return e.Title() }),
		expr.NewField("labels", "the labels of pods or of a node; one that an end has not is empty", expr.Map(expr.String), func(e *labelled) any { return e.labels }),
		expr.NewField("internet", "they are addresses of the internet: neither private nor of a special use", expr.Bool, func(e *labelled) any { return e.Internet() }),
	)
	return expr.New([]*expr.Object{end}, []expr.Variable{{Name: "endpoint", Doc: "one end of connections", Type: end.Type()}}, nil)
})

var kinds = [...]string{network.Pods: "pods", network.Host: "host", network.Node: "node", network.Block: "addresses"}

// labelled is an endpoint with its labels, and those that it has not and that were asked for.
type labelled struct {
	*network.Endpoint
	labels map[string]string
}

// scope gives an expression its endpoint.
type scope struct{ endpoint *labelled }

func (s scope) Value(string) (any, error) { return s.endpoint, nil }

// Broken are the connections that are allowed and ought not to be, or ought to be and are not. An error says that an
// expression has no answer about an endpoint: which one, and why.
func (i *Intention) Broken(ctx context.Context, m *network.Map) ([]network.Row, error) {
	from, err := i.ends(ctx, m, i.from, "from")
	if err != nil {
		return nil, err
	}
	to, err := i.ends(ctx, m, i.to, "to")
	if err != nil {
		return nil, err
	}
	if len(from) == 0 || len(to) == 0 {
		return nil, &NobodyError{i, len(from) == 0}
	}
	of := m.On(i.Ports)
	if i.Allowed {
		if of, err = m.Lacking(ctx, i.Ports); err != nil {
			return nil, err
		}
	}
	return of.Between(ctx, func(e *network.Endpoint) bool { return from[e] }, func(e *network.Endpoint) bool { return to[e] })
}

// NobodyError says that an intention is about nobody who was read, so that it says nothing.
type NobodyError struct {
	of   *Intention
	from bool
}

func (e *NobodyError) Error() string {
	side := "to"
	if e.from {
		side = "from"
	}
	return fmt.Sprintf("%s:%d: %s: %s is true of nobody: nothing is held against it", e.of.Path, e.of.Line, e.of.Name, side)
}

// mostMissing is how many labels that an end has not an expression may name.
const mostMissing = 100

// of says whether an endpoint is meant. A label that it has not is empty, as most who write of one mean it, unless the
// expression itself asks whether it is there.
func (x *expression) of(ctx context.Context, e *network.Endpoint) (yes bool, err error) {
	one := &labelled{e, maps.Clone(e.Labels())}
	if one.labels == nil {
		one.labels = map[string]string{}
	}
	for range mostMissing {
		if yes, _, err = x.Bool(ctx, scope{one}); err == nil || x.present {
			return yes, err
		}
		key, missing := strings.CutPrefix(err.Error(), "no such key: ")
		if _, known := one.labels[key]; !missing || known {
			return false, err
		}
		one.labels[key] = ""
	}
	return false, err
}

func (i *Intention) ends(ctx context.Context, m *network.Map, p *expression, side string) (map[*network.Endpoint]bool, error) {
	all := map[*network.Endpoint]bool{}
	for _, e := range m.Endpoints {
		if p == nil {
			all[e] = true
			continue
		}
		yes, err := p.of(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %s: of %s: %w", i.Path, i.Line, i.Name, side, e, err)
		}
		if yes {
			all[e] = true
		}
	}
	return all, nil
}

// Blocks are addresses that intentions tell apart.
func Blocks() []network.Addresses { return slices.Clone([]network.Addresses{network.Internet()}) }
