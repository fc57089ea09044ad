package dockerfile

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// trust is a way to make one program believe whoever answers, or whatever it is given.
type trust struct {
	id, title, fix, bad, good string
	aliases                   []string
	// command says what of a command does so; variable which variable and value do.
	command  func(c *shell.Command) string
	variable func(name, value string) bool
}

// transport lists the checks for programs that no longer ask who is at the other end of a connection.
func transport() (all []runCheck) {
	for _, t := range []trust{
		{
			"curl", "curl takes any certificate", "Drop -k (--insecure). For a private authority, copy its certificate and pass --cacert FILE.",
			"curl -fsSLk https://example.org/a.tgz -o a.tgz", "curl -fsSL https://example.org/a.tgz -o a.tgz",
			[]string{"checkov/CKV2_DOCKER_2"},
			optioned("curl", "-k", "--insecure", "--proxy-insecure"), nil,
		},
		{
			"wget", "wget takes any certificate", "Drop --no-check-certificate. For a private authority, copy its certificate and pass --ca-certificate=FILE; on slim images install ca-certificates first.",
			"wget -q --no-check-certificate https://example.org/a.tgz", "wget -q https://example.org/a.tgz",
			[]string{"checkov/CKV2_DOCKER_3"},
			optioned("wget", "--no-check-certificate"), nil,
		},
		{
			"pip", "pip takes any certificate of a host", "Drop --trusted-host (PIP_TRUSTED_HOST). For a private index, add its authority: pip --cert FILE.",
			"pip install --trusted-host pypi.example.org flask==3.0.3", "pip install --cert /etc/ssl/private-ca.pem flask==3.0.3",
			[]string{"checkov/CKV2_DOCKER_4", "checkov/CKV2_DOCKER_16"},
			pipTrusts, whenSet("PIP_TRUSTED_HOST"),
		},
		{
			"python", "Python takes any certificate", "Drop PYTHONHTTPSVERIFY=0, and add the authority that is missing to the system's certificates.",
			"FROM scratch\nENV PYTHONHTTPSVERIFY=0", "FROM scratch\nENV PYTHONUNBUFFERED=1",
			[]string{"checkov/CKV2_DOCKER_5"},
			nil, valuedOff("PYTHONHTTPSVERIFY", "0"),
		},
		{
			"node", "Node.js takes any certificate", "Drop NODE_TLS_REJECT_UNAUTHORIZED=0. For a private authority set NODE_EXTRA_CA_CERTS to its certificate.",
			"FROM scratch\nENV NODE_TLS_REJECT_UNAUTHORIZED=0", "FROM scratch\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/private-ca.pem",
			[]string{"checkov/CKV2_DOCKER_6"},
			nil, valuedOff("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
		},
		{
			"npm", "npm or yarn takes any certificate", "Drop strict-ssl=false (NPM_CONFIG_STRICT_SSL). For a private registry set \"npm config set cafile FILE\".",
			"npm config set strict-ssl false", "npm config set cafile /etc/ssl/private-ca.pem",
			[]string{"checkov/CKV2_DOCKER_12", "checkov/CKV2_DOCKER_13"},
			npmTrusts, valuedOff("NPM_CONFIG_STRICT_SSL", "false"),
		},
		{
			"git", "git takes any certificate", "Drop GIT_SSL_NO_VERIFY (http.sslVerify=false). For a private server set http.sslCAInfo to its authority's certificate.",
			"git config --global http.sslVerify false", "git config --global http.sslCAInfo /etc/ssl/private-ca.pem",
			[]string{"checkov/CKV2_DOCKER_14"},
			gitTrusts, whenSet("GIT_SSL_NO_VERIFY"),
		},
		{
			"yum", "yum or dnf takes any certificate", "Drop sslverify=0, and add the repository's authority: sslcacert=FILE.",
			"yum install -y --setopt=sslverify=0 httpd", "yum install -y httpd",
			[]string{"checkov/CKV2_DOCKER_15"},
			yumTrusts, nil,
		},
		{
			"apt", "apt takes any certificate", "Drop Verify-Peer=false, and install ca-certificates, or the private authority's certificate, first.",
			"apt-get -o Acquire::https::Verify-Peer=false update && apt-get install -y curl", "apt-get update && apt-get install -y curl", nil,
			aptTrusts, nil,
		},
	} {
		all = append(all, t.check("-tls-off", finding.High,
			"Whoever sits between the builder and the server, or answers for its name, decides what is in the image,\nand reads what is sent, passwords included. As ENV it holds for the running container, too."))
	}
	return all
}

func (t trust) check(suffix string, severity finding.Severity, why string) runCheck {
	return runCheck{
		Card: style("dockerfile/"+t.id+suffix, severity, t.title, t.bad, t.good, why, t.fix, t.aliases...),
		look: func(r *scripts) (hits []check.Hit) {
			for _, s := range r.steps {
				for _, c := range s.Commands {
					if t.command != nil {
						if detail := t.command(c); detail != "" {
							hits = append(hits, s.hit(c.Pos, found{what: c.Name, detail: detail}))
						}
					}
					for _, a := range c.Assigns {
						if t.variable != nil && t.variable(a.Name, a.Value.Text) {
							hits = append(hits, s.hit(c.Pos, found{what: a.Name, detail: a.Name}))
						}
					}
				}
			}
			return append(hits, t.variables(r.file)...)
		},
	}
}

// variables looks at ENV and ARG.
func (t trust) variables(f *dockerfile.File) (hits []check.Hit) {
	if t.variable == nil {
		return nil
	}
	each(f, func(in *dockerfile.Instruction) {
		if in.Name != "ENV" && in.Name != "ARG" {
			return
		}
		for _, p := range in.Pairs {
			value, known := in.Expand(p.Value)
			if p.HasValue && known && t.variable(p.Key, value) {
				hits = append(hits, hit(in, in.Name+" "+p.Key, p.Key))
			}
		}
	})
	return hits
}

func optioned(program string, names ...string) func(*shell.Command) string {
	return func(c *shell.Command) string {
		if c.Name != program {
			return ""
		}
		for _, name := range names {
			if c.Has(name) {
				return program + " " + name
			}
		}
		return ""
	}
}

// whenSet knows a variable that matters as soon as it has a value.
func whenSet(name string) func(string, string) bool {
	return func(n, value string) bool {
		return strings.EqualFold(n, name) && value != "" && value != "0" && !strings.EqualFold(value, "false")
	}
}

// valuedOff knows a variable that matters when it has one value.
func valuedOff(name, off string) func(string, string) bool {
	return func(n, value string) bool { return strings.EqualFold(n, name) && strings.EqualFold(value, off) }
}

// words is a command's arguments in lower case, a blank around each.
func words(c *shell.Command) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, a := range c.Args {
		b.WriteString(strings.ToLower(a.Text))
		b.WriteByte(' ')
	}
	return b.String()
}

