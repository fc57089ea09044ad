package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/deck/harden"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
)

type hardenOptions struct {
	from             nodeOptions
	out, folder, log string
}

func newClusterHarden(g *global) *cobra.Command {
	var o hardenOptions
	cmd := &cobra.Command{
		Use: "harden [flags]", Short: "Write what would mend the control plane and the kubelet of a host", Args: words(0, 0),
		Long: "Harden judges a host as node scan does, and writes what would mend what it finds: static pods and configuration\n" +
			"files as they would be, an audit policy, structured authentication, Pod Security's defaults and encryption at rest,\n" +
			"what kubeadm takes so that its next upgrade keeps them, and commands for rights of files. Nothing is applied.\n\n" +
			"Without --out it shows the differences. With it, a folder gets them as files, with a README of what to heed and of\n" +
			"what is left to you: what a person decided (a policy, an issuer, a webhook) is not written over. What was written\n" +
			"is judged before it is shown.\n\n" +
			"Exit status: 0 all that was found would be mended, 1 something is left to you, 2 the call is wrong, 3 not all could\n" +
			"be read.",
		Example: "  sudo plimsoll cluster harden\n" +
			"  sudo plimsoll cluster harden --out ./mend && less ./mend/README.md\n" +
			"  plimsoll cluster harden --root /mnt/node --out ./mend",
		RunE: func(cmd *cobra.Command, _ []string) error { return runHarden(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from.root, "root", "/", "`DIR` where the host's root is mounted")
	f.StringVar(&o.out, "out", "", "`DIR` that is made, and gets the files")
	f.StringVar(&o.folder, "folder", "/etc/kubernetes/plimsoll", "`DIR` of the host in which new files would lie")
	f.StringVar(&o.log, "audit-log", "/var/log/kubernetes/audit/audit.log", "`FILE` of the host that the audit log would go to")
	return cmd
}

func runHarden(ctx context.Context, g *global, o *hardenOptions) error {
	for _, named := range []struct{ flag, value string }{{"--folder", o.folder}, {"--audit-log", o.log}} {
		if !path.IsAbs(named.value) || path.Clean(named.value) != named.value || path.Dir(named.value) == "/" {
			return usage("%s %q: name an absolute path of the host, in a folder", named.flag, named.value)
		}
	}
	source, h, err := o.from.open(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	if len(h.Components) == 0 && len(h.Gaps) == 0 {
		return usage("--root %s: nothing of Kubernetes and no container engine was found there", o.from.root)
	}
	r, err := harden.Run(ctx, source.FS, h, time.Now(), remedy.Options{Folder: o.folder, Log: o.log})
	if err != nil {
		return exitError{exitIncomplete, err}
	}
	var differences strings.Builder
	for i := range r.Files {
		if err := writeRemedy(&differences, &r.Files[i]); err != nil {
			return err
		}
	}
	switch {
	case o.out == "":
		_, err = io.WriteString(g.env.Stdout, differences.String()+commands(r.Commands))
	default:
		err = writeRemedies(o.out, h.Name, differences.String(), r)
	}
	if err != nil {
		return err
	}
	return g.hardened(o, h, r)
}

// hardened says what was made of a host, and gives the exit status.
func (g *global) hardened(o *hardenOptions, h *host.Host, r *remedy.Remedies) error {
	for _, m := range r.Mended {
		if m.Note != "" && o.out == "" {
			g.say("plimsoll: %s: heed: %s", m.Rule, m.Note)
		}
	}
	if o.out == "" {
		for _, l := range r.Left {
			g.say("plimsoll: %s (%s) is left to you: %s", l.Rule, printable(l.Of), printable(l.Do))
		}
	}
	for _, a := range r.Arguments {
		var how []string
		if len(a.With) > 0 {
			how = append(how, "with "+strings.Join(a.With, " "))
		}
		if len(a.Without) > 0 {
			how = append(how, "without "+strings.Join(a.Without, " "))
		}
		g.say("plimsoll: %s (%s) is set by how it is started: start it %s", a.Of, printable(a.Where), printable(strings.Join(how, ", ")))
	}
	g.say("plimsoll: %s mended, %d left to you%s", count(len(r.Mended), "finding"), len(r.Left), into(o.out))
	if len(h.Gaps)+len(r.Unknown) > 0 {
		for _, gap := range h.Gaps {
			g.say("plimsoll: not read: %s", printable(gap.What))
		}
		for _, what := range r.Unknown {
			g.say("plimsoll: not known: %s", printable(what))
		}
		return exitError{exitIncomplete, errors.New("not all of the host could be read: what is wrong there is not mended")}
	}
	if len(r.Left) > 0 {
		return exitError{status: exitDeny}
	}
	return nil
}

func into(dir string) string {
	if dir == "" {
		return ""
	}
	return "; read " + filepath.Join(dir, "README.md")
}

func writeRemedy(w io.Writer, f *remedy.File) error {
	if f.Secret {
		_, err := fmt.Fprintf(w, "new file %s: not shown, it holds a key\n", printable(f.Path))
		return err
	}
	m := scan.Mended{Before: f.Before, After: f.After}
	var err error
	if m.HiddenBefore, err = scan.Hidden(f.Path, f.Before); err != nil {
		return err
	}
	if m.HiddenAfter, err = scan.Hidden(f.Path, f.After); err != nil {
		return err
	}
	return writeDiff(w, printable(strings.TrimPrefix(f.Path, "/")), m)
}

func commands(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

// writeRemedies fills a folder that is not there yet.
func writeRemedies(dir, name, differences string, r *remedy.Remedies) error {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return usage("--out %s is there already: name a folder that is not", dir)
	} else if err != nil {
		return usage("--out: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	write := func(name string, mode fs.FileMode, b []byte) error {
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		return root.WriteFile(name, b, mode)
	}
	for _, f := range r.Files {
		if err := write(path.Join("host", path.Clean("/"+f.Path)), f.Mode, f.After); err != nil {
			return err
		}
	}
	for _, f := range r.Kubeadm {
		if err := write(path.Join("kubeadm", f.Path), f.Mode, f.After); err != nil {
			return err
		}
	}
	if len(r.Commands) > 0 {
		if err := write("commands.sh", 0o700, []byte("#!/bin/sh\nset -eu\n"+commands(r.Commands))); err != nil {
			return err
		}
	}
	if err := write("changes.diff", 0o600, []byte(differences)); err != nil {
		return err
	}
	return write("README.md", 0o600, r.Guide(name))
}
