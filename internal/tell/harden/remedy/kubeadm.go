package remedy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parts are where kubeadm's ClusterConfiguration has what it starts (kubeadm.k8s.io/v1beta4).
var parts = []struct{ component, field string }{
	{"kube-apiserver", "apiServer"}, {"kube-controller-manager", "controllerManager"}, {"kube-scheduler", "scheduler"}, {"etcd", "etcd.local"},
}

// kubeadm writes the plans as kubeadm takes them, so that its next upgrade does not undo them.
func (r *Remedies) kubeadm(plans []*plan) error {
	config := pairs("apiVersion", "kubeadm.k8s.io/v1beta4", "kind", "ClusterConfiguration")
	some := false
	for _, part := range parts {
		i := slices.IndexFunc(plans, func(p *plan) bool { return p.of.Name == part.component && p.of.Manifest != "" && len(p.changes) > 0 })
		if i < 0 {
			continue
		}
		some = true
		p := plans[i]
		args, volumes := &yaml.Node{Kind: yaml.SequenceNode}, &yaml.Node{Kind: yaml.SequenceNode}
		var dropped []string
		for _, c := range p.changes {
			if c.drop {
				dropped = append(dropped, c.name)
				continue
			}
			args.Content = append(args.Content, pairs("name", c.name, "value", c.value))
		}
		for _, f := range p.folders {
			one := pairs("name", f.name, "hostPath", f.path, "mountPath", f.path)
			one.Content = append(one.Content, scalar("readOnly"), typed(strconv.FormatBool(!f.writable), false), scalar("pathType"), scalar("DirectoryOrCreate"))
			volumes.Content = append(volumes.Content, one)
		}
		if len(dropped) > 0 {
			args.HeadComment = "Take these out of extraArgs: " + strings.Join(dropped, ", ")
		}
		if err := put(config, part.field+".extraArgs", args); err != nil {
			return err
		}
		if len(volumes.Content) == 0 {
			continue
		}
		if err := put(config, part.field+".extraVolumes", volumes); err != nil {
			return err
		}
	}
	if some {
		if err := r.configuration("cluster-configuration.yaml", config); err != nil {
			return err
		}
	}
	for _, p := range plans {
		if p.of.Name != "kubelet" || !p.of.Configured() || len(p.changes) == 0 {
			continue
		}
		patch := &yaml.Node{Kind: yaml.MappingNode}
		for _, c := range p.changes {
			field := cmp.Or(p.of.Field(c.name), c.name)
			value := typed(c.value, slices.Contains(lists, field))
			if c.drop {
				value = typed("null", false) // what a merge patch takes away (RFC 7396)
			}
			if err := put(patch, field, value); err != nil {
				return err
			}
		}
		if err := r.configuration("patches/kubeletconfiguration+merge.yaml", patch); err != nil {
			return err
		}
	}
	return nil
}

func (r *Remedies) configuration(name string, n *yaml.Node) error {
	text, err := encoded(n)
	r.Kubeadm = append(r.Kubeadm, File{Path: name, After: text, Mode: 0o644})
	return err
}
