package admission

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	v1 "k8s.io/api/admissionregistration/v1"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"github.com/plimsoll/plimsoll/internal/expr"
)

// Policy is one that compiles. It is not changed by use.
type Policy struct {
	spec     *v1.ValidatingAdmissionPolicySpec
	typed    *apiservercel.DeclType // of variables
	failures v1.FailurePolicyType

	variables, conditions, validations, messages, annotations []step
}

// step is an expression that compiles, and where it stands. One without a program is passed over.
type step struct {
	field, name, text string
	run               cel.Program
}

// Compile compiles all expressions of a policy. The error joins an *[Error] for each that is wrong.
func Compile(spec *v1.ValidatingAdmissionPolicySpec) (*Policy, error) {
	p := &Policy{spec: spec, typed: newVariables(), failures: v1.Fail}
	if spec.FailurePolicy != nil {
		p.failures = *spec.FailurePolicy
	}
	of := func(authorizer bool) (*cel.Env, error) {
		n := names{params: spec.ParamKind != nil, authorizer: authorizer}
		if len(spec.Variables) == 0 {
			return plainEnv(n)
		}
		return envOf(n, p.typed)
	}
	env, err := of(true)
	if err != nil {
		return nil, err
	}
	c := compilation{env: env}
	for i, v := range spec.Variables {
		s, t := c.one(fieldOf("variables", i, "expression"), v.Expression)
		s.name = v.Name
		p.variables = append(p.variables, s)
		p.typed.Fields[v.Name] = apiservercel.NewDeclField(v.Name, declared(t), true, nil, nil)
	}
	for i, v := range spec.Validations {
		s, _ := c.one(fieldOf("validations", i, "expression"), v.Expression, cel.BoolType)
		p.validations = append(p.validations, s)
	}
	for i, a := range spec.AuditAnnotations {
		s, _ := c.one(fieldOf("auditAnnotations", i, "valueExpression"), a.ValueExpression, cel.StringType, cel.NullType)
		p.annotations = append(p.annotations, s)
	}
	// The server knows no variables in conditions.
	if c.env, err = plainEnv(names{params: spec.ParamKind != nil, authorizer: true}); err != nil {
		return nil, err
	}
	for i, m := range spec.MatchConditions {
		s, _ := c.one(fieldOf("matchConditions", i, "expression"), m.Expression, cel.BoolType)
		p.conditions = append(p.conditions, s)
	}
	if !slices.ContainsFunc(spec.Validations, func(v v1.Validation) bool { return v.MessageExpression != "" }) {
		return p, errors.Join(c.wrong...)
	}
	if c.env, err = of(false); err != nil {
		return nil, err
	}
	for i, v := range spec.Validations {
		var s step
		if v.MessageExpression != "" {
			s, _ = c.one(fieldOf("validations", i, "messageExpression"), v.MessageExpression, cel.StringType)
		}
		p.messages = append(p.messages, s)
	}
	return p, errors.Join(c.wrong...)
}

type compilation struct {
	env   *cel.Env
	wrong []error
}

// one compiles an expression that gives one of the types; of none it may give any.
func (c *compilation) one(field, text string, types ...*cel.Type) (step, *cel.Type) {
	s := step{field: field, text: text}
	wrong := func(e *expr.Error) (step, *cel.Type) {
		c.wrong = append(c.wrong, &Error{field, e})
		return s, cel.DynType
	}
	if strings.TrimSpace(text) == "" {
		return wrong(&expr.Error{Line: 1, Column: 1, Message: "the expression is empty"})
	}
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return wrong(first(issues))
	}
	got := checked.OutputType()
	if len(types) > 0 && !slices.ContainsFunc(types, got.IsExactType) {
		return wrong(&expr.Error{Line: 1, Column: 1, Message: fmt.Sprintf("must evaluate to %v but got %v", types[0], got)})
	}
	var err error
	if s.run, err = c.env.Program(checked, cel.InterruptCheckFrequency(celconfig.CheckFrequency), expr.Deep(checked)); err != nil {
		return wrong(&expr.Error{Line: 1, Column: 1, Message: err.Error()})
	}
	return s, got
}

// first is the first thing that is wrong with an expression.
func first(issues *cel.Issues) *expr.Error {
	all := issues.Errors()
	if len(all) == 0 {
		return &expr.Error{Line: 1, Column: 1, Message: issues.Err().Error()}
	}
	e := slices.MinFunc(all, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	return &expr.Error{Line: max(e.Location.Line(), 1), Column: max(e.Location.Column()+1, 1), Message: expr.Brief(e.Message)}
}
