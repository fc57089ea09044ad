package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/tree"
)

const authn = " --authentication-config=/etc/kubernetes/authn.yaml\n# /etc/kubernetes/authn.yaml\napiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"

func authentication() []node.Check {
	return []node.Check{
		of(server, "anonymous-auth", "the API server answers people it does not know", finding.Medium, "cis-k8s-1.12/1.2.1 nsa-1.2/authentication-and-authorization", check.Page{
			Why:  "A request without credentials becomes one of system:anonymous: one binding too many, or one fault in the server, and anybody on the network may use it.",
			Fix:  "Write an AuthenticationConfiguration whose anonymous.conditions name /livez, /readyz and /healthz alone, or set --anonymous-auth=false where no probe needs it.",
			Bad:  "--authorization-mode=Node,RBAC --anonymous-auth=true",
			Good: strings.TrimSpace(authn) + "\nanonymous:\n  enabled: true\n  conditions:\n  - path: /livez\n  - path: /readyz",
		}, func(l *node.Look) {
			v := l.Value("anonymous-auth")
			f, d := document(l, "authentication-config")
			a := d.Get("anonymous")
			switch {
			case a == nil: // the flag counts
			case a.Get("enabled").Is("false"):
				return
			case len(a.Get("conditions").Items()) > 0:
				for i, one := range a.Get("conditions").Items() {
					p := one.Get("path")
					if !p.Is("/livez", "/readyz", "/healthz", "/version") {
						l.Hit(in(f, fmt.Sprintf("anonymous.conditions[%d].path", i), p), p.String())
					}
				}
				return
			default:
				l.Hit(in(f, "anonymous.enabled", a.Get("enabled")), "at every path")
				return
			}
			// Where everybody may do everything, the server turns the flag off by itself
			// (pkg/kubeapiserver/options/authentication.go, ApplyAuthorization).
			if all, _ := modes(l); v.Is("true") && !slices.Contains(all, "AlwaysAllow") {
				l.Hit(v, "")
			}
		}),
		of(server, "token-auth-file", "users and their tokens stand in a file", finding.High, "cis-k8s-1.12/1.2.2 nsa-1.2/authentication-and-authorization", check.Page{
			Why: "The tokens lie in the clear, never end, and can't be taken back before the server starts again.",
			Fix: "Drop --token-auth-file; people come by OIDC, programs by service accounts with bound tokens.",
			Bad: "--token-auth-file=/etc/kubernetes/tokens.csv", Good: "--profiling=false",
		}, func(l *node.Look) {
			if v := l.Value("token-auth-file"); v.Text != "" {
				l.Hit(v, "")
			}
		}),
		of(server, "client-ca", "the API server knows nobody by a certificate", finding.Medium, "cis-k8s-1.12/1.2.25", check.Page{
			Why: "Without --client-ca-file kubelets and the control plane's own programs must use tokens that are kept somewhere.",
			Fix: "Set --client-ca-file to the CA that signs them.",
			Bad: "--profiling=false", Good: "--client-ca-file=/etc/kubernetes/pki/ca.crt",
		}, node.Set("client-ca-file")),
		of(server, "no-user-authentication", "people have no way in but certificates, service accounts or bootstrap tokens", finding.Low, "cis-k8s-1.12/3.1.1 nsa-1.2/authentication-and-authorization", check.Page{
			Why:  "A client certificate can't be revoked, a service account's token is nobody's in the audit log, and a bootstrap token is for nodes: who left keeps the way in until it ends.",
			Fix:  "Let people in by OIDC (an AuthenticationConfiguration with jwt) or by a webhook authenticator (--authentication-token-webhook-config-file).",
			Bad:  "--client-ca-file=/etc/kubernetes/pki/ca.crt",
			Good: strings.TrimSpace(authn) + "\njwt:\n- issuer: {url: 'https://id.example.org', audiences: [cluster-a]}\n  claimMappings: {username: {claim: email, prefix: 'oidc:'}}",
		}, func(l *node.Look) {
			_, d := document(l, "authentication-config")
			if len(d.Get("jwt").Items()) > 0 || l.Value("oidc-issuer-url").Text != "" || l.Value("authentication-token-webhook-config-file").Text != "" {
				return
			}
			v := l.Value("client-ca-file")
			l.Hit(v, "neither OIDC nor a webhook is set")
		}),
		of(server, "service-account-lookup", "tokens of service accounts that are gone are still good", finding.High, "cis-k8s-1.12/1.2.21", check.Page{
			Why: "The server checks a token's signature and not whether its account still is: a deleted account is let in.",
			Fix: "Drop --service-account-lookup=false.", Bad: "--service-account-lookup=false", Good: "--service-account-lookup=true",
		}, node.Must("service-account-lookup", "true")),
		of(server, "service-account-key", "no key of its own signs service accounts' tokens", finding.Medium, "cis-k8s-1.12/1.2.22", check.Page{
			Why: "Without --service-account-key-file the key of the server's own certificate checks tokens: neither can be changed without the other.",
			Fix: "Make a pair of keys and set --service-account-key-file and --service-account-signing-key-file.", Bad: "--profiling=false", Good: "--service-account-key-file=/etc/kubernetes/pki/sa.pub",
		}, node.Set("service-account-key-file")),
		of(server, "service-account-extended-tokens", "tokens of service accounts live a year", finding.Low, "cis-k8s-1.12/1.2.30", check.Page{
			Why: "With --service-account-extend-token-expiration a token that a pod was given for an hour is good for a year, also to who stole it.",
			Fix: "See in the metric serviceaccount_stale_tokens_total that no client holds old tokens, then set it to false.", Bad: "--service-account-extend-token-expiration=true", Good: "--service-account-extend-token-expiration=false",
		}, node.Must("service-account-extend-token-expiration", "false")),
		of(server, "front-proxy-ca", "whoever has a client certificate may say that he is somebody else", finding.Critical, "nsa-1.2/authentication-and-authorization", check.Page{
			Why:  "The CA of --requestheader-client-ca-file vouches for proxies, which name the user in a header. Where it is the CA of ordinary clients too, and --requestheader-allowed-names is empty, each of those is a proxy.",
			Fix:  "Make a CA of its own for the front proxy, and name its client in --requestheader-allowed-names.",
			Bad:  "--client-ca-file=/etc/kubernetes/pki/ca.crt --requestheader-client-ca-file=/etc/kubernetes/pki/ca.crt",
			Good: "--client-ca-file=/etc/kubernetes/pki/ca.crt --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt --requestheader-allowed-names=front-proxy-client",
		}, func(l *node.Look) {
			proxies, clients, names := l.Value("requestheader-client-ca-file"), l.Value("client-ca-file"), l.Value("requestheader-allowed-names")
			if proxies.Text != "" && names.Text == "" && same(l, proxies.Text, clients.Text) {
				l.Hit(proxies, "the same CA as --client-ca-file, and --requestheader-allowed-names is empty")
			}
		}),
	}
}

