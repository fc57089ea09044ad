package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

type verifyOptions struct {
	target targetOptions
	signer signerOptions
	files  []string
	about  string
	maxAge string
	maxDB  string
	want   signature.Want
	json   bool
}

func (o *verifyOptions) flags(f *pflag.FlagSet) {
	o.target.flags(f)
	f.Lookup("platform").Usage = "`PLATFORM` of the image that must be attested, as in linux/arm64 (default: every one that the image has)"
	o.signer.flags(f, "key")
	f.Var(repeated(&o.files), "attestation", "`FILE` of an attestation, instead of those beside the image; may be repeated")
	f.StringVar(&o.about, "for", "verdict", "`WHAT` must be signed: verdict, or signature for any signature on the image")
	f.StringVar(&o.maxAge, "max-age", "", "refuse a verdict of longer than `AGE` ago, as in 72h or 7d")
	f.StringVar(&o.maxDB, "db-max-age", "", "refuse a verdict whose database was built longer than `AGE` ago, as in 72h or 7d")
	f.StringVar(&o.want.FailOn, "require-fail-on", "", "least `SEVERITY` that the line of the verdict must have denied: critical, high, medium, low, info or unknown")
	f.BoolVar(&o.want.Unfixed, "require-fail-on-unfixed", false, "the line of the verdict must have denied also what has no fix")
	f.Var(repeated(&o.want.Policies), "require-policy", "`NAME[@DIGEST]` of a policy that must have been in force; may be repeated")
	f.StringVar(&o.want.PolicyDigest, "policy-digest", "", "`sha256:HEX` of the line with all its policies, as attest and verify show it")
	f.StringVar(&o.want.Verifier, "verifier", attestation.VerifierID, "`ID` of who must have verified; empty for anybody")
	f.StringVar(&o.want.Resource, "resource", "", "`URI` under which the image must have been verified, as in oci:registry.example.com/shop/cart")
	f.BoolVar(&o.json, "json", false, "write the answer as JSON")
}

func newVerify(g *global) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify [flags] IMAGE", Short: "Ask whether an image has a signed verdict that it may pass",
		Long: "Verify says yes when an attestation beside the image is by the signer that is asked for, about just this image,\n" +
			"says that it passed, and fits what is asked of its age and policies. Else it says which test each attestation\n" +
			"failed, and what to do.\n\n" +
			"Attestations are looked for beside the image: referrers, and Cosign's tags (sha256-….att, sha256-….sig), in its\n" +
			"registry or OCI layout; or read from files. Of an image of Docker or Podman the registry is asked that it was\n" +
			"pulled from or pushed to, if the same image is still there. Plimsoll's are understood, and verification\n" +
			"summaries (SLSA VSA) of others; with --for signature, any signature by Cosign as well.\n\n" +
			"A signer is a public key (PEM, or a certificate, which must be valid today), or whom a certificate of Sigstore's\n" +
			"names: --certificate-identity with --certificate-oidc-issuer and the --trusted-root that counts, which needs the\n" +
			"program plimsoll-sigstore. Of an image for several platforms each must be attested, or --platform names one.\n\n" +
			"Exit status: 0 yes, 1 no, 2 the call or a file in it is wrong, 3 it could not be asked.",
		Example: "  plimsoll verify --key attest.pub --max-age 7d registry.example.com/shop/cart:1.4\n" +
			"  plimsoll verify --key attest.pub --attestation cart.sigstore.json ./cart.tar\n" +
			"  plimsoll verify --for signature --key cosign.pub registry.example.com/shop/cart:1.4",
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runVerify(cmd.Context(), g, &o, args[0]) },
	}
	o.flags(cmd.Flags())
	return cmd
}

