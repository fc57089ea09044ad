package cli

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

// signerOptions say whose signature counts.
type signerOptions struct {
	keys                     []string
	identity, identityRegexp string
	issuer, issuerRegexp     string
	root                     string
	keyFlag                  string // what names keys: key, or signer-key where key is what signs
}

func (o *signerOptions) flags(f *pflag.FlagSet, keyFlag string) {
	o.keyFlag = keyFlag
	f.Var(repeated(&o.keys), keyFlag, "PEM `FILE` of a public key or certificate that may sign; may be repeated, and one suffices")
	f.StringVar(&o.identity, "certificate-identity", "", "`NAME` that the signer's certificate must have: an address, or a workflow's URI")
	f.StringVar(&o.identityRegexp, "certificate-identity-regexp", "", "`PATTERN` for the whole of that name")
	f.StringVar(&o.issuer, "certificate-oidc-issuer", "", "`URL` of who must have vouched for that name")
	f.StringVar(&o.issuerRegexp, "certificate-oidc-issuer-regexp", "", "`PATTERN` for the whole of that URL")
	f.StringVar(&o.root, "trusted-root", "", "`FILE` of Sigstore's trusted root (trusted_root.json): authorities, logs and clocks that count; with a key, the signature must stand in such a log")
}

// asked says that somebody is named.
func (o *signerOptions) asked() bool {
	return len(o.keys) > 0 || o.identity+o.identityRegexp+o.issuer+o.issuerRegexp+o.root != ""
}

// permitted are those who may sign: look knows of a proof who signed it.
type permitted struct {
	keys    []key.Public
	request helper.Verify
	byName  bool
	now     func() time.Time
}

// maxRoot bounds the file of a trusted root.
const maxRoot = 4 << 20

func (o *signerOptions) open(g *global) (permitted, error) {
	s := permitted{now: g.env.Now, byName: o.identity+o.identityRegexp+o.issuer+o.issuerRegexp != ""}
	s.request = helper.Verify{Identity: o.identity, IdentityRegexp: o.identityRegexp, Issuer: o.issuer, IssuerRegexp: o.issuerRegexp}
	switch {
	case s.byName && len(o.keys) > 0:
		return s, usage("--%s asks for a key, --certificate-identity for a certificate: use one of them", o.keyFlag)
	case s.byName && (o.identity+o.identityRegexp == "" || o.issuer+o.issuerRegexp == ""):
		return s, usage("a certificate is checked by whom it names and by who vouched for that: give --certificate-identity and --certificate-oidc-issuer")
	case s.byName && o.root == "":
		return s, usage("--certificate-identity needs the authorities that count: --trusted-root FILE (of the public Sigstore: cosign trusted-root create, or gh attestation trusted-root)")
	case !s.byName && len(o.keys) == 0:
		return s, usage("name who may sign: --%s FILE, or --certificate-identity with --certificate-oidc-issuer", o.keyFlag)
	}
	for _, file := range o.keys {
		k, err := o.key(file, s.now())
		if err != nil {
			return s, err
		}
		s.keys = append(s.keys, k)
	}
	if o.root != "" {
		b, err := readFile(o.root, maxRoot)
		if err != nil {
			return s, usage("--trusted-root: %v", err)
		}
		s.request.TrustedRoot = b
	}
	return s, nil
}

// key reads a public key, which must count today.
func (o *signerOptions) key(file string, now time.Time) (key.Public, error) {
	b, err := readFile(file, key.MaxFile)
	if err != nil {
		return key.Public{}, usage("--%s: %v", o.keyFlag, err)
	}
	k, err := key.ParsePublic(b)
	if err == nil {
		err = k.Counts(now)
	}
	if err != nil {
		return k, usage("--%s %s: %v", o.keyFlag, file, err)
	}
	return k, nil
}

// look finds out who signed a proof, of those who may, and reads what it claims once that is known. An error
// means that it could not be asked.
func (s permitted) look(ctx context.Context, p attestation.Proof) (signature.Fact, error) {
	f := signature.Fact{Where: p.Where}
	var err error
	if s.byName {
		err = s.certified(ctx, p, &f)
	} else {
		err = s.byKey(ctx, p, &f)
	}
	if err == nil && f.Signer != "" {
		f.Claim, f.Broken = p.Claim()
	}
	return f, err
}

func (s permitted) byKey(ctx context.Context, p attestation.Proof, f *signature.Fact) error {
	f.Why = "none of the keys that are asked for signed it: somebody else did, or it was changed"
	if p.Certified {
		f.Why = "it is signed under a certificate and not with a key"
	}
	for _, k := range s.keys {
		if !p.SignedBy(k) {
			continue
		}
		if err := k.Counts(s.now()); err != nil { // it did when it was read
			f.Why = err.Error()
			continue
		}
		if len(s.request.TrustedRoot) == 0 {
			f.Signer = k.ID()
			return nil
		}
		if len(p.Bundle) == 0 {
			f.Why = "it is signed with the key, and stands in no log, which --trusted-root asks for"
			return nil
		}
		ask := s.request
		ask.Key = k.PEM()
		return s.ask(ctx, ask, p, f, k.ID())
	}
	return nil
}

func (s permitted) certified(ctx context.Context, p attestation.Proof, f *signature.Fact) error {
	if !p.Certified || len(p.Bundle) == 0 {
		f.Why = "it is signed with a key and not under a certificate"
		return nil
	}
	return s.ask(ctx, s.request, p, f, "")
}

// ask has Sigstore's own verifier look at the bundle.
func (s permitted) ask(ctx context.Context, ask helper.Verify, p attestation.Proof, f *signature.Fact, name string) error {
	ask.Bundle = p.Bundle
	if p.Type == "" {
		ask.Payload = p.Payload
	}
	a, err := helper.Ask(ctx, helper.Request{Verify: &ask})
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "--"):
		return exitError{exitUsage, err}
	case err != nil:
		return exitError{exitIncomplete, err}
	case a.No != "":
		f.Why = "Sigstore's verifier does not accept it: " + a.No
		return nil
	case p.Type != "" && (a.Type != p.Type || !bytes.Equal(a.Payload, p.Payload)):
		f.Why = "it says one thing to Sigstore's verifier and another to others"
		return nil
	}
	f.Signed = a.At
	if f.Signer = name; name == "" {
		f.Signer, f.Issuer = a.Signer, a.Issuer
	}
	return nil
}
