package native

import (
	"fmt"
	"strings"
	"testing"
)

// row is a feature in short. NS is the namespace of the case, in all that is written. The policy looks at what is in it,
// unless match says otherwise.
type row struct {
	name    string
	match   string // of the policy: more of matchConstraints
	rule    string // its resourceRule; empty: deployments are created
	spec    string // the rest of its spec
	binding string // more of the binding's spec; empty: it denies
	around  string // namespaces, parameters, definitions, roles
	labels  string // of the namespace
	objects []string
}

const deploymentRule = "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}"

// deploy writes a Deployment: its labels, its replicas (none: the server's default), and more of its pod.
func deploy(name, labels, replicas, pod string) string {
	if replicas != "" {
		replicas = "replicas: " + replicas + ", "
	}
	if pod != "" {
		pod = ", " + pod
	}
	return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, labels: {%s}}, spec: {%sselector: {matchLabels: {a: b}}, "+
		"template: {metadata: {labels: {a: b}}, spec: {containers: [{name: main, image: 'registry.example/cart:1'}]%s}}}}", name, labels, replicas, pod)
}

func podOf(name, spec string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {%s}}", name, spec)
}

const podRule = `{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}`

const (
	few = "validations: [{expression: object.spec.replicas <= 3}]"
)

var five, two = deploy("five", "", "5", ""), deploy("two", "", "2", "")

