package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpOn answers --help. Of a command that only gathers others, a word that is none of them is a mistake
// there as well.
func (g *global) helpOn(cmd *cobra.Command) error {
	if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
		return noSuchCommand(cmd, cmd.Flags().Args())
	}
	return g.help(g.env.Stdout, cmd)
}

// help writes what a command is for: a sentence and examples first, then how it is called and the rest.
// No line is wider than the terminal, as far as flags go.
func (g *global) help(w io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n", strings.TrimSuffix(cmd.Short, "."))
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&b, "\nUsage:\n  %s\n", line)
	if cmd.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(cmd.Long))
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more of each.\n", cmd.CommandPath())
	}
	g.flagsOf(&b, "Flags", cmd.LocalFlags())
	g.flagsOf(&b, "Flags of all commands", cmd.InheritedFlags())
	_, err := io.WriteString(w, b.String())
	return err
}

// The widths between which the help of flags is wrapped.
const leastHelp, mostHelp, usualHelp = 60, 120, 100

func (g *global) flagsOf(b *strings.Builder, title string, flags *pflag.FlagSet) {
	width := g.width()
	if width == 0 {
		width = usualHelp
	}
	if usages := flags.FlagUsagesWrapped(min(max(width, leastHelp), mostHelp)); usages != "" {
		fmt.Fprintf(b, "\n%s:\n%s", title, usages)
	}
}
