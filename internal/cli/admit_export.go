package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/deck/admit/export"
	"github.com/plimsoll/plimsoll/internal/face/webhook"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

// exportOptions say what is written, for which server.
type exportOptions struct {
	line    lineOptions
	to      string
	name    string
	service string
	url     string
	bundle  string
	seconds int

	apply      bool
	owner      string
	kubeconfig string
}

func newAdmitExport(g *global) *cobra.Command {
	o := exportOptions{to: "webhook", name: "plimsoll", seconds: 3}
	cmd := &cobra.Command{
		Use: "export --to webhook|native", Short: "Write what makes the API server ask, or what it enforces itself, for kubectl apply", Args: words(0, 0),
		Long: "With --to webhook, export writes the ValidatingWebhookConfiguration that fits a line: one webhook for what may not\n" +
			"pass unjudged (failurePolicy Fail), one for what may, and one for what is only told (both Ignore). Each is asked only\n" +
			"where it has something to say, and none about kube-system, the server's own namespace, or what nodes do: a cluster\n" +
			"that was stopped starts again. A MutatingWebhookConfiguration comes with it where the line has pods changed.\n" +
			"With --apply they are written into the cluster: what they trust already stays trusted, one that the line has no\n" +
			"use for any more is deleted, and with --owner they are deleted with that ClusterRole.\n\n" +
			"With --to native, it writes the line as ValidatingAdmissionPolicies with their bindings, and labels of the Pod\n" +
			"Security Standards, for a cluster without a webhook. What only the webhook can do is said on stderr and in\n" +
			"comments (docs/guide/native-policies.md).\n\n" +
			"Write it anew when the line changes.\n\nExit status: 0, 2 the call or a file in it is wrong, 3 the cluster did not take them.",
		Example: "  plimsoll admit export --to webhook --service plimsoll/plimsoll --line admission.yaml\n" +
			"  plimsoll admit export --to webhook --service plimsoll/plimsoll --ca-bundle ca.crt | kubectl apply -f -\n" +
			"  plimsoll admit export --to native --line admission.yaml --policy ./policies > native.yaml\n" +
			"  plimsoll admit export --to webhook --url https://guard.example:8443 --ca-bundle ca.crt\n" +
			"  plimsoll admit export --to webhook --service plimsoll/plimsoll --line admission.yaml --apply",
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	o.line.flags(f)
	f.StringVar(&o.to, "to", o.to, "`FORM` to write: webhook or native")
	f.StringVar(&o.name, "name", o.name, "`NAME` of the configuration, or with which the names of policies begin")
	f.StringVar(&o.service, "service", "", "`NAMESPACE/NAME` of the service by which the API server finds plimsoll admit serve")
	f.StringVar(&o.url, "url", "", "`https://HOST:PORT` where there is no service")
	f.StringVar(&o.bundle, "ca-bundle", "", "`FILE` of the authority that signs the server's certificate, in PEM; admit serve --register writes it, too")
	f.IntVar(&o.seconds, "seconds", o.seconds, "how many `SECONDS` the API server waits for an answer, 1 to 5")
	f.BoolVar(&o.apply, "apply", false, "write the webhooks into the cluster, and nothing on stdout")
	f.StringVar(&o.owner, "owner", "", "`NAME` of the ClusterRole that they are deleted with, for --apply")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster, for --apply (default: the pod's own account, or KUBECONFIG)")
	return cmd
}

func runExport(ctx context.Context, g *global, o *exportOptions) error {
	if wrong := validation.IsDNS1123Subdomain(o.name); len(wrong) > 0 {
		return usage("--name %q: no API server takes it: use small letters, digits, dashes and dots, with a letter or a digit at both ends", o.name)
	}
	switch o.to {
	case "webhook":
		return o.webhook(ctx, g)
	case "native":
		return o.native(ctx, g)
	}
	return usage("--to %q: use webhook or native", o.to)
}

// native writes what the API server enforces itself.
func (o *exportOptions) native(ctx context.Context, g *global) error {
	switch {
	case o.service+o.url+o.bundle != "":
		return usage("--service, --url and --ca-bundle say where a server is: with --to native there is none")
	case o.apply || o.owner+o.kubeconfig != "":
		return usage("--apply, --owner and --kubeconfig: they are of webhooks; give what --to native writes to kubectl apply -f -")
	}
	l, err := o.line.line(ctx, g, admit.Options{})
	if err != nil {
		return err
	}
	if l.Native != nil {
		return usage("--policy: policy %s is the API server's own already: give its file to kubectl apply -f", l.Native.Tool()[0].Name)
	}
	files, err := o.line.excepted()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(l.Needs(), func(n kube.Need) bool { return n.Kind.Kind == "NetworkPolicy" }) {
		g.say("plimsoll: only the webhook can do: noNetworkPolicy")
	}
	if l.File.Follow {
		g.say("plimsoll: only the webhook can do: follow")
	}
	n, err := export.Export(l, export.Options{Name: o.name, Exceptions: files, Now: g.env.Now()})
	if err != nil {
		return err
	}
	b, err := n.YAML()
	if err != nil {
		return err
	}
	for _, left := range n.Left {
		g.say("plimsoll: only the webhook can do: %s", left)
	}
	_, err = g.env.Stdout.Write(b)
	return err
}

// webhook writes what makes the API server ask.
func (o *exportOptions) webhook(ctx context.Context, g *global) error {
	p := webhook.Place{Name: o.name, URL: o.url, Seconds: int32(o.seconds)}
	var err error
	switch {
	case (o.owner != "" || o.kubeconfig != "") && !o.apply:
		return usage("--owner and --kubeconfig: they are for --apply")
	case (o.service == "") == (o.url == ""):
		return usage("--service or --url: say by which of them the API server finds the server")
	case o.url != "" && !strings.HasPrefix(o.url, "https://"):
		return usage("--url %q: it begins with https://", o.url)
	case o.seconds < 1 || o.seconds > 5:
		return usage("--seconds %d: give 1 to 5; more holds up whoever waits", o.seconds)
	case o.service != "":
		if p.Namespace, p.Service, err = namespaced("--service", o.service); err != nil {
			return err
		}
	}
	if o.bundle != "" {
		if p.Bundle, err = readFile(o.bundle, maxRoot); err != nil {
			return usage("--ca-bundle %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(p.Bundle) {
			return usage("--ca-bundle %s: it holds no certificate in PEM", o.bundle)
		}
	}
	l, err := o.line.line(ctx, g, admit.Options{})
	if err != nil {
		return err
	}
	sayUnasked(g, l)
	if o.apply {
		return o.write(ctx, g, l, p)
	}
	if text := unasked(l); text != "" {
		if _, err := fmt.Fprintf(g.env.Stdout, "# %s\n", text); err != nil {
			return err
		}
	}
	all := []any{webhook.Configuration(l, p)}
	if m := webhook.Mutation(l, p); m != nil {
		all = append(all, m)
	}
	for i, c := range all {
		b, err := yaml.Marshal(c)
		if err != nil {
			return err
		}
		if i > 0 {
			b = append([]byte("---\n"), b...)
		}
		if _, err = g.env.Stdout.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// sayUnasked says what policies are about in vain, where a webhook is to enforce them.
func sayUnasked(g *global, l *admit.Line) {
	if text := unasked(l); text != "" {
		g.say("plimsoll: %s", text)
	}
}

func unasked(l *admit.Line) string {
	all := webhook.Unasked(l)
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("no webhook is asked about %s, which a cluster needs to start: what policies say of it only admit export --to native enforces", strings.Join(all, ", "))
}

// write writes the webhooks into a cluster.
func (o *exportOptions) write(ctx context.Context, g *global, l *admit.Line, p webhook.Place) error {
	c, err := client.Open(o.kubeconfig)
	if err != nil {
		return usage("--kubeconfig: %w", err)
	}
	did, err := webhook.Apply(ctx, c, l, p, o.owner)
	for _, d := range did {
		g.say("%s", d)
	}
	return err
}
