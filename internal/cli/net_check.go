package cli

import (
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/network/intent"
	"github.com/plimsoll/plimsoll/internal/tell/report"
)

// intentRow is one intention, and the connections that break it.
type intentRow struct {
	Intention string          `json:"intention"`
	Holds     bool            `json:"holds"`
	Broken    []connectionRow `json:"broken"`
	Unknown   string          `json:"notAssessed,omitempty"`
}

func newNetCheck(g *global) *cobra.Command {
	var o netOptions
	var files, formats []string
	known := []string{"table", "json", "junit", "sarif"}
	cmd := &cobra.Command{
		Use: "check [flags] --intent FILE [TARGET...]", Short: "Hold what the policies allow against what is intended", Args: words(0, -1),
		Long: "An intention says in CEL whom it is about, each end for itself, and whether connections between them are expected to be\n" +
			"allowed or refused. What is expected to be refused may not be allowed between any two; what is expected to be allowed has to\n" +
			"be between each two. An intention that is true of nobody is not assessed, and does not hold. In JUnit and SARIF each connection that breaks\n" +
			"an intention is a finding, at the intention's line.\n\n" +
			"Exit status: 0 all hold; 1 one does not; 2 the call or a file is wrong; 3 not all is known, or one is not assessed.",
		Example: "  plimsoll net check --intent intentions.yaml ./k8s\n  plimsoll net check --intent intentions.yaml --context prod -o json\n  plimsoll net check --intent intentions.yaml -o table -o junit=network.xml ./k8s",
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := parseFormats(formats, "table", known)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return usage("--intent FILE is missing: it says what is intended")
			}
			var all []*intent.Intention
			for _, name := range files {
				text, err := readFile(name, intent.MaxFile)
				if err != nil {
					return usage("--intent: %w", err)
				}
				some, err := intent.Parse(name, text)
				if err != nil {
					return usage("--intent: %w", err)
				}
				all = append(all, some...)
			}
			s, err := o.seen(cmd.Context(), g, args)
			if err != nil {
				return err
			}
			w, err := o.wire(cmd.Context(), s, intent.Blocks())
			if err != nil {
				return err
			}
			w.tell(g)
			return o.check(cmd, g, w, all, to, args)
		},
	}
	o.flags(cmd.Flags(), "")
	cmd.Flags().VarP(repeated(&formats), "output", "o", "`FORMAT[=FILE]` of the answer: table (the default), json, junit or sarif; may be repeated")
	o.enforced.flags(cmd.Flags())
	cmd.Flags().Var(repeated(&files), "intent", "`FILE` of intentions; may be repeated")
	return cmd
}

func (o *netOptions) check(cmd *cobra.Command, g *global, w *wires, all []*intent.Intention, to outputs, targets []string) error {
	m, err := w.model.Map(cmd.Context())
	if err != nil {
		return unmade(err, fewer)
	}
	sure, err := w.sure.Map(cmd.Context()) // what has to be allowed is held against what anybody enforces
	if err != nil {
		return errStopped
	}
	answer := struct {
		Intentions  []intentRow `json:"intentions"`
		Enforcement string      `json:"enforcement,omitempty"`
		Gaps        []string    `json:"gaps,omitempty"`
	}{Intentions: []intentRow{}, Enforcement: w.known.Words(), Gaps: w.unknown()}
	rows := [][]string{{"INTENTION", "VERDICT", "FROM", "PORTS", "TO"}}
	broken, why := false, slices.Clone(w.gaps)
	for _, i := range all {
		row := intentRow{Intention: i.Name, Broken: []connectionRow{}}
		of := m
		if i.Allowed {
			of = sure
		}
		found, err := i.Broken(cmd.Context(), of)
		var nobody *intent.NobodyError
		switch {
		case err != nil && !errors.As(err, &nobody) && cmd.Context().Err() != nil:
			return cmd.Context().Err()
		case err != nil:
			row.Unknown = err.Error()
			why = append(why, "not assessed: "+row.Unknown)
			rows = append(rows, []string{i.Name, "not assessed", "", "", ""})
			g.say("plimsoll: not assessed: %s", printable(err.Error()))
		case len(found) == 0 && !i.Allowed && len(w.untried) > 0:
			row.Unknown = w.untried[0]
			why = append(why, "not assessed: "+i.Name+": "+row.Unknown)
			rows = append(rows, []string{i.Name, "not assessed", "", "", ""})
		case len(found) == 0:
			row.Holds = true
			rows = append(rows, []string{i.Name, "holds", "", "", ""})
		default:
			broken = true
			verdict := "broken: allowed"
			if i.Allowed {
				verdict = "broken: refused"
			}
			var lines [][]string
			row.Broken = connectionRows(found, verdict, &lines)
			for _, line := range lines {
				rows = append(rows, append([]string{i.Name}, line...))
			}
		}
		answer.Intentions = append(answer.Intentions, row)
	}
	err = to.each(g, report.Options{}, func(out io.Writer, format string, options report.Options) error {
		if format == "junit" || format == "sarif" {
			return report.Write(out, format, checkReport(all, answer.Intentions, w.gaps, targets), options)
		}
		there := *g
		there.env.Stdout, there.env.Width, o.format = out, options.Width, format
		return o.answer(&there, rows, answer)
	})
	if err != nil {
		return err
	}
	switch {
	case broken:
		return exitError{exitDeny, nil}
	case len(why) > 0:
		return incomplete(g.quiet, why)
	}
	return nil
}
