package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/tell/harden/migration"
)

// mostQuestions is how often a policy may ask the API server's authorizer: 10,000,000 units of cost, 350,000 each.
const mostQuestions = 28

// Notes say what is not kept, or is not known, in sentences. Those of Unknown make the result incomplete.
func (r *Result) Notes() (all []string) {
	for _, p := range r.Set.Policies {
		if why := p.Inert(); why != "" {
			all = append(all, fmt.Sprintf("PodSecurityPolicy %s is left out, for it admitted nothing: %s", p.Name, why))
		}
	}
	for _, n := range r.Namespaces {
		all = append(all, n.notes()...)
	}
	groups := 1
	if r.Set.Grants.Extensions {
		groups = 2
	}
	if most := mostQuestions / 2 / groups; len(r.Set.Policies) > most {
		all = append(all, fmt.Sprintf("there are %d policies: of a pod that more than %d admit and whose account may use none of those, the API server stops "+
			"asking, and denies the pod, whatever the others are: drop policies that nobody uses", len(r.Set.Policies), most))
	}
	if slices.ContainsFunc(r.Namespaces, func(n Namespace) bool { return n.Level != standard.Privileged }) {
		all = append(all, "a level holds for whoever creates a pod: what users and controllers of other namespaces may by a right of their own, "+
			"as cluster administrators may all, must keep to it, too")
	}
	return append(all,
		"ephemeral containers are judged, and nothing is filled into them: they name what a policy requires",
		"a pod that changes is judged as it is: a policy that would have filled something in refused the change, and admits it now",
		"volumes of a type that Kubernetes 1.24 did not have pass only where a policy allows all (*)",
		"seccomp profiles in annotations are written into the fields when a pod is created, for nobody reads them any more")
}

func (n *Namespace) notes() (all []string) {
	if len(n.Policies) == 0 {
		all = append(all, fmt.Sprintf("namespace %s: none of its service accounts that were read may use a policy: as before, its pods pass only by the right of who creates them", n.Name))
	}
	if n.Lowered != "" {
		all = append(all, fmt.Sprintf("namespace %s: %s", n.Name, n.Lowered))
	}
	var refused []string
	for _, d := range n.Differences {
		refused = append(refused, d.What)
	}
	if len(refused) > 0 {
		all = append(all, fmt.Sprintf("namespace %s: %s refuses what no policy spoke of: %s", n.Name, n.Level, strings.Join(refused, "; ")))
	}
	return all
}

// Unknown are the bindings whose roles were not read: what the comparison says of who may use what may be wrong. What is
// written does not depend on them, but for the levels.
func (r *Result) Unknown() []string { return r.Set.Grants.Missing }

// Different are the pods on which old and new do not agree.
func (r *Result) Different() (all []Pod) {
	for _, p := range r.Pods {
		if !p.Same() {
			all = append(all, p)
		}
	}
	return all
}

// Write is all that is to be applied, with the notes as comments.
func (r *Result) Write() ([]byte, error) {
	var b strings.Builder
	b.WriteString("# What PodSecurityPolicies said, for Kubernetes 1.36 and later, written by plimsoll admit migrate-psp.\n" +
		"# Roles and bindings stay as they are: the policies ask for the verb use on podsecuritypolicies.\n")
	for _, n := range r.Notes() {
		b.WriteString("# - " + n + "\n")
	}
	objects := []any{
		migration.Mutating(r.Set), migration.MutatingBinding(), migration.Validating(r.Set), migration.Binding(r.Action),
	}
	for _, n := range r.Namespaces {
		objects = append(objects, migration.Labels(n.Name, n.Level))
	}
	y, err := migration.Write(objects...)
	return append([]byte(b.String()), y...), err
}