func pipTrusts(c *shell.Command) string {
	if c.Is("pip") && (c.Has("--trusted-host") || c.Does("pip", "config") && strings.Contains(words(c), "trusted-host")) {
		return "pip --trusted-host"
	}
	return ""
}

func npmTrusts(c *shell.Command) string {
	if !c.Is("npm", "yarn", "pnpm") {
		return ""
	}
	all := words(c)
	for _, off := range []string{" strict-ssl false ", "strict-ssl=false ", " --no-strict-ssl ", " enablestrictssl false "} {
		if strings.Contains(all, off) {
			return c.Name + " strict-ssl=false"
		}
	}
	return ""
}

func gitTrusts(c *shell.Command) string {
	all := words(c)
	if c.Is("git") && (strings.Contains(all, "http.sslverify false ") || strings.Contains(all, "http.sslverify=false ") || strings.Contains(all, "http.sslverify 0 ") || strings.Contains(all, "http.sslverify=0 ")) {
		return "git http.sslVerify=false"
	}
	return ""
}

func yumTrusts(c *shell.Command) string {
	all := words(c)
	if !c.Is("yum", "dnf", "microdnf", "tdnf", "yum-config-manager", "echo", "sed", "printf") {
		return ""
	}
	for _, off := range []string{"sslverify=0", "sslverify=false", "sslverify 0 "} {
		if strings.Contains(all, off) {
			return c.Name + " sslverify=0"
		}
	}
	return ""
}

func aptTrusts(c *shell.Command) string {
	all := words(c)
	for _, off := range []string{"verify-peer=false", "verify-peer \"false\"", "verify-peer false", "verify-host=false"} {
		if strings.Contains(all, off) && strings.Contains(all, "acquire") {
			return "apt Verify-Peer=false"
		}
	}
	return ""
}
