package kube

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/testbed/cluster"
)

const richPod = `
initContainers:
- {name: i, image: 'reg.example:5000/i', ports: [{containerPort: 80}], resources: {limits: {cpu: 0.0001}}}
containers:
- name: a
  image: a@sha256:0000000000000000000000000000000000000000000000000000000000000000
  env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
  livenessProbe: {httpGet: {port: 80}}
  readinessProbe: {grpc: {port: 80}, periodSeconds: 3}
  startupProbe: {tcpSocket: {port: 80}}
  lifecycle: {preStop: {httpGet: {port: 80}}}
  resources: {limits: {memory: 1Gi, cpu: 1}, requests: {cpu: 100m}}
- {name: b, image: 'b:latest', securityContext: {}}
- {name: c, image: 'c:1', imagePullPolicy: Never}
volumes:
- {name: none}
- {name: host, hostPath: {path: /x}}
- {name: secret, secret: {secretName: s}}
- {name: config, configMap: {name: c}}
- {name: down, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: metadata.name}}]}}
- {name: all, projected: {sources: [{serviceAccountToken: {path: t}}, {downwardAPI: {items: [{path: a, fieldRef: {fieldPath: metadata.name}}]}}]}}
- {name: claim, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
- {name: image, image: {reference: 'x:1'}}
`

