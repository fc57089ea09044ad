package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const gatewayGroup = "gateway.networking.k8s.io"

// gatewayRoute is what routes of the Gateway API have in common (gateway.networking.k8s.io/v1, CommonRouteSpec and BackendRef).
type gatewayRoute struct {
	Spec struct {
		ParentRefs []parentRef `json:"parentRefs"`
		Hostnames  []string    `json:"hostnames"`
		Rules      []struct {
			BackendRefs []struct {
				Group     *string `json:"group"`
				Kind      *string `json:"kind"`
				Namespace *string `json:"namespace"`
				Name      string  `json:"name"`
				Port      *int32  `json:"port"`
				Weight    *int32  `json:"weight"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

type parentRef struct {
	Group       *string `json:"group"`
	Kind        *string `json:"kind"`
	Namespace   *string `json:"namespace"`
	Name        string  `json:"name"`
	SectionName string  `json:"sectionName"`
	Port        *int32  `json:"port"`
}

type gateway struct {
	Spec struct {
		Listeners []listener `json:"listeners"`
	} `json:"spec"`
}

type listener struct {
	Name          string `json:"name"`
	Hostname      string `json:"hostname"`
	Port          int32  `json:"port"`
	Protocol      string `json:"protocol"`
	AllowedRoutes struct {
		Namespaces struct {
			From     string                `json:"from"`
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"namespaces"`
		Kinds []struct {
			Group *string `json:"group"`
			Kind  string  `json:"kind"`
		} `json:"kinds"`
	} `json:"allowedRoutes"`
}

// kindsOf are the kinds of routes that a listener takes which does not say (Listener.Protocol); others take any.
var kindsOf = map[string][]string{
	"HTTP": {"HTTPRoute", "GRPCRoute"}, "HTTPS": {"HTTPRoute", "GRPCRoute"}, "TLS": {"TLSRoute", "TCPRoute"}, "TCP": {"TCPRoute"}, "UDP": {"UDPRoute"},
}

// What an API server takes at most of each, in Gateways and routes.
const (
	mostParents   = 32
	mostListeners = 64
	mostHostnames = 16
)

// route publishes what a route of the Gateway API leads to.
func (p *publisher) route(o *kube.Object) {
	var of gatewayRoute
	if _, err := o.Decode(&of); err != nil {
		return
	}
	as, outside := p.attached(o, &of)
	if !outside {
		return
	}
	if as.Detached != "" {
		p.strays = append(p.strays, Stray{o, "spec.parentRefs", as.Detached, true})
	}
	for i, rule := range of.Spec.Rules {
		for j, b := range rule.BackendRefs {
			if b.Kind != nil && *b.Kind != "Service" || b.Group != nil && *b.Group != "" || b.Port == nil || b.Weight != nil && *b.Weight == 0 {
				continue
			}
			field := fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j)
			namespace, one := o.Home(), as
			if b.Namespace != nil {
				namespace = cmp.Or(*b.Namespace, namespace)
			}
			if one.Detached == "" && namespace != o.Home() && p.services[namespace+"/"+b.Name] != nil && !p.granted(o, namespace, b.Name) {
				one.Detached = fmt.Sprintf("no ReferenceGrant of namespace %s lets it name Service %s", namespace, b.Name)
				p.strays = append(p.strays, Stray{o, field, one.Detached, true})
			}
			port := int(*b.Port)
			p.behind(one, backend{field, namespace, b.Name, fmt.Sprint(port), func(s ServicePort) bool { return s.Port == port }})
		}
	}
}

// attached is whether a Gateway takes a route, and why none does. Outside says that something outside of the cluster may come by
// it: what Services have for routes of their own, a mesh brings.
func (p *publisher) attached(o *kube.Object, of *gatewayRoute) (as Publication, outside bool) {
	as = Publication{By: o, How: o.Kind}
	if len(of.Spec.ParentRefs) == 0 {
		as.Detached = "it names no Gateway"
		return as, true
	}
	if len(of.Spec.ParentRefs) > mostParents || len(of.Spec.Hostnames) > mostHostnames {
		as.Doubtful = "it has more parents, or hostnames, than an API server takes"
		return as, true
	}
	var reasons, doubts []string
	for _, ref := range of.Spec.ParentRefs {
		group, kind := gatewayGroup, "Gateway"
		if ref.Group != nil {
			group = *ref.Group
		}
		if ref.Kind != nil {
			kind = *ref.Kind
		}
		if group == "" && kind == "Service" {
			continue
		}
		outside = true
		if group != gatewayGroup || kind != "Gateway" {
			doubts = append(doubts, fmt.Sprintf("whether %s %s takes it is not known", kind, ref.Name))
			continue
		}
		switch why, doubt := p.taken(o, of, &ref); {
		case why == "" && doubt == "":
			if as.Inner = p.innerGateway(o, &ref); !as.Inner {
				return as, true
			}
		case doubt != "":
			doubts = append(doubts, doubt)
		default:
			reasons = append(reasons, why)
		}
	}
	switch {
	case as.Inner && len(doubts) == 0:
		return as, true
	case len(doubts) > 0:
		as.Doubtful, as.Inner = doubts[0], false
		return as, outside
	}
	as.Detached = strings.Join(reasons[:min(3, len(reasons))], "; ")
	return as, outside
}

// innerGateway says that the addresses that a Gateway was given are all of the own network (GatewayStatus.Addresses).
func (p *publisher) innerGateway(o *kube.Object, ref *parentRef) bool {
	namespace := o.Home()
	if ref.Namespace != nil {
		namespace = cmp.Or(*ref.Namespace, namespace)
	}
	g := p.gateway(namespace, ref.Name)
	if g == nil {
		return false
	}
	status, _ := g.Fields["status"].(map[string]any)
	given, _ := status["addresses"].([]any)
	var texts []string
	for _, one := range given {
		of, _ := one.(map[string]any)
		if text, ok := of["value"].(string); ok {
			texts = append(texts, text)
		}
	}
	all := parseAddresses(texts)
	return len(all) > 0 && !all.meets(internet())
}

// gateway finds a Gateway; nil: it was not read.
func (p *publisher) gateway(namespace, name string) *kube.Object {
	found := p.m.snapshot.Find(gatewayGroup, "Gateway", namespace, name)
	if found == nil && namespace == "default" {
		found = p.m.snapshot.Find(gatewayGroup, "Gateway", "", name)
	}
	return found
}

// taken says why a Gateway does not take a route, or what is not known of that; neither: it does.
func (p *publisher) taken(o *kube.Object, of *gatewayRoute, ref *parentRef) (why, doubt string) {
	namespace := o.Home()
	if ref.Namespace != nil {
		namespace = cmp.Or(*ref.Namespace, namespace)
	}
	name := "Gateway " + namespace + "/" + ref.Name
	found := p.gateway(namespace, ref.Name)
	if found == nil {
		if p.m.whole || p.seen(namespace) {
			return "there is no " + name, ""
		}
		return "", name + " is not among what was read"
	}
	var g gateway
	if _, err := found.Decode(&g); err != nil || len(g.Spec.Listeners) > mostListeners {
		return "", name + " cannot be read"
	}
	var reasons []string
	for i := range g.Spec.Listeners {
		l := &g.Spec.Listeners[i]
		if ref.SectionName != "" && l.Name != ref.SectionName || ref.Port != nil && l.Port != *ref.Port {
			continue
		}
		why, unsure := p.takes(l, namespace, o, of)
		switch {
		case why == "" && unsure == "":
			return "", ""
		case unsure != "":
			doubt = unsure
		default:
			reasons = append(reasons, fmt.Sprintf("listener %s of %s %s", l.Name, name, why))
		}
	}
	switch {
	case doubt != "":
		return "", doubt
	case len(reasons) == 0:
		return name + " has no such listener", ""
	}
	return strings.Join(reasons[:min(3, len(reasons))], "; "), ""
}

// takes says why a listener does not take a route (AllowedRoutes; Listener.Hostname).
func (p *publisher) takes(l *listener, home string, o *kube.Object, of *gatewayRoute) (why, doubt string) {
	kinds := kindsOf[l.Protocol]
	if len(l.AllowedRoutes.Kinds) > 0 {
		kinds = nil
		for _, k := range l.AllowedRoutes.Kinds {
			if k.Group == nil || *k.Group == gatewayGroup {
				kinds = append(kinds, k.Kind)
			}
		}
		if kinds == nil {
			return "takes routes of other kinds", ""
		}
	}
	if kinds != nil && !slices.Contains(kinds, o.Kind) {
		return "takes " + strings.Join(kinds[:min(3, len(kinds))], " and ") + " alone", ""
	}
	if l.Protocol != "TCP" && l.Protocol != "UDP" && !meetHosts(l.Hostname, of.Spec.Hostnames) {
		return "is of hostname " + l.Hostname + ", and it has others", ""
	}
	switch from := l.AllowedRoutes.Namespaces; cmp.Or(from.From, "Same") {
	case "All":
		return "", ""
	case "Selector":
		s, err := metav1.LabelSelectorAsSelector(from.Selector)
		if err != nil {
			return "has a selector of namespaces that is none", ""
		}
		labels, known := p.m.NamespaceLabels(o.Home())
		switch {
		case s.Matches(labels):
			return "", ""
		case !known:
			return "", "the labels of namespace " + o.Home() + " were not read, by which its Gateway chooses routes"
		}
		return "takes routes of namespaces with " + s.String() + ", and not of " + o.Home(), ""
	case "Same":
		if home == o.Home() {
			return "", ""
		}
		return "takes routes of its own namespace alone", ""
	}
	return "takes routes of no namespace", ""
}

// meetHosts says that a listener's hostname and a route's have one in common; none is any (HTTPRouteSpec.Hostnames).
func meetHosts(of string, all []string) bool {
	if of == "" || len(all) == 0 {
		return true
	}
	of = strings.ToLower(of)
	return slices.ContainsFunc(all, func(host string) bool {
		host = strings.ToLower(host)
		return host == "" || host == of || under(host, of) || under(of, host)
	})
}

// under says that a name, or a wildcard, is within a wildcard: of one label, or of more, before its suffix.
func under(name, wildcard string) bool {
	suffix, wild := strings.CutPrefix(wildcard, "*")
	return wild && len(name) > len(suffix) && strings.HasSuffix(strings.TrimPrefix(name, "*"), suffix)
}

// granted says that a namespace lets a route of another one name its Service (gateway.networking.k8s.io, ReferenceGrant).
func (p *publisher) granted(o *kube.Object, namespace, service string) bool {
	for _, g := range p.grants[namespace] {
		from := slices.ContainsFunc(g.Spec.From, func(f grantFrom) bool {
			return f.Group == gatewayGroup && f.Kind == o.Kind && f.Namespace == o.Home()
		})
		if from && slices.ContainsFunc(g.Spec.To, func(t grantTo) bool {
			return t.Group == "" && t.Kind == "Service" && (t.Name == "" || t.Name == service)
		}) {
			return true
		}
	}
	return false
}

type referenceGrant struct {
	Spec struct {
		From []grantFrom `json:"from"`
		To   []grantTo   `json:"to"`
	} `json:"spec"`
}

type grantFrom struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
}

type grantTo struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

func readGrants(objects []*kube.Object) map[string][]referenceGrant {
	all := map[string][]referenceGrant{}
	for _, o := range objects {
		var of referenceGrant
		if !o.Is(gatewayGroup, "ReferenceGrant") {
			continue
		}
		if _, err := o.Decode(&of); err == nil {
			all[o.Home()] = append(all[o.Home()], of)
		}
	}
	return all
}
