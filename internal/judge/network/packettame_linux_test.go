package network_test

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// tame makes a random cluster one that an API server takes and that can be laid out, and takes away what the agent is
// known to read otherwise than the documents: each of these has a case of TestAgent, which shows it. It counts the policies.
func tame(d *dice) (policies int) {
	was := d.objects
	d.objects = nil
	baseline := false
	if !slices.ContainsFunc(was, func(o any) bool { return o.(map[string]any)["kind"] == "Node" }) {
		// A cluster has one, on which pods in the network of their node may be.
		was = append([]any{map[string]any{"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": "node0"}, "status": map[string]any{"addresses": []any{map[string]any{"type": "Hostname", "address": "node0"}}}}}, was...)
	}
	for _, o := range was {
		fields := o.(map[string]any)
		switch fields["kind"] {
		case "Deployment": // nobody would make its pods
			template := fields["spec"].(map[string]any)["template"].(map[string]any)
			meta := fields["metadata"].(map[string]any)
			pod := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": meta["name"], "namespace": meta["namespace"], "labels": template["metadata"].(map[string]any)["labels"]}, "spec": template["spec"]}
			d.objects = append(d.objects, tamePod(pod, len(d.objects)))
		case "Pod":
			d.objects = append(d.objects, tamePod(fields, len(d.objects)))
		case "NetworkPolicy":
			d.objects = append(d.objects, fields)
		case "ClusterNetworkPolicy": // of which this agent knows the forerunners
			var p v1alpha2.ClusterNetworkPolicy
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &p); err != nil {
				panic(err)
			}
			if p.Spec.Tier == v1alpha2.BaselineTier {
				if baseline { // there is one
					continue
				}
				baseline = true
				p.Name = "default"
				allow(&p)
			}
			d.objects = append(d.objects, tameAdmin(older(&p)))
		case "AdminNetworkPolicy", "BaselineAdminNetworkPolicy":
			baseline = baseline || fields["kind"] == "BaselineAdminNetworkPolicy"
			d.objects = append(d.objects, tameAdmin(fields))
		case "Node":
			d.objects = append(d.objects, tameNode(fields, len(d.objects)))
		default:
			d.objects = append(d.objects, fields)
		}
	}
	for _, o := range d.objects {
		fields := o.(map[string]any)
		if baseline && fields["kind"] == "NetworkPolicy" { // beside which one of one direction is read in two ways
			fields["spec"].(map[string]any)["policyTypes"] = []any{"Ingress", "Egress"}
		}
		if strings.HasSuffix(fields["kind"].(string), "Policy") {
			policies++
		}
	}
	return policies
}

// allow has the last tier allow what it would pass, which is the same: the older kind has no other word.
func allow(p *v1alpha2.ClusterNetworkPolicy) {
	for i := range p.Spec.Ingress {
		if r := &p.Spec.Ingress[i]; r.Action == v1alpha2.ClusterNetworkPolicyRuleActionPass {
			r.Action = v1alpha2.ClusterNetworkPolicyRuleActionAccept
		}
	}
	for i := range p.Spec.Egress {
		if r := &p.Spec.Egress[i]; r.Action == v1alpha2.ClusterNetworkPolicyRuleActionPass {
			r.Action = v1alpha2.ClusterNetworkPolicyRuleActionAccept
		}
	}
}

// tameNode has a node have an address.
func tameNode(fields map[string]any, i int) map[string]any {
	status := fields["status"].(map[string]any)
	if all := status["addresses"].([]any); len(all) == 1 { // its name
		status["addresses"] = append(all, map[string]any{"type": "InternalIP", "address": fmt.Sprintf("10.9.1.%d", i+1)})
	}
	return fields
}

// tamePod has a pod be one with addresses, of containers that an API server takes.
func tamePod(fields map[string]any, i int) map[string]any {
	var p corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &p); err != nil {
		panic(err)
	}
	p.Spec.InitContainers = nil // the agent knows no sidecars
	var all []corev1.Container
	for _, port := range p.Spec.Containers[0].Ports { // two of one name may be a pod's, not a container's
		all = append(all, corev1.Container{Name: fmt.Sprintf("c%d", len(all)), Image: "x", Ports: []corev1.ContainerPort{port}})
	}
	if all == nil || p.Spec.HostNetwork { // where they would be the node's, which has each once
		all = []corev1.Container{{Name: "c", Image: "x"}}
	}
	p.Spec.Containers = all
	if four, six := fmt.Sprintf("10.1.1.%d", i+1), fmt.Sprintf("fd00:1::1:%d", i+1); !p.Spec.HostNetwork && p.Status.PodIPs == nil {
		for _, a := range [][]string{{four}, {six}, {four, six}}[i%3] {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a})
		}
		p.Status.PodIP = p.Status.PodIPs[0].IP
	}
	if p.Spec.HostNetwork && p.Spec.NodeName == "" {
		p.Spec.NodeName = "node0"
	}
	p.Status.Phase = corev1.PodRunning
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&p)
	if err != nil {
		panic(err)
	}
	return fields
}

// tameAdmin leaves out the ports that are named, and the nodes, of an AdminNetworkPolicy. What then says nothing, goes.
func tameAdmin(fields map[string]any) map[string]any {
	delete(fields, "status")
	spec := fields["spec"].(map[string]any)
	for way, peers := range map[string]string{ingress: "from", egress: "to"} {
		rules, _ := spec[way].([]any)
		var kept []any
		for _, r := range rules {
			rule := r.(map[string]any)
			ports, of := without(rule["ports"], "namedPort"), without(rule[peers], "nodes")
			if of == nil || ports == nil && rule["ports"] != nil {
				continue
			}
			if rule[peers] = of; ports != nil {
				rule["ports"] = ports
			}
			kept = append(kept, rule)
		}
		if delete(spec, way); kept != nil {
			spec[way] = kept
		}
	}
	return fields
}

// without are those of a list that have something, but not under a key.
func without(list any, key string) (kept []any) {
	all, _ := list.([]any)
	for _, o := range all {
		if one := o.(map[string]any); len(one) > 0 && one[key] == nil {
			kept = append(kept, one)
		}
	}
	return kept
}
