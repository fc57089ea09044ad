// Package statute turns the Policies, Exceptions and ClusterExceptions that a cluster holds as objects into what is in
// force: the same for whoever is asked at the door and whoever looks at what is in the cluster already.
//
// An object that is wrong takes nothing else with it. Of a Policy that was right before, what it said then stays in
// force; one that never was, as far as the compiler saw, is broken: nobody can say what it would forbid. An exception that
// is wrong lets nothing pass.
package statute

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Bounds on what is in force of a cluster. Who asks may be many, and each is held against all of it.
const (
	mostPolicies   = 1_000
	mostExceptions = 1_000 // of one namespace, and of those that hold in several
)

// policyKind is that of policies; those of exceptions are exceptionfile's.
const policyKind = "Policy"

// Kinds are those of the objects.
func Kinds() (all []schema.GroupVersionKind) {
	of := schema.FromAPIVersionAndKind(policyfile.ClusterVersion, policyKind).GroupVersion()
	for _, kind := range []string{policyKind, exceptionfile.Namespaced, exceptionfile.Wide} {
		all = append(all, of.WithKind(kind))
	}
	return all
}

// Is says that an object is one of them.
func Is(o *kube.Object) bool { return slices.Contains(Kinds(), o.GroupVersionKind()) }

// Place names an object, as reports do: KIND/NAMESPACE/NAME, or KIND/NAME.
func Place(o *kube.Object) string {
	if o.Namespace == "" || Is(o) && o.Kind != exceptionfile.Namespaced {
		return o.Kind + "/" + o.Name
	}
	return o.Kind + "/" + o.Namespace + "/" + o.Name
}

// PlaceOf names the Policy of a name.
func PlaceOf(name string) string { return policyKind + "/" + name }

// Files are what holds beside the objects, and cannot be changed by them.
type Files struct {
	Policies   []*policy.Policy
	Taken      []string // names of further policies, which no object may have
	Exceptions []exceptionfile.File
	// Rule says that there may be a rule of a name, those of policies aside; nil: nobody knows.
	Rule func(word string) bool
}

// Book is what is in force where a cluster holds nothing.
func (f Files) Book() *Book {
	return &Book{
		Policies: slices.Clone(f.Policies), Wrong: map[string]error{}, Unknown: map[string]string{}, Idle: map[string]bool{}, Exceptions: map[string]exceptionfile.Exception{}, Generations: map[string]int64{},
		of: map[string][]*exceptionfile.File{}, sets: map[string]set{"": ofFiles(f.Exceptions)}, versions: map[string]hash.Hash{"": sha256.New()},
	}
}

// Compiler compiles objects as they come and go. It is used by one goroutine at a time.
type Compiler struct {
	files  Files
	cel    *policy.Compiler
	known  map[string]*known // by place
	before *Book             // what was in force last
	shared set               // what files let pass
}

// known is what came of an object.
type known struct {
	uid        string
	seen       int64 // the generation that was looked at
	err        error // what is wrong with it
	policy     *policy.Policy
	generation int64               // that policy is of
	exception  *exceptionfile.File // of an exception that is right
}

// is says that it is of an object as it stands now.
func (k *known) is(o *kube.Object) bool {
	return k != nil && k.uid == o.UID() && k.seen == generation(o) && k.seen > 0
}

// NewCompiler declares what policies may name.
func NewCompiler(f Files) (*Compiler, error) {
	cel, err := policy.NewCompiler()
	if err != nil {
		return nil, err
	}
	first := f.Book()
	return &Compiler{files: f, cel: cel, before: first, shared: first.sets[""]}, nil
}

// Compile brings into force what a cluster holds now.
func (c *Compiler) Compile(objects []*kube.Object) *Book {
	b := c.files.Book()
	taken := map[string]bool{}
	for _, p := range c.files.Policies {
		taken[p.Name] = true
	}
	for _, name := range c.files.Taken {
		taken[name] = true
	}
	before, policies := c.known, 0
	c.known = map[string]*known{}
	objects = slices.SortedFunc(slices.Values(objects), func(x, y *kube.Object) int { return cmp.Compare(Place(x), Place(y)) })
	for _, o := range objects {
		switch {
		case o.Kind != policyKind:
			c.except(b, o, before[Place(o)])
		case taken[o.Name]:
			b.Wrong[Place(o)] = fmt.Errorf("a file has a policy of this name, and that one is in force: rename this one")
		case policies == mostPolicies:
			b.broken(o, fmt.Errorf("%d policies of the cluster are in force, and at most %[1]d can be: take some out", mostPolicies))
		default:
			policies++
			c.policy(b, o, before[Place(o)])
		}
	}
	b.allow(c.before, c.shared)
	b.doubt(c.files)
	c.before = b
	return b
}