var rows = []row{
	{name: "an expression", spec: few, objects: []string{five, two}},
	{name: "a default of the server's", spec: few, objects: []string{deploy("none", "", "", "")}},
	{name: "a message", spec: "validations: [{expression: object.spec.replicas <= 3, message: ' at most three ', reason: Forbidden}]", objects: []string{five, two}},
	{name: "a message that is made", spec: "validations: [{expression: object.spec.replicas <= 3, message: one, messageExpression: \"'not ' + string(object.spec.replicas) + ' by ' + request.userInfo.username\", reason: RequestEntityTooLarge}]", objects: []string{five}},
	{name: "a message of two lines", spec: "validations: [{expression: object.spec.replicas <= 3, message: one, messageExpression: \"'a\\\\nb'\"}]", objects: []string{five}},
	{name: "a message that fails", spec: "validations: [{expression: object.spec.replicas <= 3, message: one, messageExpression: \"string(object.none)\"}]", objects: []string{five}},
	{name: "an empty message", spec: "validations: [{expression: object.spec.replicas <= 3, messageExpression: \"'  '\"}]", objects: []string{five}},
	{name: "a long message", spec: "validations: [{expression: object.spec.replicas <= 3, message: short, messageExpression: \"'" + strings.Repeat("long ", 1030) + "'\"}]", objects: []string{five}},
	{name: "the first of two", spec: "validations: [{expression: 'true'}, {expression: object.spec.replicas <= 3, message: second}, {expression: 'false', message: third}]", objects: []string{five}},
	{name: "an error denies", spec: "validations: [{expression: object.spec.paused == true}]", objects: []string{five}},
	{name: "an error is ignored", spec: "{failurePolicy: Ignore, validations: [{expression: object.spec.paused == true}, {expression: object.spec.replicas <= 3}]}", objects: []string{five, two}},
	{name: "a division by nothing", spec: "validations: [{expression: 1 / (object.spec.replicas - 5) == 0}]", objects: []string{five, two}},
	{name: "variables", spec: "{variables: [{name: most, expression: '3'}, {name: small, expression: object.spec.replicas <= variables.most}], validations: [{expression: variables.small}]}", objects: []string{five, two}},
	{name: "a variable that fails", spec: "{variables: [{name: bad, expression: object.none}], validations: [{expression: variables.bad == 1 || object.spec.replicas == 2}]}", objects: []string{five, two}},
	{name: "a condition", spec: "{matchConditions: [{name: small, expression: object.spec.replicas < 3}], validations: [{expression: 'false'}]}", objects: []string{five, two}},
	{name: "a condition that fails", spec: "{matchConditions: [{name: bad, expression: object.none == 1}], validations: [{expression: 'true'}]}", objects: []string{two}},
	{name: "a condition that fails, ignored", spec: "{failurePolicy: Ignore, matchConditions: [{name: bad, expression: object.none == 1}], validations: [{expression: 'false'}]}", objects: []string{two}},
	{name: "a condition knows no namespace", spec: "{matchConditions: [{name: ns, expression: namespaceObject == null}], validations: [{expression: 'false'}]}", objects: []string{two}},
	{name: "the request", spec: "validations: [{expression: \"request.operation == 'CREATE' && request.name == 'two' && request.namespace == 'NS' && request.resource.resource == 'deployments' && request.dryRun && request.kind.group == 'apps' && request.requestKind.kind == 'Deployment' && request.userInfo.groups.exists(g, g == 'system:masters') && request.options.kind == 'CreateOptions' && !has(request.subResource)\"}]", objects: []string{two, five}},
	{name: "there is no old object", spec: "validations: [{expression: oldObject == null}]", objects: []string{two}},
	{name: "the namespace", labels: "tier: gold", spec: "validations: [{expression: namespaceObject.metadata.labels.tier == 'gold' && namespaceObject.metadata.name == 'NS'}, {expression: \"namespaceObject.status.phase == 'Gone'\", message: it is there}]", objects: []string{two}},
	{name: "a warning", spec: few, binding: "validationActions: [Warn]", objects: []string{five, two}},
	{name: "two warnings", spec: "validations: [{expression: object.spec.replicas <= 3, message: many}, {expression: has(object.metadata.labels.team), message: no team}]", binding: "validationActions: [Warn, Audit]", objects: []string{five}},
	{name: "an audit", spec: "validations: [{expression: object.spec.replicas <= 3, message: 'many \"replicas\"'}]", binding: "validationActions: [Audit]", objects: []string{five, two}},
	{name: "denied and audited", spec: few, binding: "validationActions: [Deny, Audit]", objects: []string{five}},
	{name: "notes", spec: "{validations: [{expression: 'true'}], auditAnnotations: [{key: size, valueExpression: \"'has ' + string(object.spec.replicas)\"}, {key: none, valueExpression: \"object.spec.replicas > 3 ? '' : ' little '\"}]}", objects: []string{five, two}},
	{name: "a note that fails", spec: "auditAnnotations: [{key: bad, valueExpression: string(object.none)}]", binding: "validationActions: [Audit]", objects: []string{two}},
	{name: "a note that fails, ignored", spec: "{failurePolicy: Ignore, auditAnnotations: [{key: bad, valueExpression: string(object.none)}]}", objects: []string{two}},
	{name: "by the namespace's labels", labels: "tier: gold", spec: "validations: [{expression: 'false', message: gold}]", binding: "{validationActions: [Deny], matchResources: {namespaceSelector: {matchExpressions: [{key: tier, operator: In, values: [gold]}]}}}", objects: []string{two}},
	{name: "by other labels of the namespace", labels: "tier: tin", spec: "validations: [{expression: 'false', message: gold}]", binding: "{validationActions: [Deny], matchResources: {namespaceSelector: {matchExpressions: [{key: tier, operator: In, values: [gold]}]}}}", objects: []string{two}},
	{name: "by the object's labels", match: "objectSelector: {matchLabels: {guard: 'on'}}", spec: "validations: [{expression: 'false'}]", objects: []string{deploy("guarded", "guard: 'on'", "2", ""), two}},
	{name: "by labels that are not there", match: "objectSelector: {matchExpressions: [{key: guard, operator: DoesNotExist}]}", spec: "validations: [{expression: 'false'}]", objects: []string{deploy("guarded", "guard: 'on'", "2", ""), two}},
	{name: "by name", rule: "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], resourceNames: [two]}", spec: "validations: [{expression: 'false'}]", objects: []string{five, two}},
	{name: "but not of a name", match: "excludeResourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], resourceNames: [two]}]", spec: "validations: [{expression: 'false'}]", objects: []string{five, two}},
	{name: "of any kind", rule: "{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], scope: Namespaced}", spec: "validations: [{expression: object.kind == 'Deployment'}]", objects: []string{two, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}"}},
	{name: "of any subresource", rule: "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: ['*/scale']}", spec: "validations: [{expression: 'false'}]", objects: []string{two}},
	{name: "only updates", rule: "{apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments]}", spec: "validations: [{expression: 'false'}]", objects: []string{two}},
	{name: "of the whole cluster", rule: "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], scope: Cluster}", spec: "validations: [{expression: 'false'}]", objects: []string{two}},
	{name: "of namespaces", rule: "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], scope: Namespaced}", spec: "validations: [{expression: 'false'}]", objects: []string{two}},
	{
		name: "a cluster role", match: "namespaceSelector: {}", rule: "{apiGroups: [rbac.authorization.k8s.io], apiVersions: [v1], operations: [CREATE], resources: [clusterroles], scope: Cluster}",
		spec:    "{matchConditions: [{name: ours, expression: object.metadata.name.startsWith('NS')}], validations: [{expression: \"!object.rules.exists(r, r.verbs.exists(v, v == '*'))\", message: all verbs}, {expression: namespaceObject == null && !has(request.namespace)}]}",
		objects: []string{"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NS-all}, rules: [{apiGroups: [''], resources: [pods], verbs: ['*']}]}", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NS-get}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"},
	},
	{
		name: "a namespace by its own labels", match: "namespaceSelector: {matchLabels: {new: NS}}", rule: "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [namespaces]}",
		spec:    "validations: [{expression: \"object.metadata.labels['kubernetes.io/metadata.name'] == object.metadata.name && request.namespace == 'none'\", messageExpression: \"'namespace ' + request.namespace\"}]",
		objects: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: NS-new, labels: {new: NS}}}", "{apiVersion: v1, kind: Namespace, metadata: {name: NS-old}}"},
	},
	{name: "a parameter", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: object.spec.replicas <= int(params.data.most), messageExpression: \"'at most ' + params.data.most + ' by ' + params.metadata.name + ' ' + params.kind\"}]}", binding: "{validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}}", around: "{apiVersion: v1, kind: ConfigMap, metadata: {name: limits, namespace: NS}, data: {most: '3'}}", objects: []string{five, two}},
	{name: "a parameter of another namespace", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: object.spec.replicas <= int(params.data.most)}]}", binding: "{validationActions: [Deny], paramRef: {name: NS-limits, namespace: default, parameterNotFoundAction: Deny}}", around: "{apiVersion: v1, kind: ConfigMap, metadata: {name: NS-limits, namespace: default}, data: {most: '3'}}", objects: []string{five, two}},
	{name: "no parameter", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'true'}]}", binding: "{validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}}", objects: []string{two}},
	{name: "no parameter, and warned", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'true'}]}", binding: "{validationActions: [Warn], paramRef: {name: limits, parameterNotFoundAction: Deny}}", objects: []string{two}},
	{name: "no parameter, ignored", spec: "{failurePolicy: Ignore, paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'false'}]}", binding: "{validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}}", objects: []string{two}},
	{name: "no parameter, allowed", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'false'}]}", binding: "{validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Allow}}", objects: []string{two}},
	{name: "a binding without parameters", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: params == null}, {expression: params.data.most == '1'}]}", objects: []string{two}},
	{name: "parameters by labels", spec: "{paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: object.spec.replicas <= int(params.data.most), messageExpression: \"'at most ' + params.data.most\"}]}", binding: "{validationActions: [Deny], paramRef: {selector: {matchLabels: {limit: 'yes'}}, parameterNotFoundAction: Deny}}", around: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: NS, labels: {limit: 'yes'}}, data: {most: '4'}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: NS, labels: {limit: 'yes'}}, data: {most: '9'}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: NS}, data: {most: '1'}}", objects: []string{five, two}},
	{name: "a custom parameter", spec: "{paramKind: {apiVersion: shop.example/v1, kind: Limit}, validations: [{expression: object.spec.replicas <= params.most}]}", binding: "{validationActions: [Deny], paramRef: {name: NS, parameterNotFoundAction: Deny}}", around: limitDefinition + "\n---\n{apiVersion: shop.example/v1, kind: Limit, metadata: {name: NS}, most: 3}", objects: []string{five, two}},
	{name: "a namespace for what has none", spec: "{paramKind: {apiVersion: v1, kind: Node}, validations: [{expression: 'true'}]}", binding: "{validationActions: [Deny], paramRef: {name: x, namespace: default, parameterNotFoundAction: Allow}}", objects: []string{two}},
	{name: "a secret as a parameter", spec: "{paramKind: {apiVersion: v1, kind: Secret}, validations: [{expression: params.type == 'Opaque' && object.spec.replicas < 3}]}", binding: "{validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}}", around: "{apiVersion: v1, kind: Secret, metadata: {name: limits, namespace: NS}}", objects: []string{five, two}},
	{name: "who may", spec: "validations: [{expression: \"authorizer.group('shop.example').resource('policies').namespace('NS').name(object.metadata.name).check('use').allowed()\"}, {expression: \"authorizer.serviceAccount('NS', 'robot').group('').resource('pods').namespace('NS').check('get').allowed()\", message: the robot may not}]", objects: []string{two}},
	{name: "who may by a role", spec: "validations: [{expression: \"authorizer.serviceAccount('NS', 'robot').group('').resource('pods').namespace('NS').check('get').allowed()\"}, {expression: \"authorizer.serviceAccount('NS', 'robot').path('/metrics').check('get').allowed()\", message: no metrics}]", around: "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: NS}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r, namespace: NS}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: robot, namespace: NS}]}", objects: []string{two}},
	{name: "the resource that is asked for", spec: "validations: [{expression: \"authorizer.requestResource.check('create').allowed() && !authorizer.serviceAccount('NS', 'nobody').group('apps').resource('deployments').check('create').allowed()\"}]", objects: []string{two}},
	{name: "privileged", rule: podRule, spec: "validations: [{expression: \"object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged)\", message: privileged}]", objects: []string{podOf("bad", "containers: [{name: a, image: b, securityContext: {privileged: true}}]"), podOf("good", "containers: [{name: a, image: b, securityContext: {privileged: false}}]"), podOf("none", "containers: [{name: a, image: b}]")}},
	{name: "what a default makes", rule: podRule, spec: "validations: [{expression: \"has(object.spec.securityContext) && object.spec.restartPolicy == 'Always' && object.spec.containers.all(c, c.imagePullPolicy == 'Always' && c.terminationMessagePath == '/dev/termination-log')\"}, {expression: object.spec.securityContext.runAsNonRoot == true}]", objects: []string{podOf("untagged", "containers: [{name: a, image: b}]"), podOf("tagged", "containers: [{name: a, image: 'b:1'}]")}},
	{name: "what is false is not there", rule: podRule, spec: "validations: [{expression: \"!has(object.spec.hostNetwork)\"}]", objects: []string{podOf("closed", "hostNetwork: false, containers: [{name: a, image: b}]"), podOf("open", "hostNetwork: true, containers: [{name: a, image: b}]")}},
	{name: "quantities", rule: podRule, spec: "validations: [{expression: \"object.spec.containers.all(c, has(c.resources.limits) && 'memory' in c.resources.limits && quantity(c.resources.limits['memory']).isLessThan(quantity('1Gi')) && c.resources.requests['memory'] == c.resources.limits['memory'])\"}]", objects: []string{podOf("small", "containers: [{name: a, image: b, resources: {limits: {memory: 512Mi}}}]"), podOf("large", "containers: [{name: a, image: b, resources: {limits: {memory: 2048Mi}}}]"), podOf("none", "containers: [{name: a, image: b}]")}},
	{name: "registries", rule: podRule, spec: "{variables: [{name: images, expression: \"object.spec.containers.map(c, c.image) + object.spec.?initContainers.orValue([]).map(c, c.image)\"}], validations: [{expression: \"variables.images.all(i, i.startsWith('registry.example/'))\", messageExpression: \"'not of the registry: ' + variables.images.filter(i, !i.startsWith('registry.example/')).join(', ')\"}]}", objects: []string{podOf("other", "containers: [{name: a, image: 'evil.example/a'}], initContainers: [{name: b, image: b}]"), podOf("ours", "containers: [{name: a, image: 'registry.example/a'}]")}},
	{name: "functions", rule: podRule, spec: "validations: [{expression: \"'a1b'.find('[0-9]') == '1' && url('https://x.example/y').getHost() == 'x.example' && ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.1.1') && semver('1.2.3').isLessThan(semver('1.3.0')) && !format.dns1123Label().validate('OK').hasValue() == false && [1, 2].sum() == 3 && sets.contains([1, 2], [1])\"}]", objects: []string{podOf("one", "containers: [{name: a, image: b}]")}},
	{name: "too dear", rule: podRule, spec: "{variables: [{name: many, expression: \"'" + strings.Repeat("a,", 400) + "'.split(',')\"}], validations: [{expression: \"variables.many.all(x, variables.many.all(y, variables.many.all(z, x + y + z != '')))\"}]}", objects: []string{podOf("one", "containers: [{name: a, image: b}]")}},
	{name: "too dear together", rule: podRule, spec: "{variables: [{name: many, expression: \"'" + strings.Repeat("a,", 250) + "'.split(',')\"}], validations: [" + strings.TrimSuffix(strings.Repeat("{expression: \"variables.many.all(x, variables.many.all(y, x + y != 'b'))\"}, ", 40), ", ") + "]}", objects: []string{podOf("one", "containers: [{name: a, image: b}]")}},
	{name: "a custom object", rule: "{apiGroups: [shop.example], apiVersions: [v1], operations: [CREATE], resources: [limits]}", match: "namespaceSelector: {}", spec: "{matchConditions: [{name: ours, expression: object.metadata.name.startsWith('NS')}], validations: [{expression: object.most < 9}, {expression: has(object.least), message: no least}]}", around: "", objects: []string{"{apiVersion: shop.example/v1, kind: Limit, metadata: {name: NS-a}, most: 10}", "{apiVersion: shop.example/v1, kind: Limit, metadata: {name: NS-b}, most: 3}", "{apiVersion: shop.example/v1, kind: Limit, metadata: {name: NS-c}, most: 3, least: 1}"}},
	{name: "what is about policies", match: "namespaceSelector: {}", rule: "{apiGroups: [admissionregistration.k8s.io], apiVersions: ['*'], operations: ['*'], resources: ['*']}", spec: "validations: [{expression: 'false'}]", objects: []string{"{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: NS}, spec: {policyName: none, validationActions: [Deny]}}"}},
	{name: "jobs", rule: "{apiGroups: [batch], apiVersions: [v1], operations: [CREATE], resources: [jobs, cronjobs]}", spec: "validations: [{expression: \"object.kind == 'Job' ? object.spec.backoffLimit == 6 && !object.spec.suspend : object.spec.concurrencyPolicy == 'Forbid'\"}]", objects: []string{"{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}}"}},
	{name: "a service", rule: "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [services]}", spec: "validations: [{expression: \"object.spec.type != 'LoadBalancer' && object.spec.ports.all(p, p.protocol == 'TCP' && p.targetPort == p.port)\"}]", objects: []string{"{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}", "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {type: LoadBalancer, ports: [{port: 80}]}}"}},
	{name: "a secret's bytes", rule: "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [secrets]}", spec: "validations: [{expression: \"object.data.key == b'value'\"}]", objects: []string{"{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {key: dmFsdWU=}}", "{apiVersion: v1, kind: Secret, metadata: {name: b}, data: {key: bm8=}}"}},
}