// TestDefaultAsTheServer wants what is filled in to be what a real API server fills in. What its other plugins do, and
// what it makes up itself (addresses, ports, selectors of jobs), is left out.
func TestDefaultAsTheServer(t *testing.T) {
	c := cluster.Start(t)
	admin := c.Client("admin", "system:masters")
	pod := strings.ReplaceAll(strings.TrimSpace(richPod), "\n", "\n      ")
	template := "\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      "
	meta := "metadata: {name: x, namespace: default}\n"
	for path, text := range map[string]string{
		"/api/v1/namespaces/default/pods?":                                    "apiVersion: v1\nkind: Pod\n" + meta + "spec:\n  serviceAccountName: robot\n  " + strings.ReplaceAll(strings.TrimSpace(richPod), "\n", "\n  "),
		"/api/v1/namespaces/default/pods?host":                                "apiVersion: v1\nkind: Pod\n" + meta + "spec: {hostNetwork: true, serviceAccount: old, containers: [{name: a, image: a, ports: [{containerPort: 80}]}]}",
		"/apis/apps/v1/namespaces/default/deployments?":                       "apiVersion: apps/v1\nkind: Deployment\n" + meta + "spec:\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/apis/apps/v1/namespaces/default/deployments?recreate":               "apiVersion: apps/v1\nkind: Deployment\n" + meta + "spec:\n  strategy: {type: Recreate}\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/apis/apps/v1/namespaces/default/replicasets?":                       "apiVersion: apps/v1\nkind: ReplicaSet\n" + meta + "spec:\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/apis/apps/v1/namespaces/default/daemonsets?":                        "apiVersion: apps/v1\nkind: DaemonSet\n" + meta + "spec:\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/apis/apps/v1/namespaces/default/statefulsets?":                      "apiVersion: apps/v1\nkind: StatefulSet\n" + meta + "spec:\n  serviceName: x\n  volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/apis/apps/v1/namespaces/default/statefulsets?partition":             "apiVersion: apps/v1\nkind: StatefulSet\n" + meta + "spec:\n  serviceName: x\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {}}\n  selector: {matchLabels: {a: b}}" + template + pod,
		"/api/v1/namespaces/default/replicationcontrollers?":                  "apiVersion: v1\nkind: ReplicationController\n" + meta + "spec:" + template + pod,
		"/apis/batch/v1/namespaces/default/jobs?":                             "apiVersion: batch/v1\nkind: Job\n" + meta + "spec:" + template + pod + "\n      restartPolicy: Never",
		"/apis/batch/v1/namespaces/default/jobs?indexed":                      "apiVersion: batch/v1\nkind: Job\n" + meta + "spec:\n  parallelism: 2\n  completions: 2\n  completionMode: Indexed\n  backoffLimitPerIndex: 1\n  podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: In, values: [1]}}]}" + template + pod + "\n      restartPolicy: Never",
		"/apis/batch/v1/namespaces/default/cronjobs?":                         "apiVersion: batch/v1\nkind: CronJob\n" + meta + "spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}",
		"/api/v1/namespaces/default/services?":                                "apiVersion: v1\nkind: Service\n" + meta + "spec: {ports: [{port: 80}]}",
		"/api/v1/namespaces/default/services?balancer":                        "apiVersion: v1\nkind: Service\n" + meta + "spec: {type: LoadBalancer, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: web}]}",
		"/api/v1/namespaces/default/services?outside":                         "apiVersion: v1\nkind: Service\n" + meta + "spec: {externalIPs: [192.0.2.1], ports: [{port: 80}]}",
		"/api/v1/namespaces/default/services?name":                            "apiVersion: v1\nkind: Service\n" + meta + "spec: {type: ExternalName, externalName: x.example}",
		"/api/v1/namespaces?":                                                 "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}",
		"/api/v1/namespaces/default/secrets?":                                 "apiVersion: v1\nkind: Secret\n" + meta,
		"/api/v1/namespaces/default/configmaps?":                              "apiVersion: v1\nkind: ConfigMap\n" + meta,
		"/api/v1/namespaces/default/serviceaccounts?":                         "apiVersion: v1\nkind: ServiceAccount\n" + meta,
		"/api/v1/namespaces/default/persistentvolumeclaims?":                  "apiVersion: v1\nkind: PersistentVolumeClaim\n" + meta + "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
		"/apis/networking.k8s.io/v1/namespaces/default/networkpolicies?":      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" + meta + "spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 53}]}]}",
		"/apis/networking.k8s.io/v1/namespaces/default/ingresses?":            "apiVersion: networking.k8s.io/v1\nkind: Ingress\n" + meta + "spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}",
		"/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings?": "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n" + meta + "roleRef: {kind: Role, name: r}\nsubjects: [{kind: User, name: u}, {kind: ServiceAccount, name: s, namespace: default}]",
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?":             "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nroleRef: {kind: ClusterRole, name: r}\nsubjects: [{kind: Group, name: g}]",
		"/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles?":        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n" + meta + "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
	} {
		t.Run(path, func(t *testing.T) {
			objects, problems := Manifest("x.yaml", []byte(text))
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			typed, filled, err := objects[0].Typed()
			if err != nil || !filled {
				t.Fatal(filled, err)
			}
			ours, theirs := map[string]any{}, map[string]any{}
			remarshal(t, typed, &ours)
			body, err := json.Marshal(objects[0].Fields)
			if err != nil {
				t.Fatal(err)
			}
			path, _, _ := strings.Cut(path, "?")
			res, err := admin.Post(c.URL+path+"?dryRun=All", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusCreated {
				t.Fatalf("%s %v", answer, err)
			}
			if err := json.Unmarshal(answer, &theirs); err != nil {
				t.Fatal(err)
			}
			for _, o := range []map[string]any{ours, theirs} {
				drop(o, "metadata", "creationTimestamp", "uid", "managedFields", "generation", "resourceVersion", "finalizers")
				if o["kind"] == "DaemonSet" { // a count of the server's
					drop(o, "metadata", "annotations")
				}
				drop(o, "spec", "tolerations", "priority", "preemptionPolicy", "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "finalizers")
				delete(o, "status")
				if o["kind"] == "Job" { // its selector is made of its identity
					drop(o, "spec", "selector")
					if template, ok := o["spec"].(map[string]any)["template"].(map[string]any); ok {
						delete(template, "metadata")
					}
					drop(o, "metadata", "labels")
				}
			}
			if o, _ := theirs["spec"].(map[string]any); o["type"] == "LoadBalancer" {
				delete(o["ports"].([]any)[0].(map[string]any), "nodePort")
			}
			if diff := cmp.Diff(bare(theirs), bare(ours)); diff != "" {
				t.Errorf("the server (-) fills in otherwise than we do (+):\n%s", diff)
			}
		})
	}
}

func remarshal(t *testing.T, from, into any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func drop(o map[string]any, of string, names ...string) {
	inner, _ := o[of].(map[string]any)
	for _, n := range names {
		delete(inner, n)
	}
}

// bare is without what is null, and without statuses and times of what stands within.
func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if inner == nil || k == "creationTimestamp" {
				delete(v, k)
				continue
			}
			v[k] = bare(inner)
		}
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
	}
	return v
}
