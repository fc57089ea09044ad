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

	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/face/operator"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
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
	var kubeconfig string
	var exceptions, policies []string
	f := pflag.NewFlagSet("plimsoll-controller", pflag.ContinueOnError)
	f.SetOutput(log)
	f.Usage = func() { fmt.Fprint(log, usage, f.FlagUsages()) }
	f.StringVar(&kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.Lease, "lease", "", "`NAMESPACE` of the lease by which one of several replicas leads (default: there is one only)")
	f.StringVar(&o.Health, "health", ":8081", "`ADDRESS` of /healthz and /readyz; 0 is none")
	f.StringVar(&o.Metrics, "metrics", "0", "`ADDRESS` of /metrics; 0 is none")
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
	if o.Files.Policies, err = compiled(policies); err != nil {
		return wrong(exitUsage, fmt.Errorf("--policy %w", err))
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

// compiled are the policies of files. Those of Kubernetes' own are the API server's to enforce, on what is there no longer.
func compiled(names []string) ([]*policy.Policy, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var all policyfile.Set
	for _, name := range names {
		set, err := policyfile.Open(name)
		if err != nil {
			return nil, err
		}
		bound, err := policy.Bound(set)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case len(set.Objects) > 0:
			return nil, fmt.Errorf("%s: %s %s is a policy of Kubernetes' own, which judges requests: apply it to the cluster", name, set.Objects[0].Kind, set.Objects[0].Name)
		case len(bound) == 0:
			return nil, fmt.Errorf("%s: it holds no policy", name)
		}
		all.Policies = append(all.Policies, bound...)
	}
	c, err := policy.NewCompiler()
	if err != nil {
		return nil, err
	}
	return c.Compile(&all)
}
