package cli

import (
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

const generated = "<!-- Made by go generate ./internal/cli; do not edit. -->\n"

// pages are the generated documentation, by path below docs: one page for each command, each check and
// all gaps.
func pages() map[string]string {
	all := map[string]string{"checks/gaps.md": gapsPage(), "checks/rules.md": rulesPage(), "checks/policies.md": policyPage()}
	root := newRoot(&global{env: Env{Getenv: func(string) string { return "" }}})
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		c.InitDefaultHelpFlag()
		all["cli/"+strings.ReplaceAll(c.CommandPath(), " ", "_")+".md"] = commandPage(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, c := range catalog.Cards() {
		all[path.Join("checks", c.ID+".md")] = checkPage(c)
	}
	return all
}

func commandPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s.\n", generated, c.CommandPath(), strings.TrimSuffix(c.Short, "."))
	if c.Long != "" {
		fmt.Fprintf(&b, "\n```\n%s\n```\n", c.Long)
	}
	if c.Runnable() {
		fmt.Fprintf(&b, "\n## Usage\n```\n%s\n```\n", c.UseLine())
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n```sh\n%s\n```\n", dedent(c.Example))
	}
	if subs := c.Commands(); len(subs) > 0 {
		b.WriteString("\n## Commands\n")
		for _, s := range subs {
			if !s.Hidden && s.Name() != "help" {
				fmt.Fprintf(&b, "- [%s](%s.md): %s\n", s.CommandPath(), strings.ReplaceAll(s.CommandPath(), " ", "_"), s.Short)
			}
		}
	}
	if flags := c.LocalFlags().FlagUsagesWrapped(100); flags != "" {
		fmt.Fprintf(&b, "\n## Flags\n```\n%s```\n", machineNeutral(flags))
	}
	return b.String()
}

// machineNeutral keeps what depends on the machine out of the pages.
func machineNeutral(flags string) string {
	lines := strings.SplitAfter(flags, "\n")
	for i, l := range lines {
		if strings.Contains(l, "--jobs") {
			lines[i] = l[:strings.LastIndex(l, "(default")] + "(default: one for each processor)\n"
		}
	}
	return strings.Join(lines, "")
}

func dedent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

func checkPage(c check.Card) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s: severity %s, since %s.\n", generated, c.ID, upperFirst(c.Title), c.Severity, c.Since)
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso known as %s.\n", strings.Join(c.Aliases, ", "))
	}
	fmt.Fprintf(&b, "\n## Why\n%s\n\n## How to fix\n%s\n\n## Bad\n```\n%s```\n\n## Good\n```\n%s```\n", c.Page.Why, c.Page.Fix, c.Page.Bad, c.Page.Good)
	return b.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func gapsPage() string {
	var b strings.Builder
	b.WriteString(generated + "# What is not assessed\n\nA gap that blocks keeps the gate from passing until it is accepted by name.\n\n| class | means | what to do |\n| --- | --- | --- |\n")
	for _, g := range catalog.Gaps() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", g.Class, g.Means, g.Do)
	}
	return b.String()
}

// rulesPage says of each rule of other tools what answers it here.
func rulesPage() string {
	var b strings.Builder
	b.WriteString(generated + "# The rules of other tools\n\nAn exception or a comment that names one of these holds for the check beside it.\n\n| rule | here |\n| --- | --- |\n")
	for _, r := range catalog.Rules() {
		var here []string
		for _, id := range r.Checks {
			here = append(here, fmt.Sprintf("[%s](%s.md)", id, id))
		}
		if r.Reason != "" {
			here = append(here, "none: "+r.Reason)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", r.ID, strings.Join(here, ", "))
	}
	return b.String()
}
