package cli

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/trial"
)

// testFormats are the formats of what the cases of policies came to.
var testFormats = []string{"table", "json", "junit"}

type testOptions struct {
	format  string
	covered bool
}

func newPolicyTest(g *global) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use: "test FOLDER...", Short: "Run the cases that stand beside policies", Args: words(1, -1),
		Long: "Test reads policies and their cases (kind PolicyTest) from folders or files, runs each case, and says which\n" +
			"expressions no case has seen to hold, or to fail: those are not tested.\n\n" +
			"Exit status: 0 all cases went as they should, 1 one did not, 2 the call or a file in it is wrong.",
		Example: "  plimsoll policy test ./policies\n  plimsoll policy test --covered -o junit ./policies > policies.xml",
		RunE:    func(cmd *cobra.Command, args []string) error { return runPolicyTest(cmd.Context(), g, &o, args) },
	}
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "`FORMAT` of the results: table, json or junit")
	cmd.Flags().BoolVar(&o.covered, "covered", false, "fail also when an expression was not seen both to hold and to fail")
	return cmd
}

func runPolicyTest(ctx context.Context, g *global, o *testOptions, args []string) error {
	if !slices.Contains(testFormats, o.format) {
		return usage("-o %q is no format%s: use table, json or junit", o.format, suggestion(o.format, testFormats))
	}
	var set policyfile.Set
	for _, word := range args {
		more, err := policyFiles(word)
		if err != nil {
			return usage("%s: %v", word, err)
		}
		set.Policies = append(set.Policies, more.Policies...)
		set.Bindings = append(set.Bindings, more.Bindings...)
		set.Tests = append(set.Tests, more.Tests...)
		set.Objects = append(set.Objects, more.Objects...)
	}
	if _, err := native.Compile(set.Objects); err != nil {
		return exitError{exitUsage, err}
	}
	if len(set.Tests) == 0 {
		return usage("there are no cases: write a document of kind PolicyTest beside the policies")
	}
	out, err := trial.Run(ctx, &set, g.env.Now())
	if err != nil {
		return exitError{exitUsage, err}
	}
	write := map[string]func(io.Writer, *trial.Outcome) error{"table": g.testTable, "json": testJSON, "junit": testJUnit}[o.format]
	if err := write(g.env.Stdout, out); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if ctx.Err() != nil {
		return exitError{exitIncomplete, ctx.Err()}
	}
	if out.Failed() > 0 || o.covered && len(uncovered(out)) > 0 {
		return exitError{status: exitDeny}
	}
	return nil
}

func uncovered(out *trial.Outcome) (all []trial.Coverage) {
	for _, c := range out.Coverage {
		if !c.Covered() {
			all = append(all, c)
		}
	}
	return all
}

// testTable tells what went wrong, and what was not tested.
func (g *global) testTable(w io.Writer, out *trial.Outcome) error {
	var rows [][]string
	for _, r := range out.Results {
		if r.Failed != "" {
			rows = append(rows, []string{"failed", printable(r.Place), printable(r.Policy + ": " + r.Case), printable(r.Failed)})
		}
	}
	open := uncovered(out)
	for _, c := range open {
		seen := "no case saw it hold"
		switch {
		case c.True > 0:
			seen = "no case saw it fail"
		case c.False == 0:
			seen = "no case ran it"
		}
		rows = append(rows, []string{"untested", printable(c.Place), printable(c.Policy + ": " + c.Expression), seen})
	}
	if len(rows) > 0 {
		if err := columns(w, g.width(), rows); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	n, all := len(out.Results), len(out.Coverage)
	_, err := fmt.Fprintf(w, "%s, %d failed; %d of %s seen to hold and to fail\n", count(n, "case"), out.Failed(), all-len(open), count(all, "expression"))
	return err
}

func testJSON(w io.Writer, out *trial.Outcome) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// testJUnit writes a suite for each policy, as CI systems read it.
func testJUnit(w io.Writer, out *trial.Outcome) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		File    string   `xml:"file,attr"`
		Failure *failure `xml:"failure,omitempty"`
	}
	type suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	var suites []suite
	for _, r := range out.Results {
		if len(suites) == 0 || suites[len(suites)-1].Name != r.Policy {
			suites = append(suites, suite{Name: r.Policy})
		}
		s := &suites[len(suites)-1]
		c := testcase{Class: r.Policy, Name: r.Case, File: r.Place}
		if s.Tests++; r.Failed != "" {
			s.Failures++
			c.Failure = &failure{Message: printable(r.Failed), Text: r.Place}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	err := e.Encode(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}{Suites: suites})
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	return err
}
