package remedy

import (
	"encoding/pem"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ofIssuer are the API server's flags of an issuer of tokens. They cannot stand beside an AuthenticationConfiguration.
var ofIssuer = []string{
	"oidc-issuer-url", "oidc-client-id", "oidc-ca-file", "oidc-username-claim", "oidc-username-prefix", "oidc-groups-claim", "oidc-groups-prefix",
	"oidc-required-claim", "oidc-signing-algs",
}

// issuer is one of an AuthenticationConfiguration (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
type issuer struct {
	Issuer struct {
		URL       string   `yaml:"url"`
		Audiences []string `yaml:"audiences"`
		Authority string   `yaml:"certificateAuthority,omitempty"`
	} `yaml:"issuer"`
	Rules    []claim `yaml:"claimValidationRules,omitempty"`
	Mappings struct {
		Username mapping  `yaml:"username"`
		Groups   *mapping `yaml:"groups,omitempty"`
	} `yaml:"claimMappings"`
}

type claim struct {
	Claim string `yaml:"claim"`
	Value string `yaml:"requiredValue"`
}

type mapping struct {
	Claim  string `yaml:"claim"`
	Prefix string `yaml:"prefix"`
}

// issuer is what the flags say, as the API server itself reads them into a configuration; nil: there are none. All that says
// what a token means stays; of signatures, a configuration takes every kind that Kubernetes knows.
func (p *plan) issuer() ([]byte, error) {
	url := p.value("oidc-issuer-url")
	if url == "" {
		return nil, nil
	}
	var i issuer
	i.Issuer.URL, i.Issuer.Audiences = url, []string{p.value("oidc-client-id")}
	i.Mappings.Username = mapping{p.value("oidc-username-claim"), p.value("oidc-username-prefix")}
	switch {
	case i.Mappings.Username.Prefix == "-":
		i.Mappings.Username.Prefix = ""
	case i.Mappings.Username.Prefix == "" && i.Mappings.Username.Claim != "email":
		i.Mappings.Username.Prefix = url + "#"
	}
	if groups := p.value("oidc-groups-claim"); groups != "" {
		i.Mappings.Groups = &mapping{groups, p.value("oidc-groups-prefix")}
	}
	for _, one := range p.list("oidc-required-claim") {
		name, value, ok := strings.Cut(one, "=")
		if !ok {
			return nil, byHand("move the --oidc- flags into an AuthenticationConfiguration: of --oidc-required-claim it is not plain where one ends (" + one + ")")
		}
		i.Rules = append(i.Rules, claim{name, value})
	}
	if name := p.value("oidc-ca-file"); name != "" {
		f := p.of.File(name)
		if !f.Is() || f.Contents == nil || len(f.Contents.Certificates) == 0 {
			return nil, byHand("move the --oidc- flags into an AuthenticationConfiguration; the certificates of " + name + ", which it holds itself, could not be read")
		}
		var all strings.Builder
		for _, c := range f.Contents.Certificates {
			if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
				return nil, err
			}
		}
		i.Issuer.Authority = all.String()
	}
	text, err := yaml.Marshal(map[string][]issuer{"jwt": {i}})
	return append([]byte("# What the --oidc- flags said. What --oidc-signing-algs said has no word here: each algorithm that Kubernetes knows is taken.\n"), text...), err
}
