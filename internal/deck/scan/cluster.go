package scan

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Cluster is what a cluster holds: read from its API server, or from a dump of that.
type Cluster struct {
	*client.Contents
	Dumped bool
}

// cluster judges the objects of a cluster as those of manifests, which they once were.
func (s *scan) cluster(ctx context.Context, id string, c *Cluster) error {
	t := finding.Target{ID: id, Kind: "cluster", Name: c.Name, Origin: "api", UID: c.UID}
	worst := s.redact.Worst
	if c.Dumped {
		t.Origin, worst = "dump", dump.Worst(worst)
	}
	s.report.Targets = append(s.report.Targets, t)
	whole := len(c.Kinds) == 0
	for _, m := range c.Missing {
		whole = whole && !m.Blocking
		s.report.Coverage = append(s.report.Coverage, finding.Gap{Class: m.Class, Blocking: m.Blocking, Target: id, What: m.What, Count: 1})
	}
	if c.Settings != nil {
		h, gaps := settingsOf(c.Contents)
		if err := s.components(id, h, gaps); err != nil {
			return err
		}
	}
	if !s.concerns(manifests) {
		return nil
	}
	all := lot{kube.NewSnapshot(c.Objects, nil), map[string]bool{"": true}, whole, c.Addresses.Of} // they stand in no file
	seen, gaps := s.judgeLots(ctx, id, []lot{all}, worst)
	for _, g := range gaps {
		g.Target = id
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], seen)
	return nil
}

// settingsOf is what the API shows of how a cluster is set: its static pods, what its API server says of itself, and the
// versions of its nodes. A control plane that runs elsewhere shows less, and is then neither good nor bad.
func settingsOf(c *client.Contents) (*host.Host, []finding.Gap) {
	h := &host.Host{Name: c.Name}
	for _, o := range c.Objects {
		head, _ := o.Fields["metadata"].(map[string]any)
		notes, _ := head["annotations"].(map[string]any)
		if o.Kind == "Pod" && notes["kubernetes.io/config.mirror"] != nil {
			h.Components = append(h.Components, componentsOf("pod "+o.Namespace+"/"+o.Name, o.Fields)...)
		}
		h.Components = append(h.Components, proxiesOf(o)...)
	}
	version, _ := host.ParseVersion(c.Version, "the API server")
	if !h.Has("kube-apiserver") {
		server := &host.Component{Name: "kube-apiserver", Origin: "/version of the API server", Bare: true}
		if len(c.Settings.Flags) > 0 {
			server = host.FromFlags("kube-apiserver", "/flagz of the API server", c.Settings.Flags)
		}
		server.Version = version
		h.Components = append(h.Components, server)
	}
	for _, n := range c.Settings.Nodes {
		k := &host.Component{Name: "kubelet", Origin: "node " + n.Name, Bare: true}
		k.Version, _ = host.ParseVersion(n.Kubelet, "node "+n.Name)
		h.Components = append(h.Components, k)
		if engine := engineOf(n); engine != nil {
			h.Components = append(h.Components, engine)
		}
	}
	gaps := []finding.Gap{{Class: "not-visible", Count: 1, What: "how kubelets and container engines are set, and files of the control plane: plimsoll node scan tells on each host"}}
	var absent []string
	for _, name := range programs {
		if !h.Has(name) {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		gaps = append(gaps, finding.Gap{Class: "not-visible", Count: len(absent), What: "how " + strings.Join(absent, ", ") + " are set: no static pod of them is in the cluster"})
	}
	return h, gaps
}

// engineOf is the container engine of a node, as its kubelet tells: containerd://1.7.12; nil where that is none that is known.
func engineOf(n client.Node) *host.Component {
	name, version, _ := strings.Cut(n.Runtime, "://")
	c := &host.Component{Name: map[string]string{"containerd": "containerd", "cri-o": "crio", "docker": "dockerd"}[name], Origin: "node " + n.Name, Bare: true}
	if c.Name == "" {
		return nil
	}
	c.Version, _ = host.ParseVersion(version, c.Origin)
	return c
}

// proxiesOf are those that a DaemonSet of kube-system brings to nodes, as kubeadm has it: what nodes say of theirs is their
// kubelet's version. Their settings lie in a ConfigMap.
func proxiesOf(o *kube.Object) (all []*host.Component) {
	if o.Kind != "DaemonSet" || o.Namespace != "kube-system" {
		return nil
	}
	spec, _ := o.Fields["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	for _, c := range componentsOf("DaemonSet "+o.Namespace+"/"+o.Name, map[string]any{"kind": "Pod", "spec": template["spec"]}) {
		if c.Name == "kube-proxy" {
			c.Bare = true
			all = append(all, c)
		}
	}
	return all
}

// componentsOf are those that a pod's containers run.
func componentsOf(origin string, pod map[string]any) []*host.Component {
	b, err := json.Marshal(pod)
	if err != nil {
		return nil // it came as JSON
	}
	all, err := tree.Parse(origin, b)
	if err != nil {
		return nil
	}
	return host.FromMirror(origin, all[0])
}
