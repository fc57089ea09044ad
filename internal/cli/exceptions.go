package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	judge "github.com/plimsoll/plimsoll/internal/judge/exception"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/vex"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

func newExceptions(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exceptions", Short: "List and check the files that say what is let pass",
		Example: "  plimsoll exceptions list exceptions.yaml\n  plimsoll exceptions check --within 14 exceptions.yaml .trivyignore\n  plimsoll scan --exceptions exceptions.yaml shop/cart:1.4",
	}
	cmd.AddCommand(newExceptionsList(g), newExceptionsCheck(g))
	return cmd
}

// readExceptions reads all files, and says of each what is wrong with it.
func readExceptions(names []string) ([]exceptionfile.File, error) {
	var files []exceptionfile.File
	var wrong []error
	for _, name := range names {
		f, err := exceptionfile.Read(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		files = append(files, f)
	}
	if len(wrong) > 0 {
		return nil, exitError{exitUsage, errors.Join(wrong...)}
	}
	return files, nil
}

// listed is an exception as exceptions list writes it.
type listed struct {
	Where        string       `json:"where"`
	Rules        []string     `json:"rules,omitempty"`
	Packages     []string     `json:"packages,omitempty"`
	Paths        []string     `json:"paths,omitempty"`
	Targets      []string     `json:"targets,omitempty"`
	Fingerprints []string     `json:"fingerprints,omitempty"`
	Subjects     []string     `json:"subjects,omitempty"`
	Kinds        []string     `json:"kinds,omitempty"`
	Namespaces   []string     `json:"namespaces,omitempty"`
	Names        []string     `json:"names,omitempty"`
	Images       []string     `json:"images,omitempty"`
	Users        []string     `json:"users,omitempty"`
	Groups       []string     `json:"groups,omitempty"`
	Reason       string       `json:"reason"`
	Owner        string       `json:"owner,omitempty"`
	Ticket       string       `json:"ticket,omitempty"`
	Until        string       `json:"until,omitempty"`
	Expired      bool         `json:"expired"`
	DaysLeft     *int         `json:"daysLeft,omitempty"` // absent where there is no end
	VEX          *finding.VEX `json:"vex,omitempty"`
}

func listedOf(e *exceptionfile.Exception, now time.Time) listed {
	l := listed{
		Where: e.Place(), Rules: e.Rules, Packages: e.Packages, Paths: e.Paths, Targets: e.Targets, Fingerprints: e.Fingerprints, Subjects: e.Subjects,
		Kinds: e.Kinds, Namespaces: e.Namespaces, Names: e.Names, Images: e.Images, Users: e.Users, Groups: e.Groups,
		Reason: e.Reason, Owner: e.Owner, Ticket: e.Ticket, Expired: e.Expired(now), VEX: e.VEX,
	}
	if !e.Until.IsZero() {
		left := daysLeft(e, now)
		l.Until, l.DaysLeft = e.Until.Format(time.DateOnly), &left
	}
	return l
}

// daysLeft is how many days an exception holds after this one; negative when it has run out.
func daysLeft(e *exceptionfile.Exception, now time.Time) int {
	return int(e.Until.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
}

// state is an exception's end in words.
func (l *listed) state() string {
	switch {
	case l.DaysLeft == nil:
		return "no end"
	case l.Expired:
		return "expired"
	case *l.DaysLeft == 0:
		return "ends today"
	}
	return "in " + count(*l.DaysLeft, "day")
}

// what is all that an exception is about, in words.
func (l *listed) what() string {
	var parts []string
	for _, one := range []struct {
		word string
		of   []string
	}{{"", l.Rules}, {"package ", l.Packages}, {"path ", l.Paths}, {"target ", l.Targets}, {"subject ", l.Subjects}, {"kind ", l.Kinds}, {"namespace ", l.Namespaces}, {"name ", l.Names}, {"image ", l.Images}, {"fingerprint ", l.Fingerprints}} {
		if len(one.of) > 0 {
			parts = append(parts, one.word+strings.Join(one.of, " or "))
		}
	}
	return strings.Join(parts, ", ")
}

func newExceptionsList(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list [flags] FILE...", Short: "List exceptions, and when each ends", Args: words(1, -1),
		Long: "List shows every exception of the files, those that end first at the top: what it is about, until when\n" +
			"it holds, who answers for it and why.\n\nExit status: 0 listed, 2 a file is wrong.",
		Example: "  plimsoll exceptions list exceptions.yaml\n  plimsoll exceptions list --json exceptions.yaml .trivyignore",
		RunE: func(_ *cobra.Command, names []string) error {
			files, err := readExceptions(names)
			if err != nil {
				return err
			}
			all := []listed{} // [] and not null
			for i := range files {
				for n := range files[i].Exceptions {
					all = append(all, listedOf(&files[i].Exceptions[n], g.env.Now()))
				}
			}
			sortListed(all)
			if asJSON {
				return json.NewEncoder(g.env.Stdout).Encode(all)
			}
			return columns(g.env.Stdout, g.width(), rowsOf(all))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// rowsOf are exceptions as a table.
func rowsOf(all []listed) [][]string {
	rows := [][]string{{"UNTIL", "LEFT", "WHERE", "OWNER", "WHAT AND WHY"}}
	for i := range all {
		l := &all[i]
		why := l.what() + ": " + l.Reason
		if l.Ticket != "" {
			why += " (" + l.Ticket + ")"
		}
		row := []string{l.Until, l.state(), l.Where, l.Owner, why}
		for n := range row {
			row[n] = printable(strings.ReplaceAll(row[n], "\n", " "))
		}
		rows = append(rows, row)
	}
	return rows
}

func newExceptionsCheck(g *global) *cobra.Command {
	var within int
	var documents []string
	cmd := &cobra.Command{
		Use: "check [flags] FILE...", Short: "Check files of exceptions, and say which have run out or soon will", Args: words(1, -1),
		Long: "Check reads the files as a scan does, all of them, and says what is wrong, what has run out, what soon will\n" +
			"and what lets too much pass. It needs no image: run it where the file is reviewed, and every day.\n\n" +
			"Exit status: 0 all hold, 1 one has run out, 2 a file is wrong or two contradict each other.",
		Example: "  plimsoll exceptions check exceptions.yaml\n  plimsoll exceptions check --within 14 exceptions.yaml --vex vendor.openvex.json",
		RunE: func(_ *cobra.Command, names []string) error {
			if within < 0 {
				return usage("--within %d: give a number of days", within)
			}
			return checkExceptions(g, names, documents, within)
		},
	}
	cmd.Flags().IntVar(&within, "within", 30, "tell of those that end within so many `DAYS`")
	cmd.Flags().Var(repeated(&documents), "vex", "`FILE` of VEX statements that is checked, too; may be repeated")
	return cmd
}

func checkExceptions(g *global, names, documents []string, within int) error {
	files, err := readExceptions(names)
	wrong := []error{err}
	var statements []vex.Document
	for _, name := range documents {
		d, err := vex.Read(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		statements = append(statements, d)
	}
	if err := errors.Join(wrong...); err != nil {
		return exitError{exitUsage, err}
	}
	if _, err := exception.Compile(files, statements, g.env.Now()); err != nil {
		return contradicted(err)
	}
	known := exception.Names{Rule: catalog.Known()}
	total, ended := 0, 0
	for i := range files {
		for n := range files[i].Exceptions {
			e := &files[i].Exceptions[n]
			total++
			if e.Expired(g.env.Now()) {
				ended++
			}
			if line := told(remark(e, g.env.Now(), within)); line != "" {
				fmt.Fprintln(g.env.Stdout, line)
			}
			if text, _ := known.Unknown(e); text != "" {
				fmt.Fprintln(g.env.Stdout, told(e.Place()+": "+text))
			}
		}
	}
	fmt.Fprintf(g.env.Stdout, "%s, %d expired\n", count(total, "exception"), ended)
	for _, d := range statements {
		fmt.Fprintf(g.env.Stdout, "%s: %s (%s)\n", printable(d.Name), count(len(d.Statements), "statement"), d.Kind)
	}
	if ended > 0 {
		return exitError{exitDeny, nil}
	}
	return nil
}

// remark is what there is to say of an exception; empty when there is nothing.
func remark(e *exceptionfile.Exception, now time.Time, within int) string {
	l := listedOf(e, now)
	switch {
	case l.Expired:
		return fmt.Sprintf("%s: expired on %s: %s; ask %s", l.Where, l.Until, l.what(), orNobody(l.Owner))
	case l.DaysLeft != nil && *l.DaysLeft <= within:
		return fmt.Sprintf("%s: ends %s, on %s: %s; ask %s", l.Where, strings.TrimPrefix(l.state(), "ends "), l.Until, l.what(), orNobody(l.Owner))
	}
	for _, c := range judge.Checks() {
		if c.ID == "exception/too-wide" && len(c.Look(judge.Facts{Exception: e, Now: now, InScope: true})) > 0 {
			return fmt.Sprintf("%s: %s: %s", l.Where, c.Title, l.what())
		}
	}
	return ""
}

func orNobody(owner string) string {
	if owner == "" {
		return "whoever wrote it, it names no owner"
	}
	return owner
}

// sortListed puts first what ends first, and last what never does.
func sortListed(all []listed) {
	slices.SortStableFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(orLast(a.Until), orLast(b.Until)), cmp.Compare(a.Where, b.Where))
	})
}

func orLast(day string) string { return cmp.Or(day, "9999") }
