package policy

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/expr"
)

// functions are those that CEL and its libraries do not have.
func functions() []expr.Function {
	return []expr.Function{
		{
			Name: "glob", Member: true, Params: []expr.Type{expr.String, expr.String}, Result: expr.Bool,
			Doc:  "Whether a text is as the pattern says: * stands for any letters, slashes too, ? for one.",
			Call: func(a []any) (any, error) { return glob(a[1].(string), a[0].(string)), nil },
		},
		{
			Name: "glob", Member: true, Params: []expr.Type{expr.String, expr.List(expr.String)}, Result: expr.Bool,
			Doc: "Whether a text is as one of the patterns says.", Cost: 10,
			Call: func(a []any) (any, error) {
				for _, pattern := range a[1].([]string) {
					if glob(pattern, a[0].(string)) {
						return true, nil
					}
				}
				return false, nil
			},
		},
		{
			Name: "days", Params: []expr.Type{expr.Int}, Result: expr.Duration,
			Doc: "So many days, to compare with a difference of times: now - image.created > days(30).",
			Call: func(a []any) (any, error) {
				const most = math.MaxInt64 / int64(24*time.Hour)
				if n := a[0].(int64); n > -most && n < most {
					return time.Duration(n) * 24 * time.Hour, nil
				}
				return nil, fmt.Errorf("%d days are too many", a[0])
			},
		},
		{
			Name: "byteCount", Params: []expr.Type{expr.String}, Result: expr.Int,
			Doc:  "The bytes of a size as people write it: byteCount(\"200MB\"), byteCount(\"1.5GiB\").",
			Call: func(a []any) (any, error) { return byteCount(a[0].(string)) },
		},
		{
			Name: "olderThan", Member: true, Params: []expr.Type{expr.Named("Package"), expr.String}, Result: expr.Bool, Cost: 50,
			Doc: "Whether a package's version comes before another, in the order of its own kind of package. An error where a version cannot be ordered.",
			Call: func(a []any) (any, error) {
				p := a[0].(*pkg)
				if p == nil || p.in == nil {
					return nil, errNoPackage
				}
				return p.in.versions.older(p, a[1].(string))
			},
		},
		{
			Name: "licensedUnder", Member: true, Params: []expr.Type{expr.Named("Package"), expr.List(expr.String)}, Result: expr.Bool, Cost: 50,
			Doc: "Whether the package can be used under licences of the list alone: SPDX ids and classes. False where its licence is missing or not understood.",
			Call: func(a []any) (any, error) {
				p := a[0].(*pkg)
				if p == nil || p.in == nil {
					return nil, errNoPackage
				}
				return p.license().Within(a[1].([]string)), nil
			},
		},
	}
}

var errNoPackage = errors.New("there is no package here")

// glob matches in time that grows with the product of both lengths at worst.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// byteCount reads a number with a unit: decimal ones, or binary ones with an i.
func byteCount(s string) (int64, error) {
	number := strings.TrimRight(s, "kKMGTiB ")
	unit, ok := map[string]float64{
		"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}[strings.TrimSpace(s[len(number):])]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || n < 0 || n*unit > 1<<60 {
		return 0, fmt.Errorf("%q is no size: write 200MB or 1.5GiB", s)
	}
	return int64(n * unit), nil
}

// versions orders the versions of packages, each kind by its own rules.
type versions struct {
	kinds map[string]ecosystem.Ecosystem
}

func newVersions() *versions {
	v := &versions{kinds: map[string]ecosystem.Ecosystem{}}
	for _, k := range all.Ecosystems() {
		v.kinds[k.Name] = k
	}
	return v
}

func (v *versions) older(p *pkg, than string) (bool, error) {
	kind, ok := v.kinds[p.Type]
	if !ok {
		kind, ok = v.kinds["binary"]
	}
	if !ok || kind.Compare == nil {
		return false, fmt.Errorf("versions of %s packages have no order that is known", p.Type)
	}
	if p.Version == "" {
		return false, fmt.Errorf("%s has no version", p.Name)
	}
	order, err := kind.Compare(p.Version, than)
	if err != nil {
		return false, fmt.Errorf("%s: %w", p.Name, err)
	}
	return order < 0, nil
}
