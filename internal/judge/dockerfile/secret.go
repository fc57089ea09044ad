package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// secretName says that the name of a variable says that its value is a secret. The words are BuildKit's, and
// some that people write as one.
func secretName(name string) bool {
	secret := false
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch word {
		case "public", "file", "version", "gpg", "pgp", "fingerprint", "keyring", "keyserver", "sha256", "checksum", "dir", "path", "ttl", "expiry", "length", "enabled":
			return false
		case "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
			"passphrase", "secretkey", "accesskey", "privatekey", "authtoken", "accesstoken", "apitoken":
			secret = true
		}
	}
	return secret
}

// harmless says that a value is none: empty, a switch, a number, a path, a placeholder.
func harmless(value string) bool {
	value = strings.Trim(value, `"'`)
	switch lower := strings.ToLower(value); lower {
	case "", "true", "false", "yes", "no", "on", "off", "none", "null", "changeme", "change_me", "placeholder", "dummy", "xxx", "todo", "basic", "oauth", "oauth2", "bearer":
		return true
	default:
		return strings.Trim(value, "0123456789") == "" && len(value) < 6 || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "<") || strings.Trim(lower, "x*.") == ""
	}
}

var secretArgument = Check{
	Card: check.Card{
		ID: "dockerfile/secret-argument", Title: "a secret is handed to the build as an argument", Severity: finding.Medium,
		Aliases:  []string{"hadolint/DL3064", "buildkit/SecretsUsedInArgOrEnv", "trivy/DS-0031"},
		Controls: []string{"cis-docker-1.7/4.10"},
		Page: check.Page{
			Why: "The values of build arguments stand in the history of the image, beside each RUN that could see them, and in\n" +
				"its provenance: whoever can pull the image reads them.",
			Fix:  "Mount it where it is needed: `RUN --mount=type=secret,id=token,env=TOKEN …`, built with `--secret id=token,env=TOKEN`.",
			Bad:  "FROM debian:12\nARG NPM_TOKEN\nRUN npm ci\n",
			Good: "FROM debian:12\nRUN --mount=type=secret,id=token,env=NPM_TOKEN npm ci\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ARG", func(in *dockerfile.Instruction) {
			for _, p := range in.Pairs {
				if !secretName(p.Key) || p.HasValue && p.Value != "" && harmless(p.Value) {
					continue
				}
				h := mended(hit(in, "ARG "+p.Key, p.Key), fmt.Sprintf("Remove the ARG, and mount the secret where it is needed: RUN --mount=type=secret,id=%s,env=%s …", strings.ToLower(p.Key), p.Key))
				given := p.HasValue && literal(p.Value)
				if given {
					h.Detail += ", with its value in the file"
				}
				switch {
				case !ships(in), in.Stage == nil && !given:
					h.Severity = finding.Low // the history of such a stage is not shipped
				case given:
					h.Severity = finding.High
				}
				hits = append(hits, h)
			}
		})
		return hits
	},
}

// literal says that a value stands there, and not a variable.
func literal(value string) bool { return !harmless(value) && !strings.Contains(value, "$") }

var secretEnv = Check{
	Card: check.Card{
		ID: "dockerfile/secret-env", Title: "a secret is set as a variable of a stage", Severity: finding.Medium,
		Aliases:  []string{"hadolint/DL3064", "buildkit/SecretsUsedInArgOrEnv", "trivy/DS-0031", "dockle/CIS-DI-0010"},
		Controls: []string{"cis-docker-1.7/4.10"},
		Page: check.Page{
			Why: "Variables of ENV are part of the image's configuration, which whoever can pull it reads, and every process\n" +
				"of the container inherits them.",
			Fix: "Hand it over where the container is run, from a secret of the engine; for the build, mount it:\n" +
				"`RUN --mount=type=secret,id=token,env=TOKEN …`.",
			Bad:  "FROM debian:12\nENV DB_PASSWORD=hunter2hunter2\n",
			Good: "FROM debian:12\nENV DB_PASSWORD_FILE=/run/secrets/db\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ENV", func(in *dockerfile.Instruction) {
			for _, p := range in.Pairs {
				if !secretName(p.Key) || harmless(p.Value) {
					continue
				}
				h := mended(hit(in, "ENV "+p.Key, p.Key), fmt.Sprintf("Remove it; let the program read a mounted file, or set %s where the container is run.", p.Key))
				switch value, known := in.Expand(p.Value); {
				case known && harmless(value):
					continue
				case !ships(in):
					h.Severity = finding.Low
				case literal(p.Value):
					h.Severity = finding.High
				}
				hits = append(hits, h)
			}
		})
		return hits
	},
}
