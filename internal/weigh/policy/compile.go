package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

// maxPolicies bounds how many are in force.
const maxPolicies = 1000

// Compiler checks policies. What it sets up once, the types of all that there is, is used for each.
type Compiler struct{ subjects map[string]*expr.Env }

// NewCompiler declares what expressions may name.
func NewCompiler() (*Compiler, error) {
	base, err := expr.New(objects(), everywhere(), functions())
	if err != nil {
		return nil, err
	}
	c := &Compiler{subjects: map[string]*expr.Env{}}
	for _, s := range Subjects() {
		if c.subjects[s], err = base.With(nil, onlyFor(s)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// everywhere are the variables that every policy has.
func everywhere() []expr.Variable {
	return []expr.Variable{
		{Name: "image", Doc: "The target that is looked at.", Type: expr.Named("Image")},
		{Name: "config", Doc: "Its configuration. An error where that is not known.", Type: expr.Named("Config")},
		{Name: "packages", Doc: "All its packages.", Type: expr.List(expr.Named("Package"))},
		{Name: "findings", Doc: "All findings on it that nothing lets pass; none of kind policy.", Type: expr.List(expr.Named("Finding"))},
		{Name: "accepted", Doc: "The findings on it that an exception, VEX or baseline lets pass.", Type: expr.List(expr.Named("Finding"))},
		{Name: "files", Doc: "Its files that stand out. An error where they are not known.", Type: expr.List(expr.Named("File"))},
		{Name: "now", Doc: "When the scan began.", Type: expr.Time},
	}
}

// onlyFor are the variables of one subject.
func onlyFor(subject string) []expr.Variable {
	switch subject {
	case subjectPackage:
		return []expr.Variable{{Name: "pkg", Doc: "The package, in policies about packages.", Type: expr.Named("Package")}}
	case subjectFinding:
		return []expr.Variable{{Name: "finding", Doc: "The finding, in policies about findings.", Type: expr.Named("Finding")}}
	case subjectFile:
		return []expr.Variable{{Name: "file", Doc: "The file, in policies about files.", Type: expr.Named("File")}}
	case subjectManifest:
		return []expr.Variable{
			{Name: "object", Doc: "The Kubernetes object, in policies about manifests, as a ValidatingAdmissionPolicy sees it; Lists are taken apart.", Type: expr.Dyn},
			{Name: "namespaceObject", Doc: "Its namespace, in policies about manifests; null where it has none, or none of that name was read.", Type: expr.Dyn},
			{Name: "pods", Doc: "The pods that it makes, in policies about manifests: each has metadata and spec. Most workloads make one, a Service none.", Type: expr.List(expr.Dyn)},
			{Name: "containers", Doc: "The containers of these pods, in policies about manifests: also those that run first, and ephemeral ones.", Type: expr.List(expr.Named("Container"))},
			{Name: "images", Doc: "All that brings an image into these pods, in policies about manifests: their containers, and volumes that are images (sort volume).", Type: expr.List(expr.Named("Container"))},
		}
	}
	return nil
}

// Compile checks the policies of a set, with its bindings put in force. Bindings may name policies of the
// set, and of the library as lib:NAME. All that is wrong is told, each with file and line.
func (c *Compiler) Compile(set *policyfile.Set) ([]*Policy, error) {
	sources, err := Bound(set)
	if err != nil {
		return nil, err
	}
	var all []*Policy
	var errs []error
	for _, s := range sources {
		p, err := c.one(s)
		all, errs = append(all, p), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// Bound lists the policies in force: those of the set that no binding names, and one for each binding.
func Bound(set *policyfile.Set) ([]policyfile.Policy, error) {
	byName := map[string]policyfile.Policy{}
	var errs []error
	for _, p := range set.Policies {
		if before, twice := byName[p.Name.Value]; twice {
			errs = append(errs, fmt.Errorf("%s: policy %q stands in %s already", p.Name.At(1), p.Name.Value, before.Name.At(1)))
		}
		byName[p.Name.Value] = p
	}
	bound := map[string]bool{}
	var made []policyfile.Policy
	for _, b := range set.Bindings {
		of, ok := byName[b.Policy.Value]
		if name, lib := strings.CutPrefix(b.Policy.Value, LibraryPrefix); lib {
			of, ok = shipped(name)
		}
		if !ok {
			errs = append(errs, fmt.Errorf("%s: there is no policy %q; name one of these files, or of the library as %sNAME", b.Policy.At(1), b.Policy.Value, LibraryPrefix))
			continue
		}
		bound[b.Policy.Value] = true
		p, err := With(of, b.Params, b.Lines)
		errs = append(errs, err)
		p.Name = b.Name
		if b.Action.Value != "" {
			p.Action = b.Action
		}
		made = append(made, p)
	}
	all := slices.DeleteFunc(slices.Clone(set.Policies), func(p policyfile.Policy) bool { return bound[p.Name.Value] })
	all = append(all, made...)
	if len(all) > maxPolicies {
		errs = append(errs, fmt.Errorf("%d policies are in force, and at most %d can be", len(all), maxPolicies))
	}
	return all, errors.Join(errs...)
}

// With is a policy with other values of its parameters. Each must be one that it has, of the same type. Lines
// says where they stand, for errors; nil where nobody wrote them in a file.
func With(p policyfile.Policy, values map[string]any, lines map[string]string) (policyfile.Policy, error) {
	merged := maps.Clone(p.Params)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		place := ""
		if lines[name] != "" {
			place = lines[name] + ": "
		}
		old, ok := merged[name]
		if !ok {
			return p, fmt.Errorf("%spolicy %s has no parameter %q: it has %s", place, p.Name.Value, name, orNone(slices.Sorted(maps.Keys(p.Params))))
		}
		value := values[name]
		was, is := typeOf(old), typeOf(value)
		if was == expr.Double && is == expr.Int {
			value, is = float64(value.(int64)), expr.Double
		}
		if was.String() != is.String() {
			return p, fmt.Errorf("%sparameter %s of policy %s is of type %s, and this is of type %s", place, name, p.Name.Value, was, is)
		}
		merged[name] = value
	}
	p.Params = merged
	return p, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// typeOf is the type of a parameter, by its value. A list that is empty is one of texts.
func typeOf(v any) expr.Type {
	switch v := v.(type) {
	case string:
		return expr.String
	case int64:
		return expr.Int
	case float64:
		return expr.Double
	case bool:
		return expr.Bool
	case []any:
		return expr.List(common(v))
	case map[string]any:
		return expr.Map(common(slices.Collect(maps.Values(v))))
	}
	return expr.Dyn
}

// plain has lists of texts as Go's own, which are quicker to ask.
func plain(values map[string]any) map[string]any {
	out := maps.Clone(values)
	for name, v := range out {
		if list, ok := v.([]any); ok && common(list) == expr.String {
			texts := make([]string, len(list))
			for i, item := range list {
				texts[i], _ = item.(string)
			}
			out[name] = texts
		}
	}
	return out
}

func common(values []any) expr.Type {
	if len(values) == 0 {
		return expr.String
	}
	t := typeOf(values[0])
	for _, v := range values {
		if typeOf(v).String() != t.String() {
			return expr.Dyn
		}
	}
	return t
}

func (c *Compiler) one(src policyfile.Policy) (*Policy, error) {
	p := &Policy{Name: src.Name.Value, Subject: src.Subject.Value, Description: src.Description, source: src, params: &params{values: plain(src.Params)}}
	if err := p.words(); err != nil {
		return nil, err
	}
	p.Digest = digest(src, p.Action, p.Severity)
	env, err := c.paramsEnv(p)
	if err != nil {
		return nil, err
	}
	var errs []error
	if env, err = p.declareVariables(env); err != nil {
		return nil, err
	}
	compile := func(t policyfile.Text, want expr.Type) *expr.Program {
		run, err := env.Compile(t.Value, want)
		errs = append(errs, placed(t, err))
		return run
	}
	for _, n := range src.Conditions {
		p.conditions = append(p.conditions, step{n.Name.Value, n.Expression, compile(n.Expression, expr.Bool)})
	}
	for _, v := range src.Validations {
		one := validation{step: step{text: v.Expression, run: compile(v.Expression, expr.Bool)}, message: v.Message}
		if v.MessageExpression.Value != "" {
			one.words = compile(v.MessageExpression, expr.String)
		}
		p.validations = append(p.validations, one)
	}
	return p, errors.Join(errs...)
}

// coreKinds are those that have no group (k8s.io/api/core/v1).
var coreKinds = []string{
	"ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate",
	"ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount",
}

// words checks what is no expression.
func (p *Policy) words() error {
	src := p.source
	switch {
	case !slices.Contains(Subjects(), p.Subject):
		return fmt.Errorf("%s: subject %q is not known: use %s", src.Subject.At(1), p.Subject, strings.Join(Subjects(), ", "))
	}
	for _, k := range src.Kinds {
		kind := schema.ParseGroupKind(k.Value)
		if !kindForm().MatchString(k.Value) {
			return fmt.Errorf("%s: %q is no kind: write KIND or KIND.GROUP, as in Service or Ingress.networking.k8s.io", k.At(1), k.Value)
		}
		if kind.Group == "" && !slices.Contains(coreKinds, kind.Kind) {
			return fmt.Errorf("%s: %q is no kind of the core group: write its group, as in Deployment.apps or Ingress.networking.k8s.io", k.At(1), k.Value)
		}
		if served, all := kube.Serves(kind); all && !served {
			return fmt.Errorf("%s: %q is no kind that an API server has: write it in the singular, with the group of its newest version", k.At(1), k.Value)
		}
		if p.Kinds = append(p.Kinds, kind); p.Subject != subjectManifest {
			return fmt.Errorf("%s: kinds are of Kubernetes objects: write subject: %s", k.At(1), subjectManifest)
		}
	}
	switch p.Action = finding.Action(src.Action.Value); p.Action {
	case "":
		p.Action = finding.Deny
	case finding.Deny, finding.Warn:
	default:
		return fmt.Errorf("%s: action %q is not known: use deny or warn", src.Action.At(1), src.Action.Value)
	}
	p.Severity = finding.High
	if p.Action == finding.Warn {
		p.Severity = finding.Medium
	}
	if word := src.Severity.Value; word != "" {
		s, err := finding.ParseSeverity(word)
		if err != nil {
			return fmt.Errorf("%s: severity %w", src.Severity.At(1), err)
		}
		p.Severity = s
	}
	return nil
}

// kindForm is a kind, and its group where it has one.
var kindForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}(\.[a-z0-9][a-z0-9.-]{0,252})?$`)
})

// paramsEnv has the parameters of a policy, each with the type of its value.
func (c *Compiler) paramsEnv(p *Policy) (*expr.Env, error) {
	object := expr.NewObject[params]("Params", "The parameters of the policy.", 0)
	for _, name := range slices.Sorted(maps.Keys(p.params.values)) {
		object.Fields = append(object.Fields, expr.NewField(name, "", typeOf(p.source.Params[name]), func(v *params) any { return v.values[name] }))
	}
	return c.subjects[p.Subject].With([]*expr.Object{object}, []expr.Variable{{Name: "params", Type: object.Type()}})
}

// declareVariables compiles them in their order, so that each may name those before it and none itself.
func (p *Policy) declareVariables(env *expr.Env) (*expr.Env, error) {
	object := expr.NewObject[scope]("Variables", "The variables of the policy.", 0)
	known := env
	for i, n := range p.source.Variables {
		run, err := known.Compile(n.Expression.Value, expr.Type{})
		if err != nil {
			return nil, placed(n.Expression, err)
		}
		p.variables = append(p.variables, step{n.Name.Value, n.Expression, run})
		object.Fields = append(object.Fields, expr.NewField(n.Name.Value, "", run.Type, func(s *scope) any { return s.variable(i) }))
		so := *object
		so.Fields = slices.Clone(object.Fields)
		if known, err = env.With([]*expr.Object{&so}, []expr.Variable{{Name: "variables", Type: object.Type()}}); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// placed says where in the file an expression is wrong.
func placed(t policyfile.Text, err error) error {
	var at *expr.Error
	if !errors.As(err, &at) {
		return err
	}
	if strings.HasPrefix(at.Message, `"package" is a word`) {
		at.Message += `: the package is called "pkg" here`
	}
	if strings.HasPrefix(at.Message, `"variables" is neither`) {
		at.Message = "a variable may name those above it, and none stands there"
	}
	column := ""
	if at.Column > 1 {
		column = fmt.Sprintf(", column %d of the expression", at.Column)
	}
	return fmt.Errorf("%s: %s%s", t.At(at.Line), at.Message, column)
}
