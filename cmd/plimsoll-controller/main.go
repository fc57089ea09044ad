// Command plimsoll-controller runs in a cluster: it judges what is there in the background, by the Policies and
// Exceptions that the cluster holds, and keeps a report in each namespace.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/face/operator"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

const usage = `Judge what is in a cluster in the background, and keep a report in each namespace.

Usage: plimsoll-controller [flags]

  plimsoll-controller --lease plimsoll
  plimsoll-controller --kubeconfig ~/.kube/config --exceptions exceptions.yaml --health 0

Exit status: 0 ended when it was told to, 2 the call or a file in it is wrong, 3 it could not work.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

// The exit statuses.
const (
	exitUsage      = 2
	exitIncomplete = 3
)

// run is the program; all that it says goes to its log.
func run(ctx context.Context, args []string, log io.Writer) int {
	var o operator.Options
	var kubeconfig, line string
	var exceptions, policies []string
	f := pflag.NewFlagSet("plimsoll-controller", pflag.ContinueOnError)
	f.SetOutput(log)
	f.Usage = func() { fmt.Fprint(log, usage, f.FlagUsages()) }
	f.StringVar(&kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.Lease, "lease", "", "`NAMESPACE` of the lease by which one of several replicas leads (default: there is one only)")
	f.StringVar(&o.Health, "health", ":8081", "`ADDRESS` of /healthz and /readyz; 0 is none")
	f.StringVar(&o.Metrics, "metrics", "0", "`ADDRESS` of /metrics; 0 is none")
	f.StringVar(&line, "line", "", "`FILE` of plimsoll admit serve that says what is denied, warned of and noted, and where: reports then say what the door would")
	f.StringArrayVar(&exceptions, "exceptions", nil, "`FILE` of exceptions that hold beside those in the cluster; may be repeated")
	f.StringArrayVar(&policies, "policy", nil, "`FILE` or folder of policies that hold beside those in the cluster, as for plimsoll admit serve; may be repeated")
	wrong := func(status int, err error) int {
		fmt.Fprintln(log, "plimsoll-controller:", err)
		return status
	}
	switch err := f.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		return wrong(exitUsage, err)
	case f.NArg() > 0:
		return wrong(exitUsage, fmt.Errorf("%q: it takes flags only", f.Arg(0)))
	}
	engine, err := secret.New(nil)
	if err != nil {
		return wrong(exitIncomplete, err)
	}
	o.Rules = background.Options{Secret: engine.Worst, Redact: engine.Redact}
	for _, name := range exceptions {
		file, err := exceptionfile.Read(name)
		if err != nil {
			return wrong(exitUsage, fmt.Errorf("--exceptions %w", err))
		}
		o.Files.Exceptions = append(o.Files.Exceptions, file)
	}
	own, ofKubernetes, err := compiled(policies)
	if err != nil {
		return wrong(exitUsage, fmt.Errorf("--policy %w", err))
	}
	o.Files.Policies, o.Files.Rule = own, catalog.Known()
	switch {
	case line != "":
		if err := drawn(&o, line, ofKubernetes); err != nil {
			return wrong(exitUsage, fmt.Errorf("--line %w", err))
		}
	case ofKubernetes != nil:
		return wrong(exitUsage, fmt.Errorf("--policy: policy %s is of Kubernetes' own, which judges requests: apply it to the cluster, or give the door's --line", ofKubernetes.Tool()[0].Name))
	}
	if o.Config, err = client.Config(kubeconfig); err != nil {
		return wrong(exitUsage, fmt.Errorf("--kubeconfig: %w", err))
	}
	o.Log, o.Now = slog.NewJSONHandler(log, nil), time.Now
	if err := operator.Run(ctx, o); err != nil && ctx.Err() == nil {
		return wrong(exitIncomplete, err)
	}
	return 0
}

// drawn has objects judged by the line of the door.
func drawn(o *operator.Options, name string, ofKubernetes *native.Set) error {
	file, err := admissionfile.Read(name)
	if err != nil {
		return err
	}
	if ofKubernetes != nil {
		for _, p := range ofKubernetes.Said() {
			o.Files.Taken = append(o.Files.Taken, p.Name)
		}
	}
	l, err := admit.New(admit.Options{File: file, Policies: o.Files.Policies, Native: ofKubernetes})
	if err != nil {
		return err
	}
	o.Around = l.Beside()
	o.Rules.Line = func(b *statute.Book) (background.Line, error) { return l.With(b) }
	return nil
}

// compiled are the policies of files, ours and Kubernetes' own.
func compiled(names []string) (own []*policy.Policy, ofKubernetes *native.Set, err error) {
	var all policyfile.Set
	var objects []*kube.Object
	for _, name := range names {
		set, err := policyfile.Open(name)
		if err != nil {
			return nil, nil, err
		}
		bound, err := policy.Bound(set)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		case len(bound)+len(set.Objects) == 0:
			return nil, nil, fmt.Errorf("%s: it holds no policy", name)
		}
		all.Policies, objects = append(all.Policies, bound...), append(objects, set.Objects...)
	}
	c, err := policy.NewCompiler()
	if err != nil {
		return nil, nil, err
	}
	if own, err = c.Compile(&all); err != nil || len(objects) == 0 {
		return own, nil, err
	}
	ofKubernetes, err = native.Compile(objects)
	return own, ofKubernetes, err
}
