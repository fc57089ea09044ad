package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// variable is the name in the environment that goes for a flag.
func variable(flag string) string {
	return "PLIMSOLL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// environment fills flags from their variables.
func (g *global) environment(cmd *cobra.Command, set map[string]bool) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value := g.env.Getenv(variable(f.Name))
		if err != nil || set[f.Name] || value == "" || isBuiltIn(f.Name) {
			return
		}
		set[f.Name] = true
		values := []string{value}
		if isList(f) {
			values = items(value)
		}
		err = g.fill(cmd, f, variable(f.Name), values)
	})
	return err
}

// isList says whether a flag may be repeated.
func isList(f *pflag.Flag) bool { _, ok := f.Value.(pflag.SliceValue); return ok }

// items takes the value of a variable apart: at its line ends, or where it has none, at its commas. So a
// path with a comma in it can be named, by a line end behind it.
func items(value string) []string {
	at := ","
	if strings.Contains(value, "\n") {
		at = "\n"
	}
	var all []string
	for item := range strings.SplitSeq(value, at) {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// fill gives a flag its values, and remembers where they stand.
func (g *global) fill(cmd *cobra.Command, f *pflag.Flag, place string, values []string) error {
	for _, v := range values {
		err := cmd.Flags().Set(f.Name, v)
		if kind := wanted(f); err != nil && kind != "" {
			return usage("%s: %s %q: give %s", place, f.Name, v, kind)
		}
		if err != nil {
			return usage("%s: %s %q: %v", place, f.Name, v, err)
		}
	}
	if g.from == nil {
		g.from = map[string]string{}
	}
	g.from["--"+f.Name] = place
	if f.Shorthand != "" {
		g.from["-"+f.Shorthand] = place
	}
	return nil
}

// wanted says what the values of a flag look like; "" where any word will do.
func wanted(f *pflag.Flag) string {
	return map[string]string{"int": "a whole number", "bool": "true or false", "duration": "a duration, as in 30s"}[f.Value.Type()]
}

// placed names where a value stands that a command finds wrong. An error about one begins with its flag.
func (g *global) placed(err error) error {
	var exit exitError
	if !errors.As(err, &exit) || exit.status != exitUsage || exit.cause == nil {
		return err
	}
	flag, _, _ := strings.Cut(exit.cause.Error(), " ")
	if place := g.from[strings.TrimSuffix(flag, ":")]; place != "" {
		return exitError{exitUsage, fmt.Errorf("%s: %w", place, exit.cause)}
	}
	return err
}

// ours are beginnings of variables that set nothing and are no mistake: those of the tests, and those
// that Kubernetes gives a pod beside a service of the name plimsoll, and the one by which pipelines are wont
// to say which release they fetch.
var ours = []string{"PLIMSOLL_VERSION", "PLIMSOLL_TEST", "PLIMSOLL_BENCH", "PLIMSOLL_FEEDS", "PLIMSOLL_SERVICE_", "PLIMSOLL_PORT"}

// strangers tells of variables that look like settings and set nothing. They are no error, since an
// environment is shared: by another release of the program, say, that knows them.
func (g *global) strangers(root *cobra.Command) {
	if g.env.Environ == nil {
		return
	}
	var known []string
	for _, flag := range allFlags(root) {
		if !isBuiltIn(flag) {
			known = append(known, variable(flag))
		}
	}
	var strange []string
	for _, entry := range g.env.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "PLIMSOLL_") && !slices.Contains(known, name) && !slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(name, p) }) {
			strange = append(strange, name)
		}
	}
	slices.Sort(strange)
	for _, name := range strange {
		hint := ""
		if near := nearest(name, known); near != "" {
			hint = "; did you mean " + near + "?"
		}
		g.say("plimsoll: %s in the environment sets nothing%s", name, hint)
	}
}
