package secret

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"math/big"

	"github.com/plimsoll/plimsoll/finding"
)

// privateKey wants a key that parses. One that a passphrase guards is worth less; one of Google's
// service accounts, more.
func privateKey(f *found) bool {
	label, body, ok := armour(f.secret())
	if !ok {
		return false
	}
	encrypted := bytes.Contains(label, []byte("ENCRYPTED"))
	if at := bytes.Index(body, []byte("DEK-Info:")); at >= 0 {
		encrypted = true
		if end := bytes.IndexAny(body[at:], "\r\n"); end >= 0 {
			body = body[at+end:]
		}
	}
	der, ok := unbase64(squeezed(body))
	if !ok || len(der) < 32 {
		return false
	}
	f.id = der
	switch {
	case bytes.HasPrefix(label, []byte("PGP")):
		return der[0]&0x80 != 0 && f.tested()
	case bytes.HasPrefix(der, []byte("openssh-key-v1\x00")):
		cipher, ok := word(der[len("openssh-key-v1\x00"):])
		if !ok {
			return false
		}
		encrypted = encrypted || string(cipher) != "none"
	case !encrypted && !parses(der):
		return false
	}
	if encrypted {
		f.severity, f.note = finding.Low, "guarded by a passphrase"
		return true
	}
	if near := f.around(4 << 10); bytes.Contains(near, []byte(`"service_account"`)) && bytes.Contains(near, []byte(`"client_email"`)) {
		f.kind = "gcp-service-account-key"
	}
	return f.tested()
}

// tested rates what lies among tests and examples: such keys are made to be shown.
func (f *found) tested() bool {
	if f.nature.test || f.nature.prose {
		f.severity, f.note = finding.Low, "among tests or documentation"
	}
	return true
}

// word reads a string with its length before it (RFC 4251 §5).
func word(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, false
	}
	return b[4 : 4+n], true
}

// armour parts "-----BEGIN LABEL-----BODY-----END…".
func armour(s []byte) (label, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(s, []byte("-----BEGIN "))
	if !ok {
		return nil, nil, false
	}
	if label, rest, ok = bytes.Cut(rest, []byte("-----")); !ok {
		return nil, nil, false
	}
	body, _, ok = bytes.Cut(rest, []byte("-----END "))
	return label, body, ok
}

// squeezed is base64 without what stands between its lines: line ends as such or as code writes them,
// quotes, signs of addition, header lines, a checksum of PGP's at the end.
func squeezed(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte(`\\n`), []byte("\n"))
	b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte(`\n`), []byte("\n")), []byte(`\r`), nil)
	out := make([]byte, 0, len(b))
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		// Code puts quotes around a line, and a plus sign after; the alphabet itself has plus and slash.
		if a, b := bytes.IndexAny(line, "\"'"), bytes.LastIndexAny(line, "\"'"); a >= 0 && b > a {
			line = line[a+1 : b]
		}
		line = bytes.Trim(line, " \t\r\"',.;\\>|#*`")
		if string(line) == "+" || bytes.Contains(line, []byte(": ")) || len(line) == 5 && line[0] == '=' {
			continue
		}
		out = append(out, line...)
	}
	return out
}

// parses says whether DER holds a private key that is whole: PKCS 8 of any algorithm, SEC 1, or the numbers
// of an RSA or DSA key.
func parses(der []byte) bool {
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return true
	}
	var p8 struct {
		Version   int
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key []byte
	}
	if rest, err := asn1.Unmarshal(der, &p8); err == nil && len(rest) == 0 {
		return len(p8.Key) >= 16
	}
	var numbers []*big.Int
	if rest, err := asn1.Unmarshal(der, &numbers); err != nil || len(rest) > 0 {
		return false
	}
	switch len(numbers) {
	case 6: // version, p, q, g, y, x
		return numbers[1].BitLen() >= 512
	case 9: // version, n, e, d, p, q and three more
		n := new(big.Int).Mul(numbers[4], numbers[5])
		return n.BitLen() >= 512 && n.Cmp(numbers[1]) == 0
	}
	return false
}
