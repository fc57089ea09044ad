package expr

import (
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
)

// How large values are taken to be when the cost of an expression is estimated. An image of ten thousand
// packages is a large one; a value that outgrows this meets the bound while the expression runs.
const (
	likelyString = 200
	likelyList   = 20
	likelyMap    = 50
)

// sizes estimates for CEL how large values are, and what our functions cost.
type sizes struct{ env *Env }

func (s sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	most := uint64(1)
	switch t := node.Type(); t.Kind() {
	case types.StringKind, types.BytesKind, types.DynKind, types.AnyKind:
		most = likelyString
	case types.MapKind:
		most = likelyMap
	case types.ListKind:
		most = likelyList
		for _, o := range s.env.objects {
			if len(t.Parameters()) == 1 && t.Parameters()[0].TypeName() == o.Name && o.Many > 0 {
				most = uint64(o.Many)
			}
		}
	}
	return &checker.SizeEstimate{Min: 0, Max: most}
}

func (s sizes) EstimateCallCost(_, overload string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	f := s.env.function(overload)
	if f == nil {
		return nil
	}
	if target != nil {
		args = append([]checker.AstNode{*target}, args...)
	}
	most := f.Cost + 1
	for _, a := range args {
		size := a.ComputedSize()
		if size == nil {
			size = s.EstimateSize(a)
		}
		most += weight(a.Type().Kind() == types.ListKind, size.Max)
	}
	return &checker.CallEstimate{CostEstimate: checker.CostEstimate{Min: f.Cost + 1, Max: most}}
}

// weight is what an argument adds to the cost of a call.
func weight(list bool, size uint64) uint64 {
	if list {
		return size
	}
	return size/10 + 1
}

func (e *Env) function(overload string) *Function {
	for i := range e.funcs {
		if e.funcs[i].overload() == overload {
			return &e.funcs[i]
		}
	}
	return nil
}
