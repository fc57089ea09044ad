package allowlist

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// validation is one of a policy's.
type validation struct {
	Expression        string `json:"expression"`
	MessageExpression string `json:"messageExpression"`
}

type variable struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// key is the service account of a pod, as parameters name it.
const key = `(p.spec.?serviceAccountName.orValue("") != "" ? p.spec.serviceAccountName : p.spec.?serviceAccount.orValue("") != "" ? p.spec.serviceAccount : "default")`

// of is what the accounts of an object may have of one sort. Where an object makes several pods, a container may be in any
// of them.
func of(list string) variable {
	return variable{"may_" + list, "variables.known.map(a, params.allow[variables.namespace + \"/\" + a]." + list + ").flatten()"}
}

// Policy is the list as a policy of Plimsoll's own, about manifests. It denies what is not listed.
func (l *List) Policy(namespace string) ([]byte, error) {
	allow := map[string]any{}
	for _, a := range l.Accounts {
		words := func(all []string) []string { return append([]string{}, all...) }
		allow[a.Namespace+"/"+a.Name] = map[string]any{
			"images": words(a.Images), "capabilities": words(a.Capabilities), "hostPaths": words(a.HostPaths), "rights": words(a.Rights),
		}
	}
	denied := func(name, what string) validation {
		return validation{"size(variables." + name + ") == 0", fmt.Sprintf(`%q + variables.%s.join(", ")`, what, name)}
	}
	known := `variables.accounts.filter(a, variables.namespace + "/" + a in params.allow)`
	p := map[string]any{
		"apiVersion": "plimsoll/v1", "kind": "Policy", "metadata": map[string]any{"name": "learned"},
		"spec": map[string]any{
			"subject":         "manifest",
			"description":     "What may run in a cluster is what ran in it when this list was written; all else is denied.",
			"fix":             "Add it to the list, if it is to run.",
			"params":          map[string]any{"namespace": namespace, "allow": allow},
			"matchConditions": []variable{{"it makes pods", "size(pods) > 0"}},
			"variables": []variable{
				{"namespace", `object.metadata.?namespace.orValue("") != "" ? object.metadata.namespace : params.namespace`},
				{"accounts", "pods.map(p, " + key + ")"},
				{"known", known},
				{"strangers", `variables.accounts.filter(a, !(variables.namespace + "/" + a in params.allow)).map(a, variables.namespace + "/" + a)`},
				of("images"), of("capabilities"), of("hostPaths"), of("rights"),
				{"images", `images.filter(c, !(c.registry + "/" + c.repository in variables.may_images || c.registry + "/**" in variables.may_images || ` +
					`c.registry + "/" + c.repository + "@" + c.digest in variables.may_images)).map(c, c.image)`},
				{"capabilities", `containers.map(c, c.fields.?securityContext.?capabilities.?add.orValue([]).filter(x, !(x in variables.may_capabilities)).map(x, string(x))).flatten()`},
				{"paths", `pods.map(p, p.spec.?volumes.orValue([]).filter(v, has(v.hostPath) && !(v.hostPath.path in variables.may_hostPaths)).map(v, string(v.hostPath.path))).flatten()`},
				{"contexts", contexts},
				{"has", has},
				{"rights", `variables.has.filter(r, !(r in variables.may_rights))`},
			},
			"validations": []validation{
				denied("strangers", "nothing was learned of "), denied("images", "images that are not listed: "), denied("capabilities", "capabilities that are not listed: "),
				denied("paths", "paths of the node that are not listed: "), denied("rights", "rights that are not listed: "),
			},
		},
	}
	return yaml.Marshal(p)
}

// Line is the list of images as the file that plimsoll admit serve --line takes: what is not listed is denied.
func (l *List) Line() ([]byte, error) {
	type allow struct {
		Namespaces []string `json:"namespaces"`
		Images     []string `json:"images"`
	}
	var all []allow
	for _, a := range l.Accounts {
		if len(a.Images) == 0 {
			continue
		}
		if last := len(all) - 1; last >= 0 && all[last].Namespaces[0] == a.Namespace {
			all[last].Images = merged(all[last].Images, a.Images)
			continue
		}
		all = append(all, allow{[]string{a.Namespace}, a.Images})
	}
	return yaml.Marshal(map[string]any{"default": "deny", "allow": all})
}