// validate reads what the flags say.
func (o *verifyOptions) validate() error {
	var err error
	if o.want.Signed = o.about == "signature"; !o.want.Signed && o.about != "verdict" {
		return usage("--for %q: use verdict or signature", o.about)
	}
	if o.want.MaxAge, err = mostAge("--max-age", o.maxAge); err != nil {
		return err
	}
	if o.want.MaxDatabase, err = mostAge("--db-max-age", o.maxDB); err != nil {
		return err
	}
	if o.want.FailOn != "" {
		if _, err := finding.ParseSeverity(o.want.FailOn); err != nil {
			return usage("--require-fail-on %v", err)
		}
	}
	if d := o.want.PolicyDigest; d != "" && image.CheckDigest(d) != nil {
		return usage("--policy-digest %q: write sha256: and 64 hex digits", d)
	}
	if o.want.Signed && (o.want.MaxAge > 0 || o.want.MaxDatabase > 0 || o.want.FailOn != "" || o.want.Unfixed || o.want.PolicyDigest != "" || len(o.want.Policies) > 0) {
		return usage("--for signature: a signature says nothing of age, database and policies: leave those flags out")
	}
	o.target.platform = cmp.Or(o.target.platform, "all")
	return nil
}

// mostAge reads an age. Zero would ask for nothing, where it seems to ask for most.
func mostAge(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	age, err := parseAge(text)
	if err != nil {
		return 0, usage("%s %v", flag, err)
	}
	if age == 0 {
		return 0, usage("%s %s: nothing is that young: write 72h or 7d, or leave it out", flag, text)
	}
	return age, nil
}

func runVerify(ctx context.Context, g *global, o *verifyOptions, word string) error {
	if err := o.validate(); err != nil {
		return err
	}
	who, err := o.signer.open(g)
	if err != nil {
		return err
	}
	files, err := readProofs(o.files)
	if err != nil {
		return err
	}
	targets, err := o.target.open(ctx, g, []string{word})
	if err != nil {
		return err
	}
	defer targets.close()
	out := answers{Image: word, Yes: true}
	for _, s := range targets.subjects {
		if s.Image == nil || s.Image.Digest == "" {
			return usage("%s is no image, and has no digest that an attestation could be about", word)
		}
		one, err := o.ask(ctx, s.Image, who, files)
		if err != nil {
			return placeError(ctx, err)
		}
		out.Yes = out.Yes && one.Yes
		out.Platforms = append(out.Platforms, one)
	}
	if o.json {
		e := json.NewEncoder(g.env.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(out)
	} else {
		err = out.write(g)
	}
	if err == nil && !out.Yes {
		return exitError{exitDeny, nil}
	}
	return err
}

func readProofs(files []string) ([]attestation.Proof, error) {
	var all []attestation.Proof
	for _, file := range files {
		b, err := readFile(file, attestation.MaxFile)
		if err != nil {
			return nil, usage("--attestation: %v", err)
		}
		proofs, err := attestation.Parse(file, b)
		if err != nil {
			return nil, usage("--attestation %v", err)
		}
		all = append(all, proofs...)
	}
	return all, nil
}

// ask judges the proofs of an image for one platform.
func (o *verifyOptions) ask(ctx context.Context, img *image.Image, who permitted, proofs []attestation.Proof) (answer, error) {
	want := o.want
	want.Digests = digestsOf(img)
	out := answer{Digest: img.Digest, Platform: img.Platform}
	if len(o.files) == 0 {
		found, err := o.target.proofs(ctx, img)
		var nowhere *nowhereError
		if errors.As(err, &nowhere) {
			return out, usage("%v, or name the file of the attestation with --attestation", err)
		}
		if err != nil {
			return out, err
		}
		proofs, want.Digests = found.Proofs, found.digests
		out.Digest = found.digests[0] // an engine's image has another there
		for _, t := range found.Troubles {
			out.Troubles = append(out.Troubles, t.Error())
		}
	}
	var facts []signature.Fact
	for _, p := range proofs {
		f, err := who.look(ctx, p)
		if err != nil {
			return out, err
		}
		facts = append(facts, f)
	}
	out.take(signature.Judge(want, facts, who.now()))
	return out, nil
}
