package risk

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func words(s string) []string { return strings.Split(s, ",") }

// kept are the checks of what is kept without need: accounts, credentials, bindings.
func kept() []Check {
	return []Check{
		bootstrapGroup(),
		{
			Card: card("shared-account", "workloads that are not one share an account with rights", finding.Low, "nsa-1.2/rbac attack/T1078", check.Page{
				Why:  "What one of them needs, all of them have, and the audit log does not tell them apart.",
				Fix:  "Give each an account of its own, bound to what it needs.",
				Bad:  binds("view", cart) + "---\n" + examplePod + "---\n" + strings.Replace(examplePod, "{name: cart,", "{name: mail,", 1),
				Good: binds("view", cart) + "---\n" + examplePod + "---\n" + strings.Replace(strings.Replace(examplePod, "{name: cart,", "{name: mail,", 1), "serviceAccountName: cart", "serviceAccountName: mail", 1),
			}),
			look: shared,
		},
		{
			Card: card("dangling", "a binding names what is not there", finding.Low, "nsa-1.2/rbac", check.Page{
				Why:  "Who makes a role or an account of that name later has the right, or gives it, and nobody looks at the binding again. What is not in some files may be elsewhere: the check needs all of a cluster, which cluster scan, rbac risky without a TARGET, and what cluster dump wrote have.",
				Fix:  "Remove the binding, or the subject.",
				Bad:  binds("cart", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: ops}"),
				Good: exampleRole + "- {apiGroups: [''], resources: [pods], verbs: [get]}\n---\n" + binds("cart", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: ops}"),
			}),
			whole: true, look: dangling,
		},
		{
			Card: card("token-secret", "a Secret keeps an account's token that does not end", finding.Medium, "kube-bench/3.1.2 cis-k8s-1.12/3.1.2 cis-k8s-1.12/5.1.6 nsa-1.2/protecting-pod-service-account-tokens attack/T1528", check.Page{
				Why:  "The token is good until the Secret or the account is deleted, on any machine, and whoever reads the Secret has it. Pods are given tokens that end within the hour.",
				Fix:  "Ask for tokens where they are used: a projected volume, or kubectl create token for as long as it takes.",
				Bad:  "apiVersion: v1\nkind: Secret\nmetadata:\n  name: cart\n  namespace: shop\n  annotations: {kubernetes.io/service-account.name: cart}\ntype: kubernetes.io/service-account-token\n",
				Good: "apiVersion: v1\nkind: Secret\nmetadata: {name: cart, namespace: shop}\ntype: Opaque\n",
			}),
			look: func(f *Facts) (hits []check.Hit) {
				for _, o := range f.kube.Objects {
					if o.Is("", "Secret") && o.Fields["type"] == "kubernetes.io/service-account-token" && f.own(o) {
						hits = append(hits, at(o, "type", "Secret "+o.Name+", of the account "+o.Metadata("annotations")["kubernetes.io/service-account.name"]))
					}
				}
				return hits
			},
		},
		{
			Card: card("client-certificate", "a certificate makes somebody a user whom nobody can shut out", finding.Low, "cis-k8s-1.12/3.1.1 attack/T1649", check.Page{
				Why:  "The API server knows no revocation: the certificate is good until it ends, whoever has its key, and bindings to its user are all that can be taken away.",
				Fix:  "Have people log in by OIDC or a directory, and keep certificates for the cluster's own parts.",
				Bad:  exampleRequest("kubernetes.io/kube-apiserver-client"),
				Good: exampleRequest("kubernetes.io/kubelet-serving"),
			}),
			look: func(f *Facts) (hits []check.Hit) {
				for _, o := range f.kube.Objects {
					spec, _ := o.Fields["spec"].(map[string]any)
					if o.Is("certificates.k8s.io", "CertificateSigningRequest") && spec["signerName"] == "kubernetes.io/kube-apiserver-client" && f.own(o) {
						hits = append(hits, at(o, "spec.request", o.Name+" asks for "+asked(spec)))
					}
				}
				return hits
			},
		},
	}
}

// exampleRequest asks for the user ann; who made its key has thrown it away.
func exampleRequest(signer string) string {
	return "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: ann}\nspec:\n  signerName: " + signer + "\n  usages: [client auth]\n  request: Q1NS\n"
}

// asked is whom a request would have the certificate name.
func asked(spec map[string]any) string {
	text, _ := spec["request"].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if block, _ := pem.Decode(raw); err == nil && block != nil {
		if r, err := x509.ParseCertificateRequest(block.Bytes); err == nil {
			return fmt.Sprintf("user %q, groups %q", r.Subject.CommonName, r.Subject.Organization)
		}
	}
	return "a certificate, in a request that cannot be read"
}

// shared finds accounts with rights that people gave, which several workloads run as.
func shared(f *Facts) (hits []check.Hit) {
	by := map[rbac.Subject][]*kube.Workload{}
	for i := range f.kube.Workloads {
		w := &f.kube.Workloads[i]
		by[path.AccountOf(w)] = append(by[path.AccountOf(w)], w)
	}
	for _, s := range slices.SortedFunc(maps.Keys(by), rbac.Compare) {
		var names []string
		for _, w := range by[s] {
			names = append(names, w.Kind+" "+w.Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		grants := slices.DeleteFunc(f.model.Of(s), func(g *rbac.Grant) bool { return g.Builtin || g.Assumed || !f.own(g.Object) })
		if len(names) > 1 && len(grants) > 0 {
			g := grants[0]
			hits = append(hits, at(g.Object, subjectField(g), fmt.Sprintf("%s is %s", s, strings.Join(names[:min(len(names), 5)], ", "))))
		}
	}
	return hits
}

// dangling finds bindings to roles and accounts that are not there. Those that Kubernetes makes for the parts of other set-ups are left out.
func dangling(f *Facts) (hits []check.Hit) {
	for _, b := range f.model.Bindings {
		if b.Builtin || !f.own(b.Object) {
			continue
		}
		if b.Role == nil {
			hits = append(hits, at(b.Object, "roleRef", b.String()+": there is no "+b.RoleKind+" "+b.RoleName))
		}
	}
	return append(hits, f.grants(func(g *rbac.Grant) (string, bool) {
		s := g.Subject
		return "is not there", s.Kind == rbac.ServiceAccount && f.kube.Find("", rbac.ServiceAccount, s.Namespace, s.Name) == nil
	})...)
}
