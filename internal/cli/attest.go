package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/tell/attest"
)

type attestOptions struct {
	scan   scanOptions
	sign   signOptions
	to     string
	sbom   string
	bundle string
	failed bool
}

func (o *attestOptions) flags(f *pflag.FlagSet) {
	o.scan.flags(f)
	o.sign.flags(f)
	o.scan.signer.flags(f, "signer-key")
	f.Lookup("signer-key").Usage = seenByPolicies
	f.StringVar(&o.to, "to", "", "`PLACE` of the image, beside which the attestation, the report and the SBOM are put: REPOSITORY[:TAG] of a registry, or oci:FOLDER")
	f.StringVar(&o.sbom, "sbom", "", "`FILE` of the image's bill of materials, CycloneDX or SPDX as JSON (default: of a TARGET, its own)")
	f.StringVar(&o.bundle, "bundle", "", "`FILE` for the signed attestation, a Sigstore bundle; - is stdout")
	f.BoolVar(&o.failed, "failed", false, "attest a FAILED verdict, where the report denies or is incomplete")
}

func newAttest(g *global) *cobra.Command {
	var o attestOptions
	cmd := &cobra.Command{
		Use: "attest [flags] REPORT.json|TARGET", Short: "Sign the verdict on an image, and put it beside the image",
		Long: "Attest turns a report that passed (scan -o json=REPORT.json) into a signed verdict: an in-toto statement with\n" +
			"SLSA's verification summary, in a Sigstore bundle. It names by their digests the image, the line that was drawn,\n" +
			"the policies, the database of advisories, the report and the SBOM. A TARGET that is no report is scanned first,\n" +
			"by the flags of scan.\n\n" +
			"With --to it is put beside the image, with the report and the SBOM, as OCI referrers; --bundle writes it to a file.\n" +
			"A key is PEM, ed25519 or ECDSA P-256, or Cosign's, whose password is in --key-password-file or COSIGN_PASSWORD.\n" +
			"Without a key, --fulcio-url and --identity-token-file sign under a certificate (needs the program plimsoll-sigstore).\n\n" +
			"A report is held against --fail-on once more, so that one of a gate that only reported is not attested. Only a\n" +
			"report that passes gets an attestation, unless --failed asks for one that says so.\n\n" +
			"Exit status: 0 attested, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 the verdict is\n" +
			"incomplete, or the place could not be asked.",
		Example: "  plimsoll attest --key attest.key --to registry.example.com/shop/cart:1.4 report.json\n" +
			"  plimsoll attest --key cosign.key --to oci:./cart oci:./cart\n" +
			"  plimsoll attest --key attest.key --bundle cart.sigstore.json report.json",
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runAttest(cmd.Context(), g, &o, args[0]) },
	}
	o.flags(cmd.Flags())
	return cmd
}

func runAttest(ctx context.Context, g *global, o *attestOptions, word string) error {
	if o.to == "" && o.bundle == "" {
		return usage("the attestation goes nowhere: name the image's place with --to, or a file with --bundle")
	}
	if o.bundle != "" && o.bundle != "-" {
		if err := writable(o.bundle); err != nil {
			return usage("--bundle: %v", err)
		}
	}
	sign, err := o.sign.signer(g)
	if err != nil {
		return err
	}
	in, err := o.input(ctx, g, word)
	if err != nil {
		return err
	}
	verdicts, err := attest.Verdicts(in)
	if err != nil {
		return refused(err)
	}
	to, err := o.place(ctx)
	if err != nil {
		return err
	}
	defer to.close()
	var bundles bytes.Buffer
	for _, v := range verdicts {
		b, err := to.attest(ctx, g, v, in, sign)
		if err != nil {
			return placeError(ctx, err)
		}
		bundles.Write(append(b, '\n'))
	}
	return o.write(g, bundles.Bytes())
}

// write writes the bundles where --bundle says, a line each.
func (o *attestOptions) write(g *global, bundles []byte) error {
	to := func(w io.Writer) error { _, err := w.Write(bundles); return err }
	switch o.bundle {
	case "":
		return nil
	case "-":
		return to(g.env.Stdout)
	}
	return writeFile(o.bundle, to)
}

// refused gives a report without a verdict of PASSED the status that its scan had.
func refused(err error) error {
	var r *attest.RefusedError
	switch {
	case errors.As(err, &r) && r.Action == finding.Deny:
		return exitError{exitDeny, err}
	case errors.As(err, &r) && r.Action == finding.Incomplete:
		return exitError{exitIncomplete, err}
	}
	return exitError{exitUsage, err}
}

// placeError tells a place that does not answer from a call that is wrong.
func placeError(ctx context.Context, err error) error {
	var exit exitError
	if errors.As(err, &exit) {
		return err
	}
	return exitError{statusOf(ctx, err), err}
}

// maxReport bounds the bytes of a report that is read.
const maxReport = 1 << 30

