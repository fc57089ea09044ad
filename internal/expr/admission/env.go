package admission

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/library"

	"github.com/plimsoll/plimsoll/internal/expr"
)

// base is what each expression may use, as k8s.io/apiserver/pkg/cel/environment lists it for the version of the
// libraries. That package is not used because it links the server's metrics and feature gates, which cost
// each start 15 ms; a test wants the two to be the same.
var base = sync.OnceValues(func() (*cel.Env, error) {
	plain, err := cel.NewEnv()
	if err != nil {
		return nil, err
	}
	all, err := plain.Extend(cel.Lib(&parts{
		compile: []cel.EnvOption{
			cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
			library.URLs(), library.Regex(), cel.CostEstimatorOptions(checker.PresenceTestHasCost(false)),
			library.Authz(), cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), library.Quantity(),
			cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(), cel.ValidateHomogeneousAggregateLiterals()),
			ext.Strings(ext.StringsVersion(2)), ext.Sets(), library.IP(), library.CIDR(), library.Format(), library.AuthzSelectors(),
			ext.TwoVarComprehensions(), library.SemverLib(library.SemverVersion(1)), ext.Lists(ext.ListsVersion(3)), library.Lists(library.ListsVersion(1)),
		},
		program: []cel.ProgramOption{
			cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost), cel.CostLimit(celconfig.PerCallLimit),
			cel.CostTrackerOptions(interpreter.PresenceTestHasCost(false)), cel.CostTracking(&library.CostEstimator{}),
		},
	}))
	if err != nil {
		return nil, err
	}
	return expr.Bounded(all, maxText)
})

// maxText is how many bytes a text may have that an expression makes. The server knows no such bound, and can run out
// of memory; what is done with a longer one costs it more than it allows.
const maxText = 32 << 20

type parts struct {
	compile []cel.EnvOption
	program []cel.ProgramOption
}

func (p *parts) CompileOptions() []cel.EnvOption     { return p.compile }
func (p *parts) ProgramOptions() []cel.ProgramOption { return p.program }

// names says which of the variables that not all expressions have are there.
type names struct{ params, authorizer bool }

// plain are the environments of policies without variables, which they share: each costs a millisecond.
var plain sync.Map // of names: func() (*cel.Env, error)

func plainEnv(n names) (*cel.Env, error) {
	made, _ := plain.LoadOrStore(n, sync.OnceValues(func() (*cel.Env, error) { return envOf(n, newVariables()) }))
	return made.(func() (*cel.Env, error))()
}

// newVariables is the type of a policy's variables. It gets a field by each that compiles.
func newVariables() *apiservercel.DeclType {
	return apiservercel.NewObjectType("kubernetes.variables", map[string]*apiservercel.DeclField{})
}

// envOf is the environment of the expressions of one policy.
func envOf(n names, variables *apiservercel.DeclType) (*cel.Env, error) {
	from, err := base()
	if err != nil {
		return nil, err
	}
	request, namespace := requestType(), namespaceType()
	options := []cel.EnvOption{
		cel.Variable("variables", variables.CelType()), cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType),
		cel.Variable("namespaceObject", namespace.CelType()), cel.Variable("request", request.CelType()),
	}
	if n.params {
		options = append(options, cel.Variable("params", cel.DynType))
	}
	if n.authorizer {
		options = append(options, cel.Variable("authorizer", library.AuthorizerType), cel.Variable("authorizer.requestResource", library.ResourceCheckType))
	}
	provider := apiservercel.NewDeclTypeProvider(variables, namespace, request)
	provider.SetRecognizeKeywordAsFieldName(true)
	types, err := provider.EnvOptions(from.CELTypeProvider())
	if err != nil {
		return nil, err
	}
	return from.Extend(append(options, types...)...)
}

// fields are those of an object, which it must have unless the name begins with a question mark.
type fields map[string]*apiservercel.DeclType

func (f fields) of(name string) *apiservercel.DeclType {
	all := map[string]*apiservercel.DeclField{}
	for n, t := range f {
		required := n[0] != '?'
		if !required {
			n = n[1:]
		}
		all[n] = apiservercel.NewDeclField(n, t, required, nil, nil)
	}
	return apiservercel.NewObjectType(name, all)
}

const unbounded = -1

var (
	text  = apiservercel.StringType
	texts = func() *apiservercel.DeclType { return apiservercel.NewListType(text, unbounded) }
)

// requestType is that of request: an AdmissionRequest without its identity and objects.
func requestType() *apiservercel.DeclType {
	kind := fields{"group": text, "version": text, "kind": text}.of("kubernetes.GroupVersionKind")
	resource := fields{"group": text, "version": text, "resource": text}.of("kubernetes.GroupVersionResource")
	user := fields{"?username": text, "?uid": text, "?groups": texts(), "?extra": apiservercel.NewMapType(text, texts(), unbounded)}.of("kubernetes.UserInfo")
	return fields{
		"kind": kind, "resource": resource, "?subResource": text, "requestKind": kind, "requestResource": resource, "?requestSubResource": text,
		"name": text, "?namespace": text, "operation": text, "userInfo": user, "?dryRun": apiservercel.BoolType, "?options": apiservercel.DynType,
	}.of("kubernetes.AdmissionRequest")
}

// namespaceType is that of namespaceObject: a Namespace without owners and managed fields.
func namespaceType() *apiservercel.DeclType {
	moment, number, words := apiservercel.TimestampType, apiservercel.IntType, apiservercel.NewMapType(text, text, unbounded)
	spec := fields{"finalizers": texts()}.of("kubernetes.NamespaceSpec")
	condition := fields{"status": text, "type": text, "lastTransitionTime": moment, "message": text, "reason": text}.of("kubernetes.NamespaceCondition")
	status := fields{"conditions": apiservercel.NewListType(condition, unbounded), "phase": text}.of("kubernetes.NamespaceStatus")
	meta := fields{
		"name": text, "generateName": text, "namespace": text, "labels": words, "annotations": words, "UID": text, "creationTimestamp": moment,
		"deletionGracePeriodSeconds": number, "deletionTimestamp": moment, "generation": number, "resourceVersion": text, "finalizers": texts(),
	}.of("kubernetes.NamespaceMetadata")
	return fields{"metadata": meta, "spec": spec, "status": status}.of("kubernetes.Namespace")
}

// declared is the type that a variable has in other expressions.
func declared(t *cel.Type) *apiservercel.DeclType {
	for _, known := range []*apiservercel.DeclType{
		apiservercel.AnyType, apiservercel.BoolType, apiservercel.BytesType, apiservercel.DoubleType, apiservercel.DurationType, apiservercel.IntType,
		apiservercel.NullType, apiservercel.StringType, apiservercel.TimestampType, apiservercel.UintType,
	} {
		if t == known.CelType() {
			return known
		}
	}
	if t.HasTrait(traits.ContainerType) && t.HasTrait(traits.IndexerType) {
		switch p := t.Parameters(); len(p) {
		case 1:
			return apiservercel.NewListType(declared(p[0]), unbounded)
		case 2:
			return apiservercel.NewMapType(declared(p[0]), declared(p[1]), unbounded)
		}
	}
	return apiservercel.DynType
}
