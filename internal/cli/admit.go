package cli

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

func newAdmit(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "admit", Short: "Let into a cluster only what passes: the webhook that the API server asks",
		Example: "  plimsoll admit test --line admission.yaml manifests.yaml\n" +
			"  plimsoll admit export --to webhook --service plimsoll/plimsoll | kubectl apply -f -\n" +
			"  plimsoll admit serve --line admission.yaml --tls-secret plimsoll/tls --service plimsoll/plimsoll --register plimsoll",
	}
	cmd.AddCommand(newAdmitServe(g), newAdmitTest(g), newAdmitExport(g))
	return cmd
}

// lineOptions say what may not be crossed.
type lineOptions struct {
	file       string
	exceptions []string
	policies   policyOptions
}

func (o *lineOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "line", "", "`FILE` that says what is denied, warned of and noted, and where (docs/guide/admission.md); default: findings of checks from high up are denied")
	f.StringArrayVar(&o.exceptions, "exceptions", nil, "`FILE` of exceptions; may be repeated")
	o.policies.flags(f, "policy", "p")
}

// line reads all that it is made of, so that what is wrong is said before anybody asks. Of is what is known of the cluster.
func (o *lineOptions) line(ctx context.Context, g *global, of admit.Options) (*admit.Line, error) {
	var err error
	if o.file != "" {
		if of.File, err = admissionfile.Read(o.file); err != nil {
			return nil, usage("--line %w", err)
		}
	}
	if of.Policies, of.Native, err = o.policies.all(ctx, "--policy", registry.Options{}); err != nil {
		return nil, err
	}
	if of.Native != nil {
		for _, name := range of.Native.Unbound() {
			g.say("plimsoll: policy %s has no binding, and so does nothing", name)
		}
	}
	var files []exceptionfile.File
	for _, name := range o.exceptions {
		f, err := exceptionfile.Read(name)
		if err != nil {
			return nil, usage("--exceptions %w", err)
		}
		files = append(files, f)
	}
	if len(files) > 0 {
		if _, err := exception.Compile(files, nil, g.env.Now()); err != nil {
			return nil, contradicted(err)
		}
		of.Exceptions = daily(files)
	}
	secrets, err := secret.New(nil)
	if err != nil {
		return nil, err
	}
	of.Secret = secrets.Worst
	l, err := admit.New(of)
	if err != nil {
		return nil, usage("--line %w", err)
	}
	return l, nil
}

// exportOptions say what is written, for which server.
type exportOptions struct {
	line    lineOptions
	to      string
	name    string
	service string
	url     string
	bundle  string
	seconds int
}

func newAdmitExport(g *global) *cobra.Command {
	o := exportOptions{to: "webhook", name: "plimsoll", seconds: 3}
	cmd := &cobra.Command{
		Use: "export --to webhook", Short: "Write what makes the API server ask, for kubectl apply", Args: words(0, 0),
		Long: "Export writes the ValidatingWebhookConfiguration that fits a line: one webhook for what may not pass unjudged\n" +
			"(failurePolicy Fail), one for what may, and one for what is only told (both Ignore). Each is asked only where it\n" +
			"has something to say, and none about kube-system, the server's own namespace, or what nodes do: a cluster that\n" +
			"was stopped starts again. Write it anew when the line changes.\n\nExit status: 0, 2 the call or a file in it is wrong.",
		Example: "  plimsoll admit export --to webhook --service plimsoll/plimsoll --line admission.yaml\n" +
			"  plimsoll admit export --to webhook --service plimsoll/plimsoll --ca-bundle ca.crt | kubectl apply -f -\n" +
			"  plimsoll admit export --to webhook --url https://guard.example:8443 --ca-bundle ca.crt",
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	o.line.flags(f)
	f.StringVar(&o.to, "to", o.to, "`FORM` to write: webhook")
	f.StringVar(&o.name, "name", o.name, "`NAME` of the configuration")
	f.StringVar(&o.service, "service", "", "`NAMESPACE/NAME` of the service by which the API server finds plimsoll admit serve")
	f.StringVar(&o.url, "url", "", "`https://HOST:PORT` where there is no service")
	f.StringVar(&o.bundle, "ca-bundle", "", "`FILE` of the authority that signs the server's certificate, in PEM; admit serve --register writes it, too")
	f.IntVar(&o.seconds, "seconds", o.seconds, "how many `SECONDS` the API server waits for an answer, 1 to 5")
	return cmd
}

func runExport(ctx context.Context, g *global, o *exportOptions) error {
	p := webhook.Place{Name: o.name, URL: o.url, Seconds: int32(o.seconds)}
	var err error
	switch {
	case o.to != "webhook":
		return usage("--to %q: use webhook", o.to)
	case (o.service == "") == (o.url == ""):
		return usage("--service or --url: say by which of them the API server finds the server")
	case o.url != "" && !strings.HasPrefix(o.url, "https://"):
		return usage("--url %q: it begins with https://", o.url)
	case o.seconds < 1 || o.seconds > 5:
		return usage("--seconds %d: give 1 to 5; more holds up whoever waits", o.seconds)
	case o.service != "":
		if p.Namespace, p.Service, err = pair("--service", o.service); err != nil {
			return err
		}
	}
	if o.bundle != "" {
		if p.Bundle, err = os.ReadFile(o.bundle); err != nil {
			return usage("--ca-bundle %w", err)
		}
	}
	l, err := o.line.line(ctx, g, admit.Options{})
	if err != nil {
		return err
	}
	b, err := json.Marshal(webhook.Configuration(l, p))
	if err != nil {
		return err
	}
	if b, err = yaml.JSONToYAML(b); err != nil {
		return err
	}
	_, err = g.env.Stdout.Write(b)
	return err
}

// pair parts NAMESPACE/NAME.
func pair(flag, word string) (namespace, name string, err error) {
	namespace, name, ok := strings.Cut(word, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return "", "", usage("%s %q: write NAMESPACE/NAME", flag, word)
	}
	return namespace, name, nil
}

// daily compiles exceptions anew each day: those that ran out let nothing pass any more. Who asks may be many.
func daily(files []exceptionfile.File) func(time.Time) *exception.Set {
	type compiled struct {
		day string
		set *exception.Set
	}
	var last atomic.Pointer[compiled]
	return func(now time.Time) *exception.Set {
		day := now.UTC().Format(time.DateOnly)
		if c := last.Load(); c != nil && c.day == day {
			return c.set
		}
		set, err := exception.Compile(files, nil, now)
		if err != nil {
			return nil // they contradict each other, which was said at the start; without a set nothing is excepted
		}
		last.Store(&compiled{day, set})
		return set
	}
}
