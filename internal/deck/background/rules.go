package background

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Options are what holds beside the objects of the cluster.
type Options struct {
	Policies   []*policy.Policy     // of files
	Exceptions []exceptionfile.File // of files
	// Secret tells what secret a setting or a command holds, Redact takes secrets out of a text; nil: nobody looks.
	Secret func(text string) (what string, severity finding.Severity)
	Redact func(text string) string
}

// Rules are the policies and exceptions of a cluster, and of files, compiled. They do not change, and hold for a day.
type Rules struct {
	Options
	policies   []*policy.Policy
	exceptions *exception.Set
	now        time.Time
	checks     []pod.Check
	namespaces []pod.NamespaceCheck

	version string            // of what holds everywhere
	of      map[string]string // of what holds in a namespace beside it
	// Wrong says of each Policy and Exception that does not compile why, by its place.
	Wrong map[string]error
	// Kept are the exceptions of the cluster that do, by their place.
	Kept map[string]exceptionfile.Exception
}

// Compiler makes rules of objects. What it sets up once is used each time.
type Compiler struct {
	Options
	cel *policy.Compiler
}

// NewCompiler declares what policies may name.
func NewCompiler(o Options) (*Compiler, error) {
	cel, err := policy.NewCompiler()
	if err != nil {
		return nil, err
	}
	return &Compiler{o, cel}, nil
}

// Place names a Policy or an Exception, as reports do: KIND/NAMESPACE/NAME, or KIND/NAME.
func Place(o *kube.Object) string {
	if o.Namespace == "" {
		return o.Kind + "/" + o.Name
	}
	return o.Kind + "/" + o.Namespace + "/" + o.Name
}

// Compile reads and checks the policies and exceptions that a cluster holds. One that is wrong is not in force, and the
// others are: who may write in one namespace must not switch off what holds in all.
func (c *Compiler) Compile(objects []*kube.Object, now time.Time) (*Rules, error) {
	r := &Rules{
		Options: c.Options, policies: append([]*policy.Policy(nil), c.Policies...), now: now, checks: pod.Checks(), namespaces: pod.NamespaceChecks(),
		of: map[string]string{}, Wrong: map[string]error{}, Kept: map[string]exceptionfile.Exception{},
	}
	files := append([]exceptionfile.File(nil), c.Exceptions...)
	everywhere, in := sha256.New(), map[string]hash.Hash{}
	fmt.Fprintln(everywhere, now.UTC().Format(time.DateOnly))
	known := map[string]bool{}
	for _, p := range r.policies {
		known[p.Name] = true
	}
	for _, o := range objects {
		text, err := written(o)
		switch {
		case err != nil:
		case o.Kind == "Policy":
			var p *policy.Policy
			if p, err = c.policy(Place(o), text); err == nil && known[p.Name] {
				err = fmt.Errorf("a file that the controller was given has a policy of this name")
			}
			if err == nil {
				r.policies = append(r.policies, p)
				fmt.Fprintln(everywhere, Place(o), p.Digest)
			}
		default:
			var f exceptionfile.File
			if f, err = exceptionOf(Place(o), text); err == nil {
				files = append(files, f)
				r.Kept[Place(o)] = f.Exceptions[0]
				into := everywhere
				if o.Namespace != "" {
					if in[o.Namespace] == nil {
						in[o.Namespace] = sha256.New()
					}
					into = in[o.Namespace]
				}
				fmt.Fprintln(into, Place(o), f.Digest)
			}
		}
		if err != nil {
			r.Wrong[Place(o)] = err
		}
	}
	r.version = hex.EncodeToString(everywhere.Sum(nil))
	for namespace, sum := range in {
		r.of[namespace] = hex.EncodeToString(sum.Sum(nil))
	}
	var err error
	r.exceptions, err = exception.Compile(files, nil, now)
	return r, err
}

// written is an object as a file would hold it: what an API server adds is not looked at.
func written(o *kube.Object) ([]byte, error) {
	meta := map[string]any{"name": o.Name}
	if o.Namespace != "" {
		meta["namespace"] = o.Namespace
	}
	return json.Marshal(map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind, "metadata": meta, "spec": o.Fields["spec"]})
}

func (c *Compiler) policy(place string, text []byte) (*policy.Policy, error) {
	set, err := policyfile.Parse(place, text)
	if err != nil {
		return nil, err
	}
	all, err := c.cel.Compile(set)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func exceptionOf(place string, text []byte) (exceptionfile.File, error) {
	f, err := exceptionfile.Parse(place, text)
	if err == nil {
		f.Exceptions[0].Line = 0
	}
	return f, err
}

// versionOf names what objects of a namespace are held against: another one, and they are judged again.
func (r *Rules) versionOf(namespace string) string { return r.version + r.of[namespace] }