// same says that two files are one, or hold a certificate in common.
func same(l *node.Look, a, b string) bool {
	if a == b {
		return a != ""
	}
	fa, fb := l.C.File(a), l.C.File(b)
	if fa == nil || fb == nil || fa.Contents == nil || fb.Contents == nil {
		return false
	}
	for _, one := range fa.Contents.Certificates {
		for _, other := range fb.Contents.Certificates {
			if one.Equal(other) {
				return true
			}
		}
	}
	return false
}

// Of identity providers: what they say becomes a name in the cluster.
func identity() []node.Check {
	jwt := func(more string) string {
		return strings.TrimSpace(authn) + "\njwt:\n- issuer: {url: 'https://id.example.org', audiences: [cluster-a]}\n  claimMappings:\n" + more
	}
	prefixed := "    username: {claim: email, prefix: 'oidc:'}\n    groups: {claim: groups, prefix: 'oidc:'}"
	return []node.Check{
		of(server, "oidc-system-names", "an identity provider may say that somebody is one of the system's own", finding.High, "nsa-1.2/authentication-and-authorization", check.Page{
			Why:  "Without a prefix, a group that the provider calls system:masters is system:masters: who may make groups there may do everything here. --oidc-groups-prefix is empty by default.",
			Fix:  "Set prefixes (--oidc-groups-prefix, claimMappings.groups.prefix), or userValidationRules that refuse names that begin with system:.",
			Bad:  "--oidc-issuer-url=https://id.example.org --oidc-client-id=cluster-a --oidc-groups-claim=groups",
			Good: jwt(prefixed),
		}, func(l *node.Look) {
			if issuer := l.Value("oidc-issuer-url"); issuer.Text != "" {
				if v := l.Value("oidc-username-prefix"); v.Is("-") || strings.HasPrefix(v.Text, "system:") {
					l.Hit(v, "")
				}
				if v := l.Value("oidc-groups-prefix"); l.Value("oidc-groups-claim").Text != "" && (v.Text == "" || strings.HasPrefix(v.Text, "system:")) {
					l.Hit(v, "")
				}
			}
			f, d := document(l, "authentication-config")
			for i, one := range d.Get("jwt").Items() {
				if refuses(one, "system:") {
					continue
				}
				for _, what := range []string{"username", "groups"} {
					m := one.Get("claimMappings", what)
					field := fmt.Sprintf("jwt[%d].claimMappings.%s", i, what)
					if p := m.Get("prefix"); m.Get("claim") != nil && (p.String() == "" || strings.HasPrefix(p.String(), "system:")) {
						l.Hit(in(f, field+".prefix", m), field+" has no prefix of its own")
					}
					if e := m.Get("expression"); e != nil && !strings.ContainsAny(e.String(), `"'`) {
						l.Hit(in(f, field+".expression", e), field+" is a claim as it is: "+tree.Cut(e.String()))
					}
				}
			}
		}),
		of(server, "oidc-issuer", "an identity provider is asked without TLS, or for whom tokens are is not looked at", finding.High, "nsa-1.2/authentication-and-authorization", check.Page{
			Why:  "A token that was made for another program would let its holder in here, and keys that came in the clear could be anybody's.",
			Fix:  "Name an https:// issuer and the audience of this cluster alone.",
			Bad:  "--oidc-issuer-url=http://id.example.org --oidc-client-id=cluster-a",
			Good: jwt(prefixed),
		}, func(l *node.Look) {
			if v := l.Value("oidc-issuer-url"); v.Text != "" && !strings.HasPrefix(v.Text, "https://") {
				l.Hit(v, "")
			} else if v.Text != "" && l.Value("oidc-client-id").Text == "" {
				l.Hit(v, "--oidc-client-id is not set")
			}
			f, d := document(l, "authentication-config")
			for i, one := range d.Get("jwt").Items() {
				issuer := one.Get("issuer")
				field := fmt.Sprintf("jwt[%d].issuer", i)
				if u := issuer.Get("url"); !strings.HasPrefix(u.String(), "https://") {
					l.Hit(in(f, field+".url", u), u.String())
				}
				if n := len(issuer.Get("audiences").Items()); n != 1 {
					l.Hit(in(f, field+".audiences", issuer), fmt.Sprintf("%s names %d audiences", field, n))
				}
			}
		}),
	}
}

// refuses says that a rule of an issuer looks for a word in names: what it makes of it is the rule's own.
func refuses(issuer *tree.Value, word string) bool {
	for _, rule := range issuer.Get("userValidationRules").Items() {
		if strings.Contains(rule.Get("expression").String(), word) {
			return true
		}
	}
	return false
}