// input reads the report that the word names, or scans what it names.
func (o *attestOptions) input(ctx context.Context, g *global, word string) (attest.Input, error) {
	in := attest.Input{Version: version(), Now: g.env.Now(), Failing: o.failed}
	line, err := o.scan.line()
	if err != nil {
		return in, err
	}
	in.Line = line
	if o.sbom != "" {
		if in.Bill, err = readFile(o.sbom, maxReport); err != nil {
			return in, usage("--sbom: %v", err)
		}
		if _, err := attest.BillType(in.Bill); err != nil {
			return in, usage("--sbom %s: %v", o.sbom, err)
		}
	}
	if isReport(word) {
		in.Raw, err = readFile(word, maxReport)
	} else {
		err = o.scanned(ctx, g, word, &in)
	}
	if err != nil {
		return in, placeError(ctx, err)
	}
	if err := json.Unmarshal(in.Raw, &in.Report); err != nil {
		return in, usage("read report %s: %v", word, err)
	}
	return in, nil
}

// isReport says whether a word is a file that begins as a report does.
func isReport(word string) bool {
	f, err := os.Open(word)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte(`"plimsoll/report/`))
}

// scanned scans a target, and keeps its report and its bill of materials. What keeps it from passing is
// judged with the report.
func (o *attestOptions) scanned(ctx context.Context, g *global, word string, in *attest.Input) error {
	if o.scan.filter.OnlyFixed || o.scan.filter.BaseOnly || o.scan.filter.AppOnly || len(o.scan.severities) > 0 {
		return usage("the report that is attested is whole: leave out --severity, --only-fixed, --base-only and --app-only")
	}
	dir, err := os.MkdirTemp("", "plimsoll-attest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	report, bill := filepath.Join(dir, "report.json"), filepath.Join(dir, "sbom.json")
	o.scan.read.outputs = append(o.scan.read.outputs, "json="+report, "cyclonedx="+bill)
	scanErr := runScan(ctx, g, &o.scan, []string{word})
	if in.Raw, err = readFile(report, maxReport); err != nil {
		if scanErr == nil {
			scanErr = err
		}
		return scanErr
	}
	var verdict exitError
	if scanErr != nil && (!errors.As(scanErr, &verdict) || verdict.cause != nil) {
		return scanErr // a report that was asked for could not be written
	}
	if o.sbom == "" {
		in.Bill, err = readFile(bill, maxReport)
	}
	return err
}

// attestPlace is where an attestation is put; a zero one is nowhere.
type attestPlace struct {
	attest.Place
	name, tag string
	close     func()
}

func (o *attestOptions) place(ctx context.Context) (attestPlace, error) {
	to := attestPlace{name: o.to, close: func() {}}
	if o.to == "" {
		return to, nil
	}
	if dir, ok := strings.CutPrefix(o.to, "oci:"); ok {
		p, end, err := attest.InLayout(dir)
		if err != nil {
			return to, usage("--to: %v", err)
		}
		to.Place, to.close = p, func() { end() }
		return to, nil
	}
	ref, err := image.ParseReference(o.to)
	if err != nil {
		return to, usage("--to: %v", err)
	}
	repo, err := o.scan.read.target.repository(ctx, o.to)
	if err != nil {
		return to, placeError(ctx, err)
	}
	to.name, to.tag = ref.Name(), ref.Tag
	to.Place, to.close = attest.InRegistry(repo), func() { repo.Close() }
	return to, nil
}

// attest signs one verdict, and puts it beside each image that it is about.
func (p *attestPlace) attest(ctx context.Context, g *global, v attest.Verdict, in attest.Input, sign signing) ([]byte, error) {
	beside, err := p.subjects(ctx, &v)
	if err != nil {
		return nil, err
	}
	b, err := sign.sign(ctx, v.Statement)
	if err != nil {
		return nil, err
	}
	result := attestation.Failed
	if v.Passed {
		result = attestation.Passed
	}
	for _, s := range v.Statement.Subject {
		g.say("%s@sha256:%s: %s, signed by %s", s.Name, s.Digest["sha256"], result, sign.by)
	}
	things := []attest.Artifact{attest.Bundle(b), {Type: attest.ReportType, Bytes: in.Raw}}
	if len(in.Bill) > 0 {
		kind, err := attest.BillType(in.Bill)
		if err != nil {
			return nil, err
		}
		things = append(things, attest.Artifact{Type: kind, Bytes: in.Bill})
	}
	for _, to := range beside {
		for _, a := range things {
			digest, err := p.Attach(ctx, to, a)
			if err != nil {
				return nil, err
			}
			if _, err := fmt.Fprintf(g.env.Stdout, "%s@%s %s\n", p.name, digest, a.Type); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// subjects finds the images in the place. One that an engine knows by its configuration gets there the
// digest of its manifest; an index whose platforms are all attested is attested with them.
func (p *attestPlace) subjects(ctx context.Context, v *attest.Verdict) ([]image.Descriptor, error) {
	if p.name == "" {
		return nil, nil
	}
	var beside []image.Descriptor
	var digests []string
	add := func(d image.Descriptor) {
		v.Statement.Subject = append(v.Statement.Subject, attestation.Subject{Name: p.name, Digest: map[string]string{"sha256": strings.TrimPrefix(d.Digest, "sha256:")}})
	}
	for _, s := range v.Subjects {
		d, err := p.Subject(ctx, s.Digest, p.tag)
		if err != nil {
			return nil, fmt.Errorf("--to %s: %w", p.name, err)
		}
		if d.Digest != s.Digest {
			add(d)
		}
		beside, digests = append(beside, d), append(digests, d.Digest)
	}
	if index := v.Subjects[0].Index; index != "" {
		if d, ok := p.Whole(ctx, index, digests); ok {
			add(d)
			beside = append(beside, d)
		}
	}
	return beside, nil
}