const limitDefinition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: limits.shop.example}, spec: {group: shop.example, scope: Cluster, names: {plural: limits, kind: Limit}, " +
	"versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {most: {type: integer}, least: {type: integer}}}}}]}}"

func readCases(t testing.TB) (all []testCase) {
	t.Helper()
	for i, r := range rows {
		ns := fmt.Sprintf("case-%02d", i)
		fill := func(text string) string { return strings.ReplaceAll(text, "NS", ns) }
		if r.rule == "" {
			r.rule = deploymentRule
		}
		if r.binding == "" {
			r.binding = "validationActions: [Deny]"
		}
		if !strings.Contains(r.match, "namespaceSelector") {
			r.match = strings.TrimSuffix("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}}, "+r.match, ", ")
		}
		braces := func(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}") }
		if !strings.HasPrefix(r.spec, "{") {
			r.spec = "{" + r.spec + "}"
		}
		if !strings.HasPrefix(r.binding, "{") {
			r.binding = "{" + r.binding + "}"
		}
		c := testCase{name: r.name, namespace: ns}
		c.policies = parse(t, r.name, fill(fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: NS}, spec: {matchConstraints: {%s, resourceRules: [%s]}, %s}}\n---\n"+
			"{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: NS-bound}, spec: {policyName: NS, %s}}", r.match, r.rule, braces(r.spec), braces(r.binding))))
		c.around = parse(t, r.name, fill(fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: NS, labels: {%s}}}\n---\n%s", r.labels, r.around)))
		for _, o := range r.objects {
			c.objects = append(c.objects, parse(t, r.name, fill(o))...)
		}
		all = append(all, c)
	}
	return all
}
