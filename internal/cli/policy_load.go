package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// policyOptions say which policies are in force.
type policyOptions struct {
	words  []string
	params []string
}

func (o *policyOptions) flags(f *pflag.FlagSet, short string) {
	f.VarP(repeated(&o.words), "policy", short, "`POLICY` to hold the target against: a file, a folder, lib:NAME (plimsoll policy list) or oci:REPOSITORY@DIGEST; may be repeated")
	f.Var(repeated(&o.params), "policy-param", "`NAME.PARAMETER=VALUE` for a policy; @FILE is a list with an entry a line; may be repeated")
}

// scans loads the policies of a scan, ours and Kubernetes', by the same ways to a registry as its targets.
func (o *policyOptions) scans(ctx context.Context, target *targetOptions) ([]*policy.Policy, *native.Set, error) {
	lo, err := target.locate()
	if err != nil {
		return nil, nil, err
	}
	lo.Registry.Options = lo.Options
	return o.all(ctx, "--policy", lo.Registry)
}

// load compiles all policies of the words, which are to be of our own. What is wrong with them is the caller's mistake.
func (o *policyOptions) load(ctx context.Context, flag string, ro registry.Options) ([]*policy.Policy, error) {
	own, objects, err := o.all(ctx, flag, ro)
	if objects != nil {
		return nil, usage("%s: %s is about what is let into a cluster: use plimsoll admit test, or plimsoll scan on manifests", flag, objects.Tool()[0].Name)
	}
	return own, err
}

func (o *policyOptions) all(ctx context.Context, flag string, ro registry.Options) ([]*policy.Policy, *native.Set, error) {
	if len(o.words) == 0 {
		if len(o.params) > 0 {
			return nil, nil, usage("--policy-param %s: no policy is named: use %s", o.params[0], flag)
		}
		return nil, nil, nil
	}
	own, objects, err := o.read(ctx, flag, ro)
	if err != nil {
		return nil, nil, err
	}
	set, err := nativeOf(flag, objects)
	if err != nil {
		return nil, nil, err
	}
	policies, err := o.compile(flag, own)
	return policies, set, err
}

// read reads all that the words name: policies of our own, with what binds them, and Kubernetes' objects.
func (o *policyOptions) read(ctx context.Context, flag string, ro registry.Options) (own policyfile.Set, objects []*kube.Object, err error) {
	for _, word := range o.words {
		more, err := policiesOf(ctx, word, ro)
		if err != nil && strings.HasPrefix(err.Error(), filepath.Base(word)+":") {
			return own, nil, exitOf(flag, err) // it names the file, and the line
		}
		if err != nil {
			return own, nil, exitOf(flag+" "+word, err)
		}
		bound, err := policy.Bound(more)
		if err != nil {
			return own, nil, usage("%s %s: %v", flag, word, err)
		}
		if len(bound)+len(more.Objects) == 0 {
			return own, nil, usage("%s %s: it holds cases, and no policy", flag, word)
		}
		own.Policies = append(own.Policies, bound...)
		objects = append(objects, more.Objects...)
	}
	return own, objects, nil
}

func (o *policyOptions) compile(flag string, set policyfile.Set) ([]*policy.Policy, error) {
	if err := o.apply(set.Policies); err != nil {
		return nil, err
	}
	c, err := policy.NewCompiler()
	if err != nil {
		return nil, err
	}
	all, err := c.Compile(&set)
	if err != nil {
		return nil, usage("%s: %v", flag, err)
	}
	return all, nil
}

// nativeOf compiles the policies of Kubernetes' own that the words name; nil where there are none.
func nativeOf(flag string, objects []*kube.Object) (*native.Set, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	set, err := native.Compile(objects)
	if err != nil {
		return nil, usage("%s: %w", flag, err)
	}
	if set.Len() == 0 {
		return nil, usage("%s: %s %s is no policy", flag, objects[0].Kind, objects[0].Name)
	}
	return set, nil
}

// exitOf keeps the status of an error that has one; others are the caller's.
func exitOf(what string, err error) error {
	var exit exitError
	if errors.As(err, &exit) {
		return exitError{exit.status, fmt.Errorf("%s: %w", what, err)}
	}
	return usage("%s: %v", what, err)
}

// policiesOf reads what one word names.
func policiesOf(ctx context.Context, word string, ro registry.Options) (*policyfile.Set, error) {
	if name, ok := strings.CutPrefix(word, policy.LibraryPrefix); ok {
		lib, err := policy.Library()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(lib.Policies, func(p policyfile.Policy) bool { return p.Name.Value == name })
		if i < 0 {
			return nil, usage("there is no policy %q in the library%s (plimsoll policy list)", name, suggestion(name, libraryNames()))
		}
		return &policyfile.Set{Policies: lib.Policies[i : i+1]}, nil
	}
	if reference, ok := strings.CutPrefix(word, "oci:"); ok {
		return artifactPolicies(ctx, reference, ro)
	}
	return policyFiles(word)
}

// policyFiles reads a file or a folder.
func policyFiles(word string) (*policyfile.Set, error) {
	set, err := policyfile.Open(word)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such file or folder; policies of the library are named lib:NAME")
	}
	return set, err
}

// apply sets the parameters that the call gives.
func (o *policyOptions) apply(all []policyfile.Policy) error {
	for _, word := range o.params {
		key, text, ok := strings.Cut(word, "=")
		name, param, ok2 := strings.Cut(key, ".")
		if !ok || !ok2 {
			return usage("--policy-param %q: write NAME.PARAMETER=VALUE, as in max-image-age.days=30", word)
		}
		i := slices.IndexFunc(all, func(p policyfile.Policy) bool { return p.Name.Value == name })
		if i < 0 {
			var names []string
			for _, p := range all {
				names = append(names, p.Name.Value)
			}
			return usage("--policy-param %q: no policy %q is in force%s", word, name, suggestion(name, names))
		}
		value, err := paramValue(text, all[i].Params[param])
		if err == nil {
			all[i], err = policy.With(all[i], map[string]any{param: value}, nil)
		}
		if err != nil {
			return usage("--policy-param %q: %v", word, err)
		}
	}
	return nil
}

// paramValue reads a value: YAML, a list from a file, or words apart by commas where a list is wanted. A text
// that looks like a number is a text where one is wanted.
func paramValue(text string, was any) (any, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		b, err := readSettings(file)
		if err != nil {
			return nil, err
		}
		return policyfile.Entries(b), nil
	}
	switch was.(type) {
	case string:
		return text, nil
	case []any:
		if !strings.HasPrefix(text, "[") {
			var all []any
			for _, item := range items(text) {
				all = append(all, item)
			}
			return all, nil
		}
	}
	return policyfile.Value(text)
}

func libraryNames() (names []string) {
	lib, err := policy.Library()
	if err != nil {
		return nil
	}
	for _, p := range lib.Policies {
		names = append(names, p.Name.Value)
	}
	return names
}

// policyWords are what --policy may be completed to beside files.
func policyWords() (words []string) {
	for _, name := range libraryNames() {
		words = append(words, policy.LibraryPrefix+name)
	}
	return words
}
