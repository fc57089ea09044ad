package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook"
	"github.com/plimsoll/plimsoll/internal/face/webhook/certificate"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

type serveOptions struct {
	line       lineOptions
	listen     string
	cert, key  string
	ca         string
	dir        string
	secret     string
	service    string
	hosts      []string
	register   string
	kubeconfig string
	clientCA   string
	decisions  string
	traces     string
	timeout    time.Duration
	drain      time.Duration
	check      time.Duration
	queue      int
}

func newAdmitServe(g *global) *cobra.Command {
	o := serveOptions{listen: "localhost:8443", timeout: 2500 * time.Millisecond, drain: 5 * time.Second, check: 30 * time.Second, queue: 1000, decisions: "-"}
	cmd := &cobra.Command{
		Use: "serve", Short: "Answer the API server: what may enter, and why not", Args: words(0, 0),
		Long: "Serve is the webhook. Its certificate is one of an authority of its own, kept in a folder (--tls-dir) or in a\n" +
			"Secret that all replicas share (--tls-secret), renewed by itself and made known to the API server (--register);\n" +
			"or it is in files that somebody else renews (--tls-cert, --tls-key), cert-manager, say.\n\n" +
			"GET /healthz, /readyz and /metrics are served on the same port. Each decision is a line of JSON on stdout. On\n" +
			"SIGTERM it says that it is not ready, goes on for the time of --drain, and ends when all are answered.\n\n" +
			"Exit status: 0 ended when it was told to, 2 the call or a file in it is wrong, or the registered webhooks could\n" +
			"keep a cluster from starting, 3 it could not serve.",
		Example: "  plimsoll admit serve --tls-dir ./tls --host guard.example\n" +
			"  plimsoll admit serve --listen :8443 --line admission.yaml --tls-secret plimsoll/tls --service plimsoll/plimsoll --register plimsoll\n" +
			"  plimsoll admit serve --policy ./policies --tls-cert /tls/tls.crt --tls-key /tls/tls.key",
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	o.line.flags(f)
	f.StringVar(&o.listen, "listen", o.listen, "`ADDRESS` to serve on; :8443 is all of them")
	f.StringVar(&o.cert, "tls-cert", "", "`FILE` of the certificate, in PEM; another one in it is taken without a restart")
	f.StringVar(&o.key, "tls-key", "", "`FILE` of its key")
	f.StringVar(&o.ca, "tls-ca", "", "`FILE` of the authority that signed it, for --register")
	f.StringVar(&o.dir, "tls-dir", "", "`FOLDER` in which an own authority is kept")
	f.StringVar(&o.secret, "tls-secret", "", "`NAMESPACE/NAME` of the Secret in which an own authority is kept")
	f.StringVar(&o.service, "service", "", "`NAMESPACE/NAME` of the service by which the API server finds this server: names for the own certificate")
	f.Var(repeated(&o.hosts), "host", "further `NAME` for the own certificate; may be repeated")
	f.StringVar(&o.register, "register", "", "`NAME` of the webhook configuration that is to trust the authority; admit export writes it")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.clientCA, "client-ca", "", "PEM `FILE` of the authority of those that may ask for reviews (default: anybody may)")
	f.StringVar(&o.decisions, "decisions", o.decisions, "`FILE` that decisions are appended to; - is stdout, none is nowhere")
	f.StringVar(&o.traces, "traces", "", "`URL` of an OpenTelemetry collector that spans of reviews are sent to, as in https://collector:4318; what else OTLP and the sampling want is said by OTEL_ variables")
	f.DurationVar(&o.timeout, "timeout", o.timeout, "how long a review may take, `TIME` to wait for its turn included; the API server may say less")
	f.DurationVar(&o.drain, "drain", o.drain, "`TIME` to go on after SIGTERM, until nobody asks any more")
	f.DurationVar(&o.check, "tls-check", o.check, "`TIME` between looks for another certificate")
	f.IntVar(&o.queue, "queue", o.queue, "how many `REVIEWS` may wait; beyond, they are turned away, and the API server does as the webhook's failurePolicy says")
	return cmd
}

func (o *serveOptions) validate() error {
	ways := 0
	for _, way := range []string{o.cert + o.key, o.dir, o.secret} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways != 1:
		return usage("--tls-cert with --tls-key, --tls-dir or --tls-secret: give one of them, for the API server speaks TLS alone")
	case (o.cert == "") != (o.key == ""):
		return usage("--tls-cert and --tls-key go together")
	case o.cert == "" && o.service == "" && len(o.hosts) == 0:
		return usage("--service or --host: say by which name the API server finds this server, for the own certificate")
	case o.cert != "" && o.register != "" && o.ca == "":
		return usage("--register with --tls-cert wants --tls-ca, the authority to make known")
	case o.timeout <= 0, o.check <= 0, o.drain < 0:
		return usage("--timeout and --tls-check are above 0, --drain not below")
	case o.queue < 0:
		return usage("--queue %d: give a number of reviews", o.queue)
	}
	_, port, err := net.SplitHostPort(o.listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return usage("--listen %q: write HOST:PORT, or :PORT for all addresses: %w", o.listen, err)
	}
	return nil
}

// names are those by which the API server knows the server: a service's are NAME.NAMESPACE.svc and what clients make of it.
func (o *serveOptions) names() ([]string, error) {
	var all []string
	if o.service != "" {
		namespace, name, err := pair("--service", o.service)
		if err != nil {
			return nil, err
		}
		host := name + "." + namespace
		all = append(all, host+".svc", host+".svc.cluster.local", host)
	}
	return append(all, o.hosts...), nil
}

