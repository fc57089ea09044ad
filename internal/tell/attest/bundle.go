package attest

import (
	"encoding/base64"
	"encoding/json"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

// Sign puts a statement into an envelope, and the envelope into a Sigstore bundle (version 0.3) that names
// the key by its hint, as Cosign writes one.
func Sign(s attestation.Statement, k key.Private) ([]byte, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sig, err := k.Sign(dsse.PAE(attestation.InToto, payload))
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"mediaType":            attestation.BundleV03,
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": k.Public.Hint()}},
		"dsseEnvelope": dsse.Envelope{
			PayloadType: attestation.InToto, Payload: base64.StdEncoding.EncodeToString(payload),
			Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}},
		},
	})
}
