package pod

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// put sets a field of an object, and makes what it belongs to.
func put(fields map[string]any, parent string, s setting) {
	if s.key == "-" {
		above, list := "", parent
		if dot := strings.LastIndexByte(parent, '.'); dot >= 0 {
			above, list = parent[:dot], parent[dot+1:]
		}
		if in := into(fields, above); in != nil {
			items, _ := in[list].([]any)
			in[list] = append(items, s.value)
		}
		return
	}
	if in := into(fields, parent); in != nil {
		in[s.key] = s.value
	}
}

// into is the map at a path, made where there is none; nil where something else stands there.
func into(fields map[string]any, at string) map[string]any {
	var v any = fields
	for step := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(at, "[", "."), "]", ""), ".") {
		switch in := v.(type) {
		case map[string]any:
			if in[step] == nil {
				in[step] = map[string]any{}
			}
			v = in[step]
		case []any:
			var n int
			if _, err := fmt.Sscan(step, &n); err != nil || n >= len(in) {
				return nil
			}
			v = in[n]
		}
	}
	in, _ := v.(map[string]any)
	return in
}

// clone copies all of a value.
func clone(v any) any {
	switch in := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(in))
		for k, v := range in {
			out[k] = clone(v)
		}
		return out
	case []any:
		out := make([]any, len(in))
		for i, v := range in {
			out[i] = clone(v)
		}
		return out
	}
	return v
}

// tokenPath is where programs look for the token of their account.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// withoutToken takes out of a pod what the API server has put in before anybody else was asked: the volume with the
// default account's token. That the pod wants none comes too late for it.
func (f *Facts) withoutToken(pod map[string]any) {
	names, elsewhere := map[any]bool{}, map[any]bool{} // the latter are mounted in other places, too
	for i := range f.Spec.Volumes {
		if v := &f.Spec.Volumes[i]; serversToken(v) {
			names[v.Name] = true
		}
	}
	spec, _ := pod["spec"].(map[string]any)
	if spec == nil || len(names) == 0 {
		return
	}
	for _, sort := range []string{"initContainers", "containers"} {
		list, _ := spec[sort].([]any)
		for _, c := range list {
			if fields, ok := c.(map[string]any); ok {
				drop(fields, "volumeMounts", func(m map[string]any) bool { return names[m["name"]] && m["mountPath"] == tokenPath })
				for _, m := range items(fields, "volumeMounts") {
					elsewhere[m["name"]] = true
				}
			}
		}
	}
	drop(spec, "volumes", func(v map[string]any) bool { return names[v["name"]] && !elsewhere[v["name"]] })
}

// serversToken says that a volume is the one that the API server makes for a token: a token of an hour with the
// cluster's authority and the namespace's name, and nothing else (plugin/pkg/admission/serviceaccount).
func serversToken(v *corev1.Volume) bool {
	if !strings.HasPrefix(v.Name, "kube-api-access-") || v.Projected == nil || len(v.Projected.Sources) != 3 {
		return false
	}
	token, ca, namespace := v.Projected.Sources[0].ServiceAccountToken, v.Projected.Sources[1].ConfigMap, v.Projected.Sources[2].DownwardAPI
	return token != nil && token.Path == "token" && token.Audience == "" && ca != nil && ca.Name == "kube-root-ca.crt" && namespace != nil
}

func items(in map[string]any, list string) (all []map[string]any) {
	of, _ := in[list].([]any)
	for _, v := range of {
		if fields, ok := v.(map[string]any); ok {
			all = append(all, fields)
		}
	}
	return all
}

// drop takes items out of a list, and the list where it is left empty.
func drop(in map[string]any, list string, which func(map[string]any) bool) {
	of, _ := in[list].([]any)
	left := slices.DeleteFunc(of, func(v any) bool {
		fields, ok := v.(map[string]any)
		return ok && which(fields)
	})
	if in[list] = left; len(left) == 0 {
		delete(in, list)
	}
}
