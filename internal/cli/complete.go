package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
	"github.com/plimsoll/plimsoll/internal/tell/report"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

// complete tells the shell what may stand after each flag, in every command that has it.
func complete(g *global, cmd *cobra.Command) {
	values := map[string]func() []string{
		"output":    func() []string { return formatsOf(cmd) },
		"allow-gap": gapClasses,
		"fail-on":   func() []string { return append(severityWords(), "policy", "none") },
		"severity":  severityWords,
		"checks":    func() []string { return slices.Clone(checkKinds) },
		"as":        asWords,
		"platform":  func() []string { return []string{"all", "linux/amd64", "linux/arm64", "linux/arm/v7"} },
		"log-level": func() []string {
			return []string{"debug", "info", "warn", "error"}
		},
		"since": func() []string {
			return []string{string(finding.SinceNew), string(finding.SinceDisclosed), string(finding.SinceKnown)}
		},
		"base":          func() []string { return baseNames(g) },
		"deny-license":  licenseWords,
		"allow-license": licenseWords,
	}
	folders := []string{"db", "cache-dir", "base-index"}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if list, ok := values[f.Name]; ok {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, choose(list)) // fails only where it is done already
		}
		if f.Name == "policy" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, filesAnd(policyWords))
		}
		if slices.Contains(folders, f.Name) {
			_ = cmd.MarkFlagDirname(f.Name)
		}
	})
	for _, c := range cmd.Commands() {
		complete(g, c)
	}
}

// choose completes a word to those of a list that it begins, the last of them after a comma.
func choose(list func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		before := word[:strings.LastIndexByte(word, ',')+1]
		var fit []string
		for _, w := range list() {
			if strings.HasPrefix(before+w, word) {
				fit = append(fit, before+w)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}

// formatsOf are the formats of a command.
func formatsOf(cmd *cobra.Command) []string {
	if cmd.CommandPath() == "plimsoll policy test" {
		return testFormats
	}
	return formats(cmd.Name() == "sbom")
}

// filesAnd completes a word to those of a list, or to files.
func filesAnd(list func() []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		fit, _ := choose(list)(cmd, args, word)
		return fit, cobra.ShellCompDirectiveDefault
	}
}

// formats lists the formats of reports, or those that an inventory can be written in.
func formats(inventory bool) (names []string) {
	for _, f := range report.Formats {
		if !inventory || !f.Findings {
			names = append(names, f.Name)
		}
	}
	return names
}

func gapClasses() (classes []string) {
	for _, g := range catalog.Gaps() {
		classes = append(classes, g.Class)
	}
	return classes
}

func severityWords() (words []string) {
	for _, s := range finding.Severities() {
		words = append(words, string(s))
	}
	return words
}

func asWords() (words []string) {
	for _, k := range locate.Schemes() {
		words = append(words, string(k))
	}
	return append(append(words, string(locate.Source), asDump), scan.DocumentKinds()...)
}

func baseNames(g *global) (names []string) {
	entries, err := (&baseOptions{}).known(g, "")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}
