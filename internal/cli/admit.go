package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

func newAdmit(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "admit", Short: "Let into a cluster only what passes: the webhook that the API server asks",
		Example: "  plimsoll admit test --line admission.yaml manifests.yaml\n" +
			"  plimsoll admit export --to webhook --service plimsoll/plimsoll | kubectl apply -f -\n" +
			"  plimsoll admit serve --line admission.yaml --tls-secret plimsoll/tls --service plimsoll/plimsoll --register plimsoll",
	}
	cmd.AddCommand(newAdmitServe(g), newAdmitTest(g), newAdmitExport(g), newAdmitLearn(g), newMigratePSP(g))
	return cmd
}

// lineOptions say what may not be crossed.
type lineOptions struct {
	file       string
	exceptions []string
	policies   policyOptions
	registry   registry.Options
	patient    bool          // nobody waits for the answer but who asked
	files      statute.Files // what line read
}

func (o *lineOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "line", "", "`FILE` that says what is denied, warned of and noted, and where (docs/guide/admission.md); without it, findings of checks from high up are denied")
	f.Var(repeated(&o.exceptions), "exceptions", "`FILE` of exceptions; may be repeated")
	o.policies.flags(f, "p")
	f.BoolVar(&o.registry.Offline, "offline", false, "ask no registry for the digests, verdicts and signatures that the line wants")
	f.Var(repeated(&o.registry.CA), "ca", "PEM `FILE` of an authority to trust for registries; may be repeated")
	f.Var(repeated(&o.registry.PlainHTTP), "plain-http", "`HOST[:PORT]` of a registry that is spoken to without TLS; may be repeated")
}

// line reads all that it is made of, so that what is wrong is said before anybody asks. Of is what is known of the cluster.
func (o *lineOptions) line(ctx context.Context, g *global, of admit.Options) (*admit.Line, error) {
	var err error
	if o.file != "" {
		if of.File, err = admissionfile.Read(o.file); err != nil {
			return nil, usage("--line %w", err)
		}
	}
	if err := readable(o.registry.CA); err != nil {
		return nil, err
	}
	if of.Policies, of.Native, err = o.policies.all(ctx, "--policy", o.registry); err != nil {
		return nil, err
	}
	if of.Native != nil {
		g.idle(of.Native)
	}
	files, err := o.excepted()
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		if _, err := exception.Compile(files, nil, g.env.Now()); err != nil {
			return nil, contradicted(err)
		}
	}
	o.files = statute.Files{Policies: of.Policies, Exceptions: files, Rule: catalog.Known()}
	if of.Native != nil {
		for _, p := range of.Native.Said() {
			o.files.Taken = append(o.files.Taken, p.Name)
		}
	}
	of.Exceptions = o.files.Book().Allow
	if of.File == nil || !of.File.Follow { // else policies may come, and whoever follows says it
		g.misspelt(o.files.Unknown())
	}
	secrets, err := secret.New(nil)
	if err != nil {
		return nil, err
	}
	of.Secret = secrets.Worst
	of.Resolve = o.resolve(g)
	if of.File != nil && len(of.File.Images) > 0 {
		if of.Proven, err = o.proven(g, of.File); err != nil {
			return nil, err
		}
	}
	l, err := admit.New(of)
	if err != nil {
		return nil, usage("--line %w", err)
	}
	return l, nil
}

// idle says which policies do nothing here.
func (g *global) idle(s *native.Set) {
	for _, name := range s.Unbound() {
		g.say("plimsoll: policy %s has no binding, and so does nothing", name)
	}
	for _, name := range s.Changes() {
		g.say("plimsoll: policy %s changes pods in a cluster, and here none: they are judged as they are written; --line shows the changes", name)
	}
}

// misspelt says which exceptions name rules that nobody has, by their places.
func (g *global) misspelt(all map[string]string) {
	for _, place := range slices.Sorted(maps.Keys(all)) {
		g.say("plimsoll: exception %s: %s", place, all[place])
	}
}

// excepted reads the files of exceptions.
func (o *lineOptions) excepted() (files []exceptionfile.File, err error) {
	for _, name := range o.exceptions {
		f, err := exceptionfile.Read(name)
		if err != nil {
			return nil, usage("--exceptions %w", err)
		}
		files = append(files, f)
	}
	return files, nil
}

// namespaced parts NAMESPACE/NAME.
func namespaced(flag, word string) (namespace, name string, err error) {
	namespace, name, ok := strings.Cut(word, "/")
	if !ok || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "", "", usage("%s %q: write NAMESPACE/NAME, both in small letters, digits and dashes", flag, word)
	}
	return namespace, name, nil
}
