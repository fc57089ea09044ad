// Package keyless signs under a certificate that lives for minutes: Sigstore's own library makes a key,
// shows an identity token to an authority (Fulcio) and gets a certificate for it, and where they are named
// has a log (Rekor) or a clock say when that was. Only the program plimsoll-sigstore imports it.
package keyless

import (
	"context"
	"fmt"
	"net/url"

	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
)

// Sign returns the bundle of an envelope around a payload.
func Sign(ctx context.Context, ask helper.Sign) (helper.Answer, error) {
	for flag, address := range map[string]string{"--fulcio-url": ask.Fulcio, "--rekor-url": ask.Rekor, "--timestamp-url": ask.Clock} {
		if address == "" && flag != "--fulcio-url" {
			continue
		}
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return helper.Answer{}, fmt.Errorf("%s %q is no address: write https://HOST", flag, address)
		}
	}
	key, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return helper.Answer{}, err
	}
	o := sign.BundleOptions{
		Context:                    ctx,
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: ask.Fulcio, Retries: 1}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: ask.Token},
	}
	if ask.Rekor != "" {
		version := uint32(1)
		if ask.RekorV2 {
			version = 2
		}
		o.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: ask.Rekor, Retries: 1, Version: version})}
	}
	if ask.Clock != "" {
		o.TimestampAuthorities = []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: ask.Clock, Retries: 1})}
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: ask.Payload, PayloadType: ask.Type}, key, o)
	if err != nil {
		return helper.Answer{}, fmt.Errorf("sign without a key: %w", err)
	}
	out, err := protojson.Marshal(b)
	return helper.Answer{Bundle: out}, err
}
