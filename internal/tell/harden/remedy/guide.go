package remedy

import (
	"fmt"
	"strings"
)

// Guide says in Markdown what to do with what was written, what to heed, and what is left to a person.
func (r *Remedies) Guide(host string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# What would mend %s\n\nNothing of this was applied. Look at `changes.diff`, try one host first, and keep a copy of what is there now: "+
		"a static pod that does not start takes the API server with it.\n", word(host))
	if len(r.Files) > 0 {
		b.WriteString("\n## Files\n\n`host/` holds them by where they belong on the host. Put new files in their place before those that name them.\n\n")
		for _, f := range r.Files {
			what := "changed"
			switch {
			case f.Secret:
				what = "new; it holds a key, which is made anew by each call: use the same file on every host of the control plane"
			case f.Before == nil:
				what = "new"
			}
			fmt.Fprintf(&b, "- %s: %s\n", word(f.Path), what)
		}
	}
	if len(r.Kubeadm) > 0 {
		b.WriteString("\n## kubeadm\n\nIts next upgrade writes static pods and the kubelet's configuration anew. So that it writes them like this, merge `kubeadm/cluster-configuration.yaml` into " +
			"the ClusterConfiguration (`kubectl -n kube-system edit cm kubeadm-config`; what extraArgs hold replaces what was there), and call kubeadm with `--patches kubeadm/patches`.\n")
	}
	for _, a := range r.Arguments {
		fmt.Fprintf(&b, "\n## Arguments of %s (%s)\n\nIts unit, or whatever starts it, is to give it these", word(a.Of), word(a.Where))
		if len(a.With) == 0 {
			b.WriteString(" no more")
		}
		b.WriteString(":\n\n")
		for _, one := range a.With {
			fmt.Fprintf(&b, "- %s\n", word(one))
		}
		for _, one := range a.Without {
			fmt.Fprintf(&b, "- without %s\n", word(one))
		}
	}
	if len(r.Commands) > 0 {
		b.WriteString("\n## Commands\n\n`commands.sh` has them.\n")
	}
	b.WriteString("\n## What it mends\n\n| rule | of | by | heed |\n| --- | --- | --- | --- |\n")
	for _, m := range r.Mended {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(m.Rule), cell(m.Of), cell(m.What), cell(m.Note))
	}
	if len(r.Left) > 0 {
		b.WriteString("\n## What is left to you\n\n| rule | of | what is wrong | what to do |\n| --- | --- | --- | --- |\n")
		for _, l := range r.Left {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(l.Rule), cell(l.Of), cell(l.Title), cell(l.Do))
		}
	}
	return []byte(b.String())
}

// word is foreign text as code, in which nothing is markup.
func word(s string) string { return "`" + strings.ReplaceAll(line(s), "`", "'") + "`" }

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'").Replace(line(s))
}

// line is text without what would end a line, or steer a terminal.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
