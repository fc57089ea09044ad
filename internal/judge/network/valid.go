package network

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// metadata says what an API server refuses in that of a policy (k8s.io/apimachinery/pkg/api/validation).
func (r *reader) metadata(of metav1.ObjectMeta, wide bool) {
	of.Namespace = r.object.Home()
	if wide {
		of.Namespace = "" // one that is written is taken away
	}
	if of.Name == "" && of.GenerateName != "" {
		of.Name = of.GenerateName + "00000" // as the server makes one
	}
	for _, wrong := range validation.ValidateObjectMeta(&of, !wide, validation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		r.doubt(wrong.Field, "%s, so no API server takes it", wrong.ErrorBody())
	}
}

// portName is the name of a port of a container; false for what is none.
func (r *reader) portName(at, name string) bool {
	wrong := utilvalidation.IsValidPortName(name)
	if len(wrong) == 0 {
		return true
	}
	hint := ""
	if strings.Trim(name, "0123456789") == "" && name != "" {
		hint = ": a number stands without quotes"
	}
	r.doubt(at, "%q is a text, and so the name of a container's port, which %s%s", name, wrong[0], hint)
	return false
}

// strict says of a CIDR in a file that new API servers do not take it; those of a cluster were taken.
func (r *reader) strict(at, text string, prefix netip.Prefix) {
	if written, err := netip.ParsePrefix(text); err == nil && written.Addr() != prefix.Addr() && r.object.Source.Path != "" {
		r.doubt(at, "%s has bits set beyond its length, which Kubernetes 1.37 does not take: write %s", text, prefix)
	}
}

// protocol is one as an API server takes it: in capital letters.
func (r *reader) protocol(at, name string) (Protocol, bool) {
	p, ok := ProtocolOf(name)
	if !ok || p.String() != name {
		r.doubt(at, "%q is none of TCP, UDP and SCTP", name)
		return p, false
	}
	return p, true
}

// kindOf is what the definition of a kind of policies of the whole cluster says of it (sigs.k8s.io/network-policy-api v0.2.0,
// config/crd; those of v1alpha1 by the markers of apis/v1alpha1).
type kindOf struct {
	actions  []string
	most     int    // rules of a direction, peers and ports of a rule
	name     string // the only one that there may be; empty: any
	priority bool   // has to be given
	required []string
}

// mostNetworks is how many networks a peer lists at most.
const mostNetworks = 25

func clusterKind(kind string) kindOf {
	switch kind {
	case "AdminNetworkPolicy":
		return kindOf{[]string{"Allow", "Deny", "Pass"}, 100, "", true, []string{"namespaceSelector", "podSelector"}}
	case withoutPriority:
		return kindOf{[]string{"Allow", "Deny"}, 100, "default", false, []string{"namespaceSelector", "podSelector"}}
	}
	return kindOf{[]string{"Accept", "Deny", "Pass"}, 25, "", true, []string{"podSelector"}}
}

// wideObject says what of a policy of the whole cluster no API server takes, beside what its rules are.
func (r *reader) wideObject(of metav1.ObjectMeta) {
	r.metadata(of, true)
	kind := clusterKind(r.object.Kind)
	if kind.name != "" && of.Name != kind.name {
		r.doubt("metadata.name", "a %s is called %s, and no API server takes another", r.object.Kind, kind.name)
	}
	spec, _ := r.object.Fields["spec"].(map[string]any)
	if _, given := spec["priority"]; kind.priority && !given {
		r.doubt("spec.priority", "has to be given; it is taken to be 0")
	}
	r.selectors("spec", spec, kind.required)
}

// selectors finds pods that are named without a selector that has to be there.
func (r *reader) selectors(at string, fields any, required []string) {
	switch of := fields.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(of)) {
			if pods, is := of[key].(map[string]any); is && key == "pods" {
				for _, want := range required {
					if _, given := pods[want]; !given {
						r.doubt(at+".pods", "%s has to be given", want)
					}
				}
				continue // within are labels
			}
			if key != "namespaces" && key != "nodes" {
				r.selectors(at+"."+key, of[key], required)
			}
		}
	case []any:
		for i, one := range of {
			r.selectors(fmt.Sprintf("%s[%d]", at, i), one, required)
		}
	}
}

// many says that there are more of something than a definition allows, or none where it is written.
func (r *reader) many(at string, n, most int, written bool) {
	switch {
	case n > most:
		r.doubt(at, "has %d entries, and no API server takes more than %d", n, most)
	case n == 0 && written:
		r.doubt(at, "is written and empty, which no API server takes: leave it out")
	}
}

// twice notes policies, and other objects that networks are made of, of which there are several of one name: a cluster has the
// one that was applied last.
func (r *reader) twice(objects []*kube.Object) {
	type name struct{ kind, namespace, name string }
	first := map[name][]*kube.Object{}
	var order []name
	for _, o := range objects {
		if meta, _ := o.Fields["metadata"].(map[string]any); meta["name"] == nil || o.Source.Path == "" {
			continue // who has no name yet gets one of its own; of one cluster all differ
		}
		key := name{o.Kind, "", o.Name}
		switch group := o.Group(); {
		case group == policyGroup || o.Is("", "Namespace"):
		case o.Is(networkingGroup, "NetworkPolicy"), o.Is("", "Service"):
			key.namespace = o.Home()
		default:
			if _, makes := kube.MakerOf(group, o.Kind); !makes {
				continue
			}
			key.namespace = o.Home()
		}
		if first[key] == nil {
			order = append(order, key)
		}
		if !slices.ContainsFunc(first[key], func(p *kube.Object) bool { return reflect.DeepEqual(p.Fields, o.Fields) }) {
			first[key] = append(first[key], o)
		}
	}
	others, example := 0, Doubt{}
	for _, key := range order {
		all := first[key]
		if len(all) < 2 {
			continue
		}
		who := strings.TrimPrefix(key.namespace+"/"+key.name, "/")
		d := Doubt{What: fmt.Sprintf("%s %s is defined more than once, and a cluster has one of them, the last that was applied: %s", key.kind, who, places(all)), Broken: true}
		for _, p := range r.policies {
			if slices.Contains(all, p.Object) {
				d.bears.either = append(d.bears.either, p)
			}
		}
		if len(d.bears.either) > 0 {
			r.doubts = append(r.doubts, d)
			continue
		}
		if others++; others == 1 {
			example = d
		}
	}
	if others > 0 {
		what := example.What
		if others > 1 {
			what += fmt.Sprintf("; and so are %d other objects", others-1)
		}
		r.doubts = append(r.doubts, Doubt{What: what})
	}
}

// places are where objects stand: the first few.
func places(objects []*kube.Object) string {
	var all []string
	for i, o := range objects {
		if i == 3 {
			return strings.Join(all, ", ") + fmt.Sprintf(" and %d more", len(objects)-i)
		}
		for _, at := range o.At("") {
			all = append(all, fmt.Sprintf("%s:%d", at.Path, at.StartLine))
			break
		}
	}
	return strings.Join(all, ", ")
}
