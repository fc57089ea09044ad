package admissionfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// ImageRule says what must be so of the images that it names, in some namespaces; in all where it names none. The first
// rule that names an image counts, and no other:
//
//	images:
//	- match: ["registry.example/shop/**"]     # of their full names: docker.io/library/nginx is what docker calls nginx
//	  namespaces: ["shop-*"]
//	  mode: deny                              # the default; warn, audit; off: nothing is asked of them
//	  onFailure: fail                         # when what is signed cannot be asked for
//	  digest: resolved                        # a pod gets the digest of its tag; required: it must come with one
//	  platforms: [linux/amd64]                # of an index, those that must be signed (default: all)
//	  verdict:                                # a verdict by plimsoll attest that passed
//	    keys: [attest.pub]                    # who signs: files, or PEM texts
//	    failOn: high                          # what it let pass is below this severity; unfixed: true: fixed or not
//	    maxAge: 7d                            # of the verdict
//	    dbMaxAge: 10d                         # of its database, today
//	    policies: [no-root]                   # NAME or NAME@DIGEST that were in force
//	    policyDigest: sha256:…                # of the whole line
//	  signature:                              # any signature of the image
//	    identity: "https://ci.example/shop"   # whom the certificate names; pattern: for the whole of it
//	    issuer: "https://accounts.example"
//	    trustedRoot: trusted_root.json
type ImageRule struct {
	Match      []Image    `yaml:"match"`
	Namespaces []Glob     `yaml:"namespaces"`
	Mode       *Mode      `yaml:"mode"`
	OnFailure  OnFailure  `yaml:"onFailure"`
	Digest     DigestRule `yaml:"digest"`
	Platforms  []string   `yaml:"platforms"`
	Verdict    *Signed    `yaml:"verdict"`
	Signature  *Signed    `yaml:"signature"`
}

// DigestRule is what is asked of an image's name; empty: nothing.
type DigestRule string

// The rules of digests.
const (
	DigestRequired DigestRule = "required" // it has a digest
	DigestResolved DigestRule = "resolved" // it has one once the pod was changed
)

// UnmarshalYAML reads required or resolved.
func (d *DigestRule) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.Value != string(DigestRequired) && n.Value != string(DigestResolved) {
		return wrong(n, "neither required nor resolved")
	}
	*d = DigestRule(n.Value)
	return nil
}

// Signed is what must be signed, and by whom: one of the keys, or whom a certificate of Sigstore's names. Of a
// signature, by whom is all that is asked.
type Signed struct {
	Keys        []string `yaml:"keys"`
	Identity    string   `yaml:"identity"`
	Pattern     string   `yaml:"pattern"`
	Issuer      string   `yaml:"issuer"`
	TrustedRoot string   `yaml:"trustedRoot"`

	FailOn       *Severity `yaml:"failOn"`
	Unfixed      bool      `yaml:"unfixed"`
	MaxAge       Age       `yaml:"maxAge"`
	MaxDatabase  Age       `yaml:"dbMaxAge"`
	Policies     []string  `yaml:"policies"`
	PolicyDigest string    `yaml:"policyDigest"`
	Verifier     string    `yaml:"verifier"` // empty: Plimsoll; any: anybody
	Resource     string    `yaml:"resource"`
}

// Age is how old something may be, as in 72h or 7d.
type Age time.Duration

// UnmarshalYAML reads an age.
func (a *Age) UnmarshalYAML(n *yaml.Node) error {
	age, err := time.ParseDuration(n.Value)
	if days, ok := strings.CutSuffix(n.Value, "d"); ok {
		var number int
		number, err = strconv.Atoi(days)
		age = time.Duration(number) * 24 * time.Hour
		if number > 100_000 {
			age = 0
		}
	}
	if n.Kind != yaml.ScalarNode || err != nil || age <= 0 {
		return wrong(n, "no age: write 72h or 7d")
	}
	*a = Age(age)
	return nil
}

// Names says whether the rule is about an image of a namespace, whose repository is that of [image.Reference.Place].
func (r *ImageRule) Names(namespace, repository, digest string) bool {
	return r.In(namespace) && slices.ContainsFunc(r.Match, func(i Image) bool { return i.Match(repository, digest) })
}

