package policy

import "github.com/plimsoll/plimsoll/internal/expr"

// Reference is what expressions may name, for documentation: the declarations themselves.
type Reference struct {
	Variables []expr.Variable
	Types     []*expr.Object
	Functions []expr.Function
}

// Describe lists all declarations. Params and variables are each policy's own.
func Describe() Reference {
	vars := everywhere()
	for _, s := range Subjects() {
		vars = append(vars, onlyFor(s)...)
	}
	vars = append(vars,
		expr.Variable{Name: "params", Doc: "The parameters of the policy, each with the type of its value.", Type: expr.Named("Params")},
		expr.Variable{Name: "variables", Doc: "The variables of the policy, each worked out when it is first asked for.", Type: expr.Named("Variables")},
	)
	return Reference{Variables: vars, Types: objects(), Functions: functions()}
}
