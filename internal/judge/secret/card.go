package secret

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// class is what kinds of secret have in common: what somebody can do with one, and how to go without.
type class int

const (
	keys class = iota
	cloud
	code
	registry
	data
	payment
	mail
	model
	monitoring
	chat
	sessions
	password
)

// words of a class: what it opens, and where to have it withdrawn.
var classWords = map[class][2]string{
	keys:       {"Whoever has a private key is its owner, to everything that trusts it: hosts, clusters, signatures, traffic.", "Make a new key pair, and have what trusts the old one trust the new one."},
	cloud:      {"It opens a cloud account or what manages machines, with the rights of whoever it was made for: data can be read, machines started on your bill.", "Withdraw it in the console of the cloud, look in its audit log for what was done with it, and use the identity of the workload (instance roles, workload identity) where there is one."},
	code:       {"It opens a code host or a build system: source can be read and changed, and so all that is built from it.", "Withdraw it on the host's page of tokens, look at its audit log, and give the build a token that lives as long as the build."},
	registry:   {"It opens a registry of packages or images: private ones can be read, and with the right to publish, everybody who installs yours gets what the thief likes.", "Withdraw it in the registry, and see whether anything was published with it."},
	data:       {"It opens a database: what is stored there can be read and changed.", "Change the password or key at the database, and see in its log who used it."},
	payment:    {"It opens an account for payments: customers' data can be read and money moved.", "Roll the key in the provider's dashboard, and look at its log."},
	mail:       {"It sends mail in your name, and often reads what was sent and to whom.", "Withdraw it at the provider, and look at what was sent."},
	model:      {"It uses a model on your bill, and may read what was stored there.", "Withdraw it at the provider, and look at the usage."},
	monitoring: {"It opens an account at a service, with the data that is kept there.", "Withdraw it at the service, and look at its audit log."},
	chat:       {"It reads or writes messages in the name of a bot or a team: a good start for deceiving people.", "Withdraw it at the service: a webhook's address is a secret as well."},
	sessions:   {"It says who its bearer is, to whoever trusts its signature, until it expires.", "End the session, or change the key that signs such tokens."},
	password:   {"Whoever pulls the image has it, and tries it everywhere.", "Change it where it is used."},
}

const (
	shipped = "What stands in a layer, an environment variable, a build argument or the history of an image goes to everybody who can pull it, for as long as one copy is left. Removing the file in a later layer only hides it."
	handed  = "Hand it in when it is needed: at build time with RUN --mount=type=secret, at run time by a secret of the orchestrator or a file that is mounted. Build the image anew, without the layer that holds it, and delete the old one from the registry."
	example = "An example that is not to be taken for a secret is written so that it looks like one (EXAMPLE, xxxxx), or a comment on its line lets it pass: plimsoll:allow."
)

// Cards lists the checks: one for each kind of secret.
func Cards() []check.Card {
	var all []check.Card
	for _, k := range kinds() {
		all = append(all, k.card())
	}
	return all
}

func (k *kind) card() check.Card {
	words := classWords[k.class]
	return check.Card{
		ID: "secret/" + k.name, Title: k.title, Kind: finding.KindSecret, Severity: k.severity, Decks: []string{finding.Build},
		Aliases: slices.Clone(k.aliases), Since: "0.1",
		Page: check.Page{
			Why:  words[0] + "\n\n" + shipped,
			Fix:  words[1] + " Then build the image without it.\n\n" + handed + "\n\n" + example,
			Bad:  bad(k),
			Good: good(k),
		},
	}
}

// bad shows where such a secret stands, with the secret left out: a page that held one would be found by
// every scanner. The test puts one in.
func bad(k *kind) string {
	switch {
	case k.bad != "":
		return k.bad + "\n"
	case k.fold():
		return k.words[0] + " = …\n"
	case strings.HasSuffix(k.words[0], "=") || strings.HasPrefix(k.words[0], ":_"):
		return k.words[0] + "…\n"
	case k.before > 0:
		return environmentName(k) + "=…" + k.words[0] + "…\n"
	}
	return environmentName(k) + "=" + k.words[0] + "…\n"
}

func environmentName(k *kind) string {
	return strings.ToUpper(strings.ReplaceAll(k.name, "-", "_"))
}

// good is how the secret gets to where it is used without being in the image.
func good(k *kind) string {
	id := strings.ReplaceAll(k.name, "-", "_")
	return "RUN --mount=type=secret,id=" + id + " ./build --credential-file /run/secrets/" + id + "\n"
}
