package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

// TestUse wants the right to use a policy to be asked where somebody can be asked, and to be a gap where nobody can.
func TestUse(t *testing.T) {
	const spec = "{apiVersion: plimsoll/v1, kind: Policy, metadata: {name: p}, spec: {subject: %s, use: [%s]%s}}"
	compiled := func(text string) ([]*Policy, error) {
		set, err := policyfile.Parse("p.yaml", []byte(text))
		if err != nil {
			return nil, err
		}
		c, err := NewCompiler()
		if err != nil {
			t.Fatal(err)
		}
		return c.Compile(set)
	}
	for text, want := range map[string]string{
		fmt.Sprintf(spec, "image", "user", ""):                                "write subject: manifest",
		fmt.Sprintf(spec, "manifest", "root", ""):                             `use "root": write user or serviceAccount`,
		fmt.Sprintf(spec, "manifest", "user, user", ""):                       "use names user twice",
		fmt.Sprintf(spec, "manifest", "serviceAccount", ", kinds: [Service]"): "leave kinds out",
		fmt.Sprintf(spec, "manifest", "", ""):                                 "validations is empty",
	} {
		if _, err := compiled(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	all, err := compiled(fmt.Sprintf(spec, "manifest", "user", ""))
	if err != nil {
		t.Fatal(err)
	}
	pod := Object{Fields: map[string]any{}, Pods: []any{map[string]any{}}, Subject: finding.Subject{APIVersion: "v1", Kind: "Pod", Name: "x"}}
	other := Object{Fields: map[string]any{}, Subject: finding.Subject{APIVersion: "v1", Kind: "Service", Name: "x"}}
	for name, c := range map[string]struct {
		may            May
		findings, gaps int
	}{
		"nobody to ask": {nil, 0, 1},
		"she may":       {func(context.Context, *Policy, *Object) (bool, error) { return true, nil }, 0, 0},
		"she may not":   {func(context.Context, *Policy, *Object) (bool, error) { return false, nil }, 1, 0},
		"not known":     {func(context.Context, *Policy, *Object) (bool, error) { return true, errors.New("it is away") }, 0, 1},
	} {
		r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "manifest"}}}
		found, gaps := Evaluate(context.Background(), Input{Report: r, Facts: map[string]*Facts{"t1": {Objects: []Object{pod, other}}}, Policies: all, May: c.may})
		if len(found) != c.findings || len(gaps) != c.gaps || c.gaps > 0 && (!gaps[0].Blocking || gaps[0].Class != GapUnasked) {
			t.Errorf("%s: %v %v", name, found, gaps)
		}
	}
}