// policy brings one Policy into force, or what it said before.
func (c *Compiler) policy(b *Book, o *kube.Object, was *known) {
	now := &known{uid: o.UID(), seen: generation(o)}
	switch {
	case was.is(o):
		now = was
	default:
		if was != nil && was.uid == now.uid {
			now.policy, now.generation = was.policy, was.generation
		}
		p, err := c.compile(o)
		if now.err = err; err == nil {
			now.policy, now.generation = p, now.seen
		}
	}
	c.known[Place(o)] = now
	switch {
	case now.err != nil && now.policy == nil:
		b.broken(o, now.err)
		return
	case now.err != nil:
		b.Wrong[Place(o)] = fmt.Errorf("%w; what it said before (generation %d) stays in force until it is mended", now.err, now.generation)
	}
	b.Policies = append(b.Policies, now.policy)
	b.Generations[Place(o)] = now.generation
	b.note("", Place(o), now.policy.Digest)
}

func (c *Compiler) compile(o *kube.Object) (*policy.Policy, error) {
	w, err := write(o)
	if err != nil {
		return nil, err
	}
	set, err := policyfile.Parse(Place(o), w.text)
	if err != nil {
		return nil, w.placed(err)
	}
	for i := range set.Policies {
		set.Policies[i].Place(w.at)
	}
	all, err := c.cel.Compile(set)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// broken notes a Policy of which nobody knows what it would forbid.
func (b *Book) broken(o *kube.Object, err error) {
	spec, _ := o.Fields["spec"].(map[string]any)
	one := Broken{Name: o.Name, Action: finding.Deny, Err: err}
	if spec["action"] == string(finding.Warn) {
		one.Action = finding.Warn
	}
	b.Broken = append(b.Broken, one)
	b.Wrong[Place(o)] = err
	b.note("", Place(o), err.Error())
}

// except brings an exception into force.
func (c *Compiler) except(b *Book, o *kube.Object, was *known) {
	in := ""
	if o.Kind == exceptionfile.Namespaced {
		in = o.Namespace
	}
	now := was
	if !was.is(o) {
		now = &known{uid: o.UID(), seen: generation(o)}
		now.exception, now.err = excepted(o)
	}
	c.known[Place(o)] = now
	switch {
	case now.err != nil:
		b.Wrong[Place(o)] = now.err
		return
	case len(b.of[in]) == mostExceptions:
		b.Wrong[Place(o)] = fmt.Errorf("%d exceptions of its kind are in force here, and at most %[1]d can be: take some out", mostExceptions)
		return
	}
	f := now.exception
	b.of[in] = append(b.of[in], f)
	b.Exceptions[Place(o)], b.Generations[Place(o)] = f.Exceptions[0], generation(o)
	b.note(in, Place(o), f.Digest)
}

// excepted reads an exception.
func excepted(o *kube.Object) (*exceptionfile.File, error) {
	w, err := write(o)
	if err != nil {
		return nil, err
	}
	f, err := exceptionfile.Parse(Place(o), w.text)
	if err != nil {
		return nil, w.placed(err)
	}
	f.Exceptions[0].Line = 0
	return &f, nil
}

// note has the version of what holds in a namespace be another one; empty is everywhere.
func (b *Book) note(in, place, digest string) {
	if b.versions[in] == nil {
		b.versions[in] = sha256.New()
	}
	fmt.Fprintln(b.versions[in], place, digest)
}

// generation is which writing of an object it is; 0 where no API server counts them.
func generation(o *kube.Object) int64 {
	meta, _ := o.Fields["metadata"].(map[string]any)
	n, _ := meta["generation"].(int64)
	return n
}
