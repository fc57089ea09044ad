package suggest

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const monitoringGroup = "monitoring.coreos.com"

// Kinds are those of which a cluster has objects only where somebody asks for metrics by them.
func Kinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{{Group: monitoringGroup, Version: "v1", Kind: "ServiceMonitor"}, {Group: monitoringGroup, Version: "v1", Kind: "PodMonitor"}}
}

// monitor is what a ServiceMonitor and a PodMonitor say (monitoring.coreos.com/v1).
type monitor struct {
	Spec struct {
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
		Selector            metav1.LabelSelector `json:"selector"`
		Endpoints           []scraped            `json:"endpoints"`
		PodMetricsEndpoints []scraped            `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

// scraped is where metrics are: on a port of the Service, or of a container, by its name, or on one of the pod's.
type scraped struct {
	Port       string              `json:"port"`
	PortNumber int                 `json:"portNumber"`
	TargetPort *intstr.IntOrString `json:"targetPort"`
}

// scrapers are what the programs that ask for metrics call themselves in app.kubernetes.io/name, in app, or as an image.
var scrapers = []string{"prometheus", "prometheus-agent", "vmagent", "grafana-agent", "alloy"}

// scrapes says that pods ask others for metrics.
func scrapes(e *network.Endpoint) bool {
	of := e.Workload.Meta.Labels
	if slices.Contains(scrapers, of["app.kubernetes.io/name"]) || slices.Contains(scrapers, of["app"]) {
		return true
	}
	for _, c := range e.Workload.Spec.Containers {
		image, _, _ := strings.Cut(c.Image, "@")
		if name, _, _ := strings.Cut(path.Base(image), ":"); slices.Contains(scrapers, name) {
			return true
		}
	}
	return false
}

// monitored are the needs of those who ask for metrics, as monitors and annotations have it.
func (d *declarer) monitored(s *kube.Snapshot) {
	for _, e := range d.m.Endpoints {
		if e.Workload != nil && scrapes(e) {
			d.scrapers = append(d.scrapers, e)
		}
	}
	for _, o := range s.Objects {
		switch {
		case o.Is(monitoringGroup, "ServiceMonitor"), o.Is(monitoringGroup, "PodMonitor"):
			d.monitor(o)
		case o.Is("", "Service"):
			if annotations := o.Metadata("annotations"); annotations[scrapeKey] == "true" {
				d.annotatedService(d.services[o.Home()+"/"+o.Name], annotations[scrapePort])
			}
		}
	}
	for _, e := range d.m.Endpoints {
		if e.Workload == nil || e.Workload.Meta.Annotations[scrapeKey] != "true" {
			continue
		}
		ports := e.Listens()
		if n, err := strconv.Atoi(e.Workload.Meta.Annotations[scrapePort]); err == nil {
			ports = network.PortRange(network.TCP, n, n)
		}
		d.scrape(e, ports, "annotation "+scrapeKey+" of "+e.String())
	}
}

// The annotations of Prometheus' own example of a configuration.
const scrapeKey, scrapePort = "prometheus.io/scrape", "prometheus.io/port"

func (d *declarer) annotatedService(s *network.Service, port string) {
	if s == nil {
		return
	}
	for _, e := range s.Endpoints {
		var ports network.Ports
		for _, p := range s.Ports {
			ports = ports.Union(p.Leads(e))
		}
		if n, err := strconv.Atoi(port); err == nil {
			ports = network.PortRange(network.TCP, n, n)
		}
		d.scrape(e, ports, "annotation "+scrapeKey+" of Service "+s.Home()+"/"+s.Name)
	}
}

// scrape lets all who ask for metrics ask a pod on some ports.
func (d *declarer) scrape(to *network.Endpoint, ports network.Ports, by string) {
	if ports = ports.Intersect(network.PortRange(network.TCP, 1, 65535)); len(ports) == 0 {
		d.unknown(to, "%s is asked for metrics by %s: no container says on which port", to, by)
		return
	}
	if len(d.scrapers) == 0 {
		d.unknown(to, "metrics on %s are declared by %s: the pods of Prometheus, who asks for them, are not among what was read", ports, by)
		return
	}
	for _, from := range d.scrapers {
		if from.Kind != network.Pods || from != to {
			d.need(from, to, ports, "by "+by)
		}
	}
}

func (d *declarer) monitor(o *kube.Object) {
	var of monitor
	by := o.Kind + " " + o.Home() + "/" + o.Name
	_, err := o.Decode(&of)
	takes, wrong := metav1.LabelSelectorAsSelector(&of.Spec.Selector)
	if err = cmp.Or(err, wrong); err != nil {
		d.unknown(nil, "what %s names is not understood: %s", by, err)
		return
	}
	in := func(namespace string) bool {
		within := of.Spec.NamespaceSelector
		return within.Any || slices.Contains(within.MatchNames, namespace) || len(within.MatchNames) == 0 && namespace == o.Home()
	}
	if o.Kind == "ServiceMonitor" {
		for _, s := range d.m.Services() {
			if in(s.Home()) && takes.Matches(labels.Set(s.Metadata("labels"))) {
				for _, e := range s.Endpoints {
					for _, one := range of.Spec.Endpoints {
						d.scrape(e, one.of(s, e), by)
					}
				}
			}
		}
		return
	}
	for _, e := range d.m.Endpoints {
		if e.Workload != nil && in(e.Namespace) && takes.Matches(labels.Set(e.Labels())) {
			for _, one := range of.Spec.PodMetricsEndpoints {
				d.scrape(e, one.of(nil, e), by)
			}
		}
	}
}

// of are the ports of a pod that are meant. Service is the one behind which it stands; nil: none.
func (s scraped) of(service *network.Service, e *network.Endpoint) (all network.Ports) {
	switch {
	case s.Port != "" && service != nil:
		for _, p := range service.Ports {
			if p.Name == s.Port {
				all = all.Union(p.Leads(e))
			}
		}
	case s.Port != "":
		return containerPorts(e, s.Port)
	case s.PortNumber > 0:
		return network.PortRange(network.TCP, s.PortNumber, s.PortNumber)
	case s.TargetPort != nil && s.TargetPort.Type == intstr.String:
		return containerPorts(e, s.TargetPort.StrVal)
	case s.TargetPort != nil:
		return network.PortRange(network.TCP, int(s.TargetPort.IntVal), int(s.TargetPort.IntVal))
	}
	return all
}

// containerPorts are the ports of a name that containers of a pod have.
func containerPorts(e *network.Endpoint, name string) (all network.Ports) {
	for _, c := range slices.Concat(e.Workload.Spec.InitContainers, e.Workload.Spec.Containers) {
		for _, p := range c.Ports {
			if protocol, ok := network.ProtocolOf(cmp.Or(string(p.Protocol), "TCP")); ok && p.Name == name {
				all = all.Union(network.PortRange(protocol, int(p.ContainerPort), int(p.ContainerPort)))
			}
		}
	}
	return all
}
