package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// csvColumns head the table; new ones come at its end.
var csvColumns = []string{
	"target", "digest", "kind", "severity", "rule", "aliases", "package", "type", "version", "status", "fixed", "path", "line", "layer",
	"title", "fix", "risk", "epss", "kev", "denied", "let_pass_by", "let_pass_because", "published", "purl", "references", "fingerprint",
}

// writeCSV writes a line for each finding (RFC 4180) and, as kind "gap", for each thing that was not
// assessed.
func writeCSV(w io.Writer, r *finding.Report, _ Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvColumns); err != nil {
		return err
	}
	targets, packages, denied := byID(r)
	for i := range r.Findings {
		f := &r.Findings[i]
		row := csvRow(f, targets[f.Target], packages[f.Package])
		row["denied"] = strconv.FormatBool(denied[f.Fingerprint] && len(f.Suppressed) == 0)
		if err := out.Write(csvLine(row)); err != nil {
			return err
		}
	}
	for _, g := range r.Coverage {
		row := map[string]string{"kind": "gap", "rule": g.Class, "title": g.What, "path": g.Path, "denied": "false"}
		if t := targets[g.Target]; t != nil {
			row["target"], row["digest"] = t.Name, t.Digest
		}
		if g.Layer != nil {
			row["layer"] = strconv.Itoa(*g.Layer)
		}
		row["status"] = map[bool]string{true: "blocking", false: "note"}[g.Blocking]
		if g.Allowed {
			row["status"] = "accepted"
		}
		if err := out.Write(csvLine(row)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvRow(f *finding.Finding, t *finding.Target, p *finding.Package) map[string]string {
	row := map[string]string{
		"kind": string(f.Kind), "severity": string(f.Severity), "rule": f.Rule, "aliases": strings.Join(aliases(f), " "), "status": string(f.Status),
		"fixed": f.Fixed, "title": f.Title, "fix": f.Fix, "published": f.Published, "references": strings.Join(f.References, " "), "fingerprint": f.Fingerprint,
	}
	if t != nil {
		row["target"], row["digest"] = t.Name, t.Digest
	}
	if p != nil {
		row["package"], row["type"], row["version"], row["purl"] = fullName(p), p.Type, p.Version, p.PURL
	}
	if len(f.Locations) > 0 {
		at := f.Locations[0]
		row["path"] = at.Path
		if at.Inner != "" {
			row["path"] += "!/" + at.Inner
		}
		if at.StartLine > 0 {
			row["line"] = strconv.Itoa(at.StartLine)
		}
		if at.Layer != nil {
			row["layer"] = strconv.Itoa(*at.Layer)
		}
	}
	if f.Risk != nil {
		row["risk"], row["kev"] = strconv.Itoa(f.Risk.Score), strconv.FormatBool(f.Risk.KEV)
		if f.Risk.EPSS > 0 {
			row["epss"] = strconv.FormatFloat(f.Risk.EPSS, 'f', -1, 64)
		}
	}
	if len(f.Suppressed) > 0 {
		row["let_pass_by"], row["let_pass_because"] = f.Suppressed[0].By, f.Suppressed[0].Reason
	}
	return row
}

func csvLine(row map[string]string) []string {
	line := make([]string, len(csvColumns))
	for i, name := range csvColumns {
		line[i] = cell(row[name])
	}
	return line
}

// cell keeps a name from being a formula where the file is opened as a spreadsheet: what begins like one
// has a quote before it, as spreadsheets themselves mark text. Some of them read the wide forms of East Asian
// keyboards, too (OWASP, CSV injection).
func cell(s string) string {
	s = clean(s)
	if strings.IndexAny(s, "=+-@|%＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}
