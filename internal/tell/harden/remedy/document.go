package remedy

import (
	_ "embed"
	"encoding/base64"
	"strings"
)

// document is a new file that a setting names.
type document struct {
	name   string
	words  string // what it would say, where there is one already
	text   []byte
	secret bool
}

var (
	//go:embed document/audit.yaml
	auditText string
	//go:embed document/admission.yaml
	admissionText string
	//go:embed document/authentication.yaml
	authenticationText string
	//go:embed document/encryption.yaml
	encryptionText string
)

func audit(*plan, *Options) document {
	return document{name: "audit.yaml", words: "log secrets, tokens, rights, and ways into pods at level Metadata at least, before any rule of level None that meets them", text: []byte(auditText)}
}

func admission(*plan, *Options) document {
	return document{name: "admission.yaml", words: "give PodSecurity a configuration whose defaults.enforce is baseline or restricted", text: []byte(admissionText)}
}

// authentication is of v1 since Kubernetes 1.34, and of v1beta1 before.
func authentication(p *plan, _ *Options) document {
	version := "v1beta1"
	if p.of.Version.Minor >= 34 {
		version = "v1"
	}
	text := strings.Replace(authenticationText, "/VERSION", "/"+version, 1)
	return document{name: "authentication.yaml", words: "write anonymous.conditions for /livez, /readyz and /healthz alone", text: []byte(text)}
}

func encryption(_ *plan, o *Options) document {
	text := strings.Replace(encryptionText, "KEY", base64.StdEncoding.EncodeToString(o.Key), 1)
	return document{name: "encryption.yaml", words: "name a provider that encrypts before identity", text: []byte(text), secret: true}
}
