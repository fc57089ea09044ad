package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
)

func newNode(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "node", Short: "Judge how a host, its container engines and its part of Kubernetes are set",
		Example: "  sudo plimsoll node scan\n" +
			"  plimsoll node scan --root /mnt/node --fail-on medium",
	}
	cmd.AddCommand(newNodeScan(g))
	return cmd
}

// nodeOptions say which host is read.
type nodeOptions struct {
	root       string
	configz    string
	containers bool // Docker is asked for those that run
}

// maxConfigz bounds an answer of a kubelet; honest ones have some kilobytes.
const maxConfigz = 4 << 20

// read reads the host.
func (o *nodeOptions) read(ctx context.Context) (*host.Host, error) {
	s, h, err := o.open(ctx)
	if err == nil {
		err = s.Close()
	}
	return h, err
}

// open reads the host, and leaves its root open.
func (o *nodeOptions) open(ctx context.Context) (_ *host.Source, h *host.Host, err error) {
	s, err := host.Open(o.root)
	if err != nil {
		return nil, nil, usage("--root: %w", err)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if o.configz != "" {
		b, err := readFile(o.configz, maxConfigz)
		if err != nil {
			return nil, nil, usage("--configz: %w", err)
		}
		if _, err := host.FromConfigz(o.configz, b); err != nil {
			return nil, nil, usage("--configz: %w", err)
		}
		s.Configz, s.ConfigzFrom = b, o.configz
	}
	more, err := o.ask(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	h, err = host.Read(ctx, s)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, usage("--root: %w", err)
	case err != nil:
		return nil, nil, exitError{exitIncomplete, err}
	}
	h.Name = cmp.Or(h.Name, o.root)
	h.Gaps = append(h.Gaps, more...)
	return s, h, nil
}

// ask asks the Docker of this host for the containers that run. One that is not there is none; one that does not let this
// user in, or fails, is a gap. Of a mounted root nobody can be asked.
func (o *nodeOptions) ask(ctx context.Context, s *host.Source) ([]finding.Gap, error) {
	if !o.containers || filepath.Clean(o.root) != "/" {
		return nil, nil
	}
	engine, err := daemon.Docker()
	if s.Elsewhere = err == nil && engine.Network(); s.Elsewhere {
		return []finding.Gap{{Class: "not-visible", Count: 1, What: engine.String() + " may be on another machine: of this host's containers, what its Docker keeps on the disk counts"}}, nil
	}
	if err == nil {
		s.RunningFrom = engine.String()
		s.Running, err = engine.Running(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return nil, exitError{exitIncomplete, ctx.Err()}
	case err == nil, errors.Is(err, daemon.ErrAbsent):
		return nil, nil
	}
	return []finding.Gap{{Class: "unreachable-target", Blocking: true, Count: 1, What: err.Error() + ": what its containers may do is not known"}}, nil
}

func newNodeScan(g *global) *cobra.Command {
	var o scanOptions
	from := nodeOptions{containers: true}
	cmd := &cobra.Command{
		Use: "scan [flags]", Short: "Find what is wrong with how a host is set, and give a verdict", Args: words(0, 0),
		Long: "Node scan reads what runs on this host, or on one whose root is mounted, of Kubernetes (kube-apiserver,\n" +
			"kube-controller-manager, kube-scheduler, etcd, kubelet, kube-proxy; kubeadm, RKE2, k3s) and of container engines\n" +
			"(containerd, CRI-O, Docker). Each setting is judged by its effective value: the arguments of the process, static\n" +
			"pods, configuration files and drop-ins, and the defaults of that version. The containers that Docker runs are judged, too:\n" +
			"its daemon is asked for them; of a mounted root, those that ran, or start with Docker, are read from its folder. Nothing is\n" +
			"run, and nothing is changed.\n\n" +
			"What this user may not read is a gap that keeps the verdict from passing: run it as root.\n\n" +
			"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete:\n" +
			"not all could be read, and nothing denied.",
		Example: "  sudo plimsoll node scan\n" +
			"  plimsoll node scan --root /mnt/node -o html=node.html -o table\n" +
			"  kubectl get --raw /api/v1/nodes/n1/proxy/configz > n1.json && sudo plimsoll node scan --configz n1.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), g, nil, func() (*opened, error) {
				h, err := from.read(cmd.Context())
				if err != nil {
					return nil, err
				}
				g.say("plimsoll: %s: %s, %s of Docker's", h.Name, count(len(h.Components), "component"), count(len(h.Containers), "container"))
				for _, c := range h.Components {
					g.say("plimsoll: %s %s (%s)", c.Name, cmp.Or(c.Version.Text, "of a version that is not known"), c.Where())
				}
				return &opened{subjects: []scan.Subject{{Host: h}}}, nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from.root, "root", "/", "`DIR` where the host's root is mounted")
	f.StringVar(&from.configz, "configz", "", "`FILE` with what the kubelet answers for /configz: it goes before what is read of the kubelet")
	o.read.outputFlags(f, formats(false))
	o.read.noCache, o.read.jobs = true, runtime.NumCPU()
	o.gateFlags(f)
	o.except.flags(f)
	o.policies.flags(f, "")
	return cmd
}
