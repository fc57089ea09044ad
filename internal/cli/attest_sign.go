package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
	"github.com/plimsoll/plimsoll/internal/tell/attest"
)

// signOptions say with what is signed.
type signOptions struct {
	key, password        string
	token, fulcio, rekor string
	rekorV2              bool
	clock                string
}

func (o *signOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.key, "key", "", "PEM `FILE` of the private key that signs")
	f.StringVar(&o.password, "key-password-file", "", "`FILE` whose first line is the password of the key (or COSIGN_PASSWORD)")
	f.StringVar(&o.token, "identity-token-file", "", "`FILE` of an OIDC identity token, to sign under a certificate (or SIGSTORE_ID_TOKEN)")
	f.StringVar(&o.fulcio, "fulcio-url", "", "`URL` of the authority (Fulcio) that certifies who the token says it is")
	f.StringVar(&o.rekor, "rekor-url", "", "`URL` of the log (Rekor) that the signature is entered in")
	f.BoolVar(&o.rekorV2, "rekor-v2", false, "the log speaks version 2 of its protocol")
	f.StringVar(&o.clock, "timestamp-url", "", "`URL` of an authority that says when it was signed (RFC 3161)")
}

// signing makes bundles of statements.
type signing struct {
	by   string
	sign func(context.Context, attestation.Statement) ([]byte, error)
}

// signer reads what signs: before the work, so that a wrong password does not come after it.
func (o *signOptions) signer(g *global) (signing, error) {
	switch {
	case o.key != "" && o.fulcio != "":
		return signing{}, usage("--key signs with a key and --fulcio-url without one: use one of them")
	case o.key != "":
		return o.withKey(g)
	case o.fulcio != "":
		return o.withToken(g)
	}
	return signing{}, usage("name what signs: --key FILE, or --fulcio-url URL with an identity token")
}

func (o *signOptions) withKey(g *global) (signing, error) {
	if o.rekor != "" || o.clock != "" || o.token != "" {
		return signing{}, usage("--rekor-url, --timestamp-url and --identity-token-file go with --fulcio-url: a signature by a key needs none of them")
	}
	file, err := readFile(o.key, key.MaxFile)
	if err != nil {
		return signing{}, usage("--key: %v", err)
	}
	password := []byte(g.env.Getenv("COSIGN_PASSWORD"))
	if o.password != "" {
		if password, err = firstLine(o.password); err != nil {
			return signing{}, usage("--key-password-file: %v", err)
		}
	}
	k, err := key.ParsePrivate(file, password)
	if errors.Is(err, key.ErrPassword) {
		return signing{}, usage("--key %s: %v: name the file of the right one with --key-password-file, or set COSIGN_PASSWORD", o.key, err)
	}
	if err != nil {
		return signing{}, usage("--key %s: %v", o.key, err)
	}
	return signing{k.Public.ID(), func(_ context.Context, s attestation.Statement) ([]byte, error) { return attest.Sign(s, k) }}, nil
}

// firstLine reads a secret from a file.
func firstLine(path string) ([]byte, error) {
	b, err := readFile(path, key.MaxFile)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), err
}

func (o *signOptions) withToken(g *global) (signing, error) {
	token := g.env.Getenv("SIGSTORE_ID_TOKEN")
	if o.token != "" {
		b, err := firstLine(o.token)
		if err != nil {
			return signing{}, usage("--identity-token-file: %v", err)
		}
		token = string(b)
	}
	if token == "" {
		return signing{}, usage("--fulcio-url certifies who an identity token says it is: name its file with --identity-token-file, or set SIGSTORE_ID_TOKEN")
	}
	ask := helper.Sign{Type: attestation.InToto, Token: token, Fulcio: o.fulcio, Rekor: o.rekor, RekorV2: o.rekorV2, Clock: o.clock}
	return signing{"a certificate of " + o.fulcio, func(ctx context.Context, s attestation.Statement) ([]byte, error) {
		var err error
		if ask.Payload, err = json.Marshal(s); err != nil {
			return nil, err
		}
		a, err := helper.Ask(ctx, helper.Request{Sign: &ask})
		if err != nil {
			return nil, exitError{exitIncomplete, err}
		}
		return a.Bundle, nil
	}}, nil
}
