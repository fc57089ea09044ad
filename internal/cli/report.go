package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/opinion"
	"github.com/plimsoll/plimsoll/internal/read/savedreport"
	"github.com/plimsoll/plimsoll/internal/weigh/agree"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

func newReport(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "report", Short: "Work with saved reports",
		Example: "  plimsoll report convert report.json -o html=report.html\n" +
			"  plimsoll report merge report.json trivy.json grype.json\n" +
			"  plimsoll report diff before.json after.json",
	}
	cmd.AddCommand(newReportConvert(g), newReportMerge(g), newReportDiff(g))
	return cmd
}

// savedOptions are those of commands that write a saved report anew.
type savedOptions struct {
	outputs  []string
	template string
}

func (o *savedOptions) flags(f *pflag.FlagSet) {
	f.VarP(repeated(&o.outputs), "output", "o", "`FORMAT[=FILE]` of the report: "+strings.Join(formats(false), ", ")+"; may be repeated")
	f.StringVar(&o.template, "template", "", "Go template `FILE` for -o template; one called *.html is escaped as HTML")
}

func newReportConvert(g *global) *cobra.Command {
	var o savedOptions
	cmd := &cobra.Command{
		Use: "convert [flags] FILE...", Short: "Write saved reports in other formats",
		Long: "Convert reads what plimsoll scan -o json wrote, - for the standard input, and writes it in any format. Several\n" +
			"files become one report: its verdict is the worst of theirs. Nothing is judged anew.\n\n" +
			"Exit status: 0 written, 2 the call or a file in it is wrong, 3 a format could not be written.",
		Example: "  plimsoll report convert report.json -o html=report.html -o sarif=report.sarif\n" +
			"  plimsoll report convert *.json -o csv=all.csv\n" +
			"  plimsoll report convert report.json -o template --template mail.html.tmpl",
		Args: words(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.run(g, func() (*finding.Report, error) { return combined(g, args) })
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// run writes what make makes. All that is wrong with the call is told first.
func (o *savedOptions) run(g *global, make func() (*finding.Report, error)) error {
	out, err := parseOutputs(o.outputs, "table", false)
	if err != nil {
		return err
	}
	options, err := out.options(g, o.template)
	if err != nil {
		return err
	}
	r, err := make()
	if err != nil {
		return err
	}
	for _, one := range out {
		if !r.Judged() && !knows(formats(true), one.format) {
			return usage("-o %s tells of findings, and this report is an inventory, which has none", one.format)
		}
	}
	if err := out.write(g, r, options); err != nil {
		return exitError{exitIncomplete, err}
	}
	return nil
}

func knows(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// maxSaved bounds what is read of the standard input.
const maxSaved = 512 << 20

// saved reads one report of ours, in the one order that formats want.
func saved(g *global, name string) (*finding.Report, error) {
	r, err := (*finding.Report)(nil), error(nil)
	if name == "-" {
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(g.env.Stdin, maxSaved+1)); err == nil {
			if r, err = savedreport.Parse(b); err != nil {
				err = fmt.Errorf("standard input: %w", err)
			}
		}
	} else {
		r, _, err = savedreport.Read(name)
	}
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	finding.Sort(r)
	return r, nil
}

// combined reads reports and makes them one.
func combined(g *global, names []string) (*finding.Report, error) {
	var all *finding.Report
	for i, name := range names {
		r, err := saved(g, name)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = r
			continue
		}
		if all.Judged() != r.Judged() {
			return nil, usage("%s and %s: one is an inventory and the other has a verdict: convert them apart", names[0], name)
		}
		if a, b := all.Tool.Database, r.Tool.Database; a != nil && b != nil && a.Digest != b.Digest {
			g.say("%s was made with another database than %s: the report names the older", name, names[0])
		}
		all.Add(r, fmt.Sprintf("f%d", i))
	}
	finding.Sort(all)
	return all, nil
}

func newReportMerge(g *global) *cobra.Command {
	var o savedOptions
	var db dbOptions
	cmd := &cobra.Command{
		Use: "merge [flags] OURS OTHER...", Short: "Hold a report beside those of other engines",
		Long: "Merge reads a report of Plimsoll (plimsoll scan -o json) and reports of other engines on the same images: the JSON\n" +
			"of Trivy, Grype and OSV-Scanner, and any SARIF. What a file is, its content tells. Findings that name the same\n" +
			"package, version and vulnerability under any of its ids are one; each learns which engines agree, and each\n" +
			"difference is listed with its reason, as the database and both inventories tell it: fixed by the distribution,\n" +
			"another order of versions, not in the inventory, not in the data, let pass. Where nothing tells, it says unknown.\n\n" +
			"The verdict stays that of the report. A policy can ask for more: finding.opinions says who agrees.\n\n" +
			"Exit status: 0 merged, 2 the call or a file in it is wrong, 3 a format could not be written.",
		Example: "  plimsoll report merge report.json grype.json\n" +
			"  plimsoll report merge report.json trivy.json osv.json hadolint.sarif -o markdown=opinions.md -o json=merged.json",
		Args: words(2, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(g, func() (*finding.Report, error) { return merged(cmd.Context(), g, &db, args) })
		},
	}
	o.flags(cmd.Flags())
	db.flags(cmd.Flags())
	return cmd
}

// merged reads a report and the opinions on it.
func merged(ctx context.Context, g *global, o *dbOptions, names []string) (*finding.Report, error) {
	r, err := saved(g, names[0])
	if err != nil {
		return nil, err
	}
	if !r.Judged() {
		return nil, usage("%s is an inventory: second opinions are of findings (plimsoll scan -o json makes them)", names[0])
	}
	var theirs []*opinion.Report
	for _, name := range names[1:] {
		one, err := readOpinion(name)
		if err != nil {
			return nil, exitError{exitUsage, err}
		}
		g.say("%s: taken for a report of %s, with %s", name, strings.TrimSpace(one.Engine+" "+one.Version), count(len(one.Opinions), "finding"))
		if one.Note != "" {
			g.say("%s: %s", name, one.Note)
		}
		theirs = append(theirs, one)
	}
	db, err := o.open(ctx, g)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if used := r.Tool.Database; used == nil || used.Digest != db.Describe().Digest {
		g.say("plimsoll: %s was made with another database than the one that is asked for reasons (--db names one)", names[0])
	}
	if err := agree.Merge(r, theirs, agree.Options{Lookup: db, Kinds: all.Ecosystems(), Cards: catalog.Finder()}); err != nil {
		return nil, exitError{exitUsage, err}
	}
	return r, nil
}

func readOpinion(name string) (*opinion.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a folder")}
	}
	r, err := opinion.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
