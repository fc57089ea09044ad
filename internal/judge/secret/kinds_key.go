package secret

import "github.com/plimsoll/plimsoll/finding"

// keyKinds are private keys and tokens that say themselves what they open.
func keyKinds() []kind {
	return []kind{
		{
			name: "private-key", title: "private key", severity: finding.High, class: keys, words: []string{"-----BEGIN "},
			pattern: `-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----[^-]{32,}-----END [A-Z0-9 ]{3,40}-----`, after: 26 << 10,
			check: privateKey, aliases: []string{"gitleaks/private-key", "trivy/private-key"}, example: examplePrivateKey, bad: "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----",
		},
		{
			name: "gcp-service-account-key", title: "key of a Google Cloud service account", severity: finding.Critical, class: cloud,
			aliases: []string{"trivy/gcp-service-account"}, example: exampleServiceAccount, bad: `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----…"}`,
		},
		{
			name: "putty-private-key", title: "PuTTY private key", severity: finding.High, class: keys, words: []string{"PuTTY-User-Key-File-"},
			bad:     "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n…",
			pattern: `PuTTY-User-Key-File-[23]: [a-z0-9@.\-]+\r?\nEncryption: none\r?\n(?s:.{20,}?)Private-Lines: \d{1,3}\r?\n[A-Za-z0-9+/=]{16,}`, after: 8 << 10,
		},
		{
			name: "age-secret-key", title: "age secret key", severity: finding.High, class: keys, words: []string{"AGE-SECRET-KEY-1"},
			pattern: `AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b`, check: bech32, sample: rebech32, aliases: []string{"gitleaks/age-secret-key", "trivy/age-secret-key"},
		},
		{
			name: "wireguard-private-key", title: "WireGuard private key", severity: finding.High, class: keys, words: []string{"PrivateKey"},
			pattern: `PrivateKey[ \t]*=[ \t]*([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)`, check: both(bytes64(32), near(2048, "[interface]")), example: exampleWireGuard, bad: "[Interface]\nPrivateKey = …",
		},
		{
			name: "kubernetes-token", title: "Kubernetes service account token", severity: finding.High, class: cloud, example: exampleKubernetesToken, bad: "TOKEN=eyJ….….…",
			aliases: []string{"trivy/kubernetes-service-account-token"},
		},
		{
			name: "supabase-service-key", title: "Supabase service key", severity: finding.High, class: data, example: exampleSupabase, bad: "SUPABASE_KEY=eyJ….….…",
		},
		{
			name: "json-web-token", title: "JSON Web Token", severity: finding.Medium, class: sessions, words: []string{"eyJ"},
			pattern: `eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{20,}={0,2}`, after: 8 << 10, check: webToken,
			aliases: []string{"gitleaks/jwt", "trivy/jwt-token"}, bad: "SESSION=eyJ….….…", example: exampleWebToken,
		},
	}
}
