package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/image/locate"
)

// strict has every command of a tree say what is wrong with a call, and what the right one would be. A
// command that only gathers others shows its help when it is called alone, and refuses other words.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(flagError)
	for _, c := range cmd.Commands() {
		strict(c)
	}
	if cmd.Name() == "help" {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			of, rest, _ := cmd.Root().Find(args)
			return noSuchCommand(of, rest)
		}
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args, cmd.DisableFlagsInUseLine = noSuchCommand, true
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	return usage("%q is no command of %s%s (%[2]s --help lists them)", args[0], cmd.CommandPath(), suggestion(args[0], names))
}

// flagError says which flag was meant, or what its value is to be.
func flagError(cmd *cobra.Command, err error) error {
	var none *pflag.NotExistError
	var value *pflag.InvalidValueError
	switch {
	case errors.As(err, &none) && none.GetSpecifiedShortnames() == "":
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		hint := ""
		if near := nearest(none.GetSpecifiedName(), names); near != "" {
			hint = fmt.Sprintf("; did you mean --%s?", near)
		}
		return usage("--%s is no flag of %s%s (%[2]s --help lists them)", none.GetSpecifiedName(), cmd.CommandPath(), hint)
	case errors.As(err, &value):
		if kind := wanted(value.GetFlag()); kind != "" {
			return usage("--%s %q: give %s", value.GetFlag().Name, value.GetValue(), kind)
		}
	}
	return exitError{exitUsage, err}
}

// words wants as many words as a command's line of use shows: at least so many, and at most so many
// where most is not negative.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		what := "nothing is named"
		if len(args) > 0 {
			what = "too few words"
		}
		if most >= 0 && len(args) > most {
			what = fmt.Sprintf("%q is a word too many", args[most])
		}
		return usage("%s: write %s", what, cmd.UseLine())
	}
}

// suggestion is "; did you mean X?" for the word nearest to one that is wrong.
func suggestion(word string, of []string) string {
	if near := nearest(word, of); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// nearest is the word that differs in the fewest letters, if they are few; also one of which word is
// the beginning.
func nearest(word string, of []string) string {
	at := locate.Near(word, of)
	if i := slices.IndexFunc(of, func(w string) bool { return strings.HasPrefix(w, word) }); at == "" && i >= 0 && len(word) > 1 {
		at = of[i]
	}
	return at
}
