package admit

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Operation is one step of a JSON patch (RFC 6902).
type Operation struct {
	Op    string `json:"op"` // add, remove or replace
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"` // nil where something is removed
}

// patch makes of one value another: with few steps, each as deep down as it can be. Lists are of objects that are
// taken out and put behind, and never change places.
func patch(before, after any, at string) (all []Operation) {
	switch a := after.(type) {
	case map[string]any:
		if b, ok := before.(map[string]any); ok {
			return patchMap(b, a, at)
		}
	case []any:
		if b, ok := before.([]any); ok {
			return patchList(b, a, at)
		}
	}
	switch {
	case reflect.DeepEqual(before, after):
		return nil
	case before == nil:
		return []Operation{{"add", at, after}}
	}
	return []Operation{{"replace", at, after}}
}

func patchMap(before, after map[string]any, at string) (all []Operation) {
	var keys []string
	for k := range before {
		keys = append(keys, k)
	}
	for k := range after {
		if _, ok := before[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		under := at + "/" + strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1")
		if now, ok := after[k]; ok {
			all = append(all, patch(before[k], now, under)...)
		} else {
			all = append(all, Operation{"remove", under, nil})
		}
	}
	return all
}

func patchList(before, after []any, at string) (all []Operation) {
	var was, gone []int // what stays, and what goes
	for i := range before {
		if n := len(was); n < len(after) && identity(before[i]) == identity(after[n]) {
			was = append(was, i)
		} else {
			gone = append(gone, i)
		}
	}
	for _, i := range slices.Backward(gone) {
		all = append(all, Operation{"remove", at + "/" + strconv.Itoa(i), nil})
	}
	for n, i := range was {
		all = append(all, patch(before[i], after[n], at+"/"+strconv.Itoa(n))...)
	}
	for _, v := range after[len(was):] {
		all = append(all, Operation{"add", at + "/-", v})
	}
	return all
}

// identity tells which item of a list is which: a container by its name, a mount by its path.
func identity(v any) string {
	if fields, ok := v.(map[string]any); ok {
		return fmt.Sprintf("%v %v", fields["name"], fields["mountPath"])
	}
	return fmt.Sprint(v)
}