// source is where the certificate comes from.
func (o *serveOptions) source(c client.Interface) (certificate.Source, error) {
	if o.cert != "" {
		return &certificate.Files{Chain: o.cert, Key: o.key, Roots: o.ca}, nil
	}
	names, err := o.names()
	if err != nil {
		return nil, err
	}
	if o.dir != "" {
		return &certificate.Own{Store: certificate.Folder(o.dir), Names: names}, nil
	}
	namespace, name, err := pair("--tls-secret", o.secret)
	return &certificate.Own{Store: &certificate.Secret{Client: c, Namespace: namespace, Name: name}, Names: names}, err
}

// certificateFlag is the flag that says where the certificate is.
func (o *serveOptions) certificateFlag() string {
	if o.dir != "" {
		return "--tls-dir"
	}
	return "--tls-cert"
}

func runServe(ctx context.Context, g *global, o *serveOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	wo := webhook.Options{Timeout: o.timeout, Queue: o.queue, Drain: o.drain, Check: o.check, Note: g.logger(), Now: g.env.Now}
	var err error
	if wo.Line, err = o.line.line(ctx, g, admit.Options{}); err != nil {
		return err
	}
	sayUnasked(g, wo.Line)
	if wo.ClientCA, err = authority(o.clientCA); err != nil {
		return err
	}
	if err := o.connect(ctx, g, &wo); err != nil {
		return err
	}
	out, err := o.open(g)
	if err != nil {
		return err
	}
	defer out.Close()
	wo.Log = out
	sent, err := o.trace(ctx, g, &wo)
	if err != nil {
		return err
	}
	defer sent()
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	stop, err := o.follow(ctx, g, &wo)
	if err != nil {
		return err
	}
	defer stop()
	g.say("plimsoll: serving on %s", l.Addr())
	g.env.drain()
	return webhook.New(wo).Serve(ctx, l)
}

// connect gets the certificate, and makes its authority known to the cluster.
func (o *serveOptions) connect(ctx context.Context, g *global, wo *webhook.Options) error {
	var c client.Interface
	var err error
	if o.secret != "" || o.register != "" {
		if c, err = client.Open(o.kubeconfig); err != nil {
			return usage("--kubeconfig: %w", err)
		}
	}
	source, err := o.source(c)
	if err != nil {
		return err
	}
	if wo.Certificates, err = certificate.Open(ctx, source, g.env.Now()); err != nil {
		if o.secret == "" { // what stands in files is of the call
			return usage("%s: get a certificate: %w", o.certificateFlag(), err)
		}
		return fmt.Errorf("get a certificate: %w", err)
	}
	if o.register == "" {
		return nil
	}
	r := &webhook.Registration{Client: c, Name: o.register, Changes: wo.Line.Has(admit.Change)}
	if err := r.Wait(ctx, func(missing error) { g.say("it waits: %v", missing) }); err != nil {
		return err
	}
	unsafe, err := r.Inspect(ctx)
	switch {
	case err != nil:
		return err
	case unsafe != nil:
		return usage("--register %s: it could keep a cluster from starting again: %w", o.register, unsafe)
	}
	wo.Renewed = func(ctx context.Context) error { return r.Trust(ctx, wo.Certificates.Bundle()) }
	return wo.Renewed(ctx)
}

// trace has the server send traces, if that is asked for; stop sends what is left of them.
func (o *serveOptions) trace(ctx context.Context, g *global, wo *webhook.Options) (stop func(), err error) {
	if o.traces == "" {
		return func() {}, nil
	}
	traces, end, err := webhook.Traces(o.traces, g.env.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), version(), g.logger())
	if err != nil {
		return nil, usage("--traces: %w", err)
	}
	wo.Traces = traces
	return func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		_ = end(last) // what could not be sent was said
	}, nil
}

// lastSpans is how long a server that ends tries to send what it still has of its traces.
const lastSpans = 5 * time.Second

// firstRead is how long a server waits for what it has to know of the cluster, before it serves without.
const firstRead = 10 * time.Second

// follow has a line know what its policies need of the cluster, if they need anything, and follow what the cluster holds
// where its file says so.
func (o *serveOptions) follow(ctx context.Context, g *global, wo *webhook.Options) (stop func(), err error) {
	l := wo.Line
	follows := l.File.Follow
	needs := l.Needs()
	if len(needs) == 0 {
		return func() {}, nil
	}
	c, err := client.OpenCluster(o.kubeconfig)
	if err != nil {
		return nil, usage("--kubeconfig: the line asks the cluster: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	if follows {
		needs = append(needs, webhook.Needs()...)
	}
	known, wait := c.Follow(ctx, needs, g.logger())
	l.Cluster = known
	stop = func() { cancel(); wait() }
	if follows { // it is not ready before all was read
		if wo.Follow, err = webhook.Follow(l, o.line.files, known, g.logger()); err != nil {
			stop()
		}
		return stop, err
	}
	first, end := context.WithTimeout(ctx, firstRead)
	defer end()
	if err := known.Read(first); err != nil {
		g.say("plimsoll: what policies need of the cluster is not known yet, and they do as their failurePolicy says: %v", err)
	}
	return stop, nil
}

// open is where decisions go.
func (o *serveOptions) open(g *global) (io.WriteCloser, error) {
	switch o.decisions {
	case "-":
		return kept{g.env.Stdout}, nil
	case "none":
		return kept{io.Discard}, nil
	}
	f, err := os.OpenFile(o.decisions, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, usage("--decisions %w", err)
	}
	return f, nil
}

// kept is a stream that is not ours to close.
type kept struct{ io.Writer }

func (kept) Close() error { return nil }

func authority(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	b, err := readFile(name, maxRoot)
	if err != nil {
		return nil, usage("--client-ca %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, usage("--client-ca %s: there is no certificate in it", name)
	}
	return pool, nil
}