// In says whether the rule is about images of a namespace at all.
func (r *ImageRule) In(namespace string) bool {
	return len(r.Namespaces) == 0 || AnyMatch(r.Namespaces, namespace)
}

// Goes is how far the rule goes.
func (r *ImageRule) Goes() Mode {
	if r.Mode == nil {
		return Deny
	}
	return *r.Mode
}

// Listed are the images that may run where everything else is denied: those of allow, and those that rules are about.
func (f *File) Listed() []Allow {
	all := slices.Clone(f.Allow)
	for _, r := range f.Images {
		all = append(all, Allow{r.Match, r.Namespaces})
	}
	return all
}

// Proofs are what must be signed, by what it is.
func (r *ImageRule) Proofs() (all []Proof) {
	for _, p := range []Proof{{"verdict", r.Verdict}, {"signature", r.Signature}} {
		if p.Signed != nil {
			all = append(all, p)
		}
	}
	return all
}

// Proof is something signed: a verdict or a signature.
type Proof struct {
	What string
	*Signed
}

func (f *File) checkImages() error {
	for i := range f.Images {
		r := &f.Images[i]
		if err := r.check(); err != nil {
			return fmt.Errorf("%s: images, rule %d: %w", f.Name, i+1, err)
		}
	}
	return nil
}

func (r *ImageRule) check() error {
	asks := r.Digest != "" || r.Verdict != nil || r.Signature != nil
	switch {
	case len(r.Match) == 0:
		return errors.New("it has no match, and so is about no image")
	case max(len(r.Match), len(r.Namespaces), len(r.Platforms)) > maxList:
		return fmt.Errorf("a list has more than %d entries", maxList)
	case !asks && r.Goes() != Off:
		return errors.New("it asks for nothing: write digest, verdict or signature, or mode: off")
	case len(r.Platforms) > 0 && len(r.Proofs()) == 0:
		return errors.New("platforms are those that must be signed: write verdict or signature")
	}
	for n, i := range r.Match { // a registry is the same however its name is written
		host, rest, _ := strings.Cut(string(i), "/")
		switch {
		case rest == "":
			return fmt.Errorf("%.100q names a registry and nothing in it: write %s/**", i, host)
		case host == "docker.io" && !strings.Contains(rest, "/") && rest != "**":
			return fmt.Errorf("%.100q names no image: write docker.io/library/%s for what docker calls %[2]s", i, rest)
		}
		r.Match[n] = Image(strings.TrimSuffix(strings.ToLower(host), ":443") + "/" + rest)
	}
	for _, p := range r.Proofs() {
		if err := p.check(); err != nil {
			return fmt.Errorf("%s: %w", p.What, err)
		}
	}
	return nil
}

func (p Proof) check() error {
	byName := p.Identity+p.Pattern+p.Issuer != ""
	ofVerdicts := p.FailOn != nil || p.Unfixed || p.MaxAge != 0 || p.MaxDatabase != 0 || len(p.Policies) > 0 || p.PolicyDigest+p.Verifier+p.Resource != ""
	switch {
	case byName && len(p.Keys) > 0:
		return errors.New("keys are of who signs with a key, identity and issuer of who signs under a certificate: write one of them")
	case byName && (p.Identity+p.Pattern == "" || p.Issuer == "" || p.TrustedRoot == ""):
		return errors.New("a certificate is checked by whom it names, who vouched for that and the authorities that count: write identity (or pattern), issuer and trustedRoot")
	case p.Identity != "" && p.Pattern != "":
		return errors.New("identity is the whole name, pattern is one for it: write one of them")
	case !byName && len(p.Keys) == 0:
		return errors.New("it does not say who signs: write keys, or identity with issuer and trustedRoot")
	case max(len(p.Keys), len(p.Policies)) > maxList:
		return fmt.Errorf("a list has more than %d entries", maxList)
	case p.What == "signature" && ofVerdicts:
		return errors.New("a signature says nothing of severities, ages and policies: write them under verdict")
	case p.FailOn != nil && *p.FailOn == "":
		return errors.New("failOn: none asks for a verdict that could not have failed: name a severity, or leave failOn out")
	case p.Unfixed && p.FailOn == nil:
		return errors.New("unfixed goes with failOn")
	}
	return nil
}
