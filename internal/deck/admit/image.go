package admit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/lore"
)

// Proofs are what lies beside an image, looked at for who signed it.
type Proofs struct {
	Facts []signature.Fact
	// Platforms are those of an index. What lies beside one is looked at where nothing beside the index speaks of it.
	Platforms []Platform
	// Troubles are what could not be read.
	Troubles []string
}

// Platform is an image of an index.
type Platform struct {
	Digest string
	image.Platform
	Facts []signature.Fact
}

// ruleOf is the first rule that names an image in a namespace; nil: none does.
func (l *Line) ruleOf(r rules, name string) *admissionfile.ImageRule {
	if len(l.File.Images) == 0 {
		return nil
	}
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil
	}
	for i := range l.File.Images {
		if rule := &l.File.Images[i]; rule.Names(r.namespace, ref.Place(), ref.Digest) {
			return rule
		}
	}
	return nil
}

// asks says whether a rule has to ask registries at a stage.
func (l *Line) asks(r rules, rule *admissionfile.ImageRule, stage Stage) bool {
	mode := min(r.cap, rule.Goes())
	return mode != admissionfile.Off && l.atFailing(stage, mode, l.onFailureOf(rule)) && (len(rule.Proofs()) > 0 || rule.Digest == admissionfile.DigestResolved)
}

// onFailureOf is what happens when what a rule asks for cannot be known.
func (l *Line) onFailureOf(rule *admissionfile.ImageRule) admissionfile.OnFailure {
	return cmp.Or(rule.OnFailure, l.onFailure(""))
}

// pins says that a rule has pods get the digests of their images, in some namespace under these rules.
func (l *Line) pins(r rules) bool {
	return r.cap == admissionfile.Deny && slices.ContainsFunc(l.File.Images, func(i admissionfile.ImageRule) bool {
		return i.Digest == admissionfile.DigestResolved && i.Goes() == admissionfile.Deny
	})
}

// images holds the images of an object against the rules about them.
func (j *judgement) images(s *subject) {
	if len(j.File.Images) == 0 {
		return
	}
	for i := range s.Workloads {
		for _, u := range s.news(i) {
			if _, err := image.ParseReference(u.Image); err != nil && j.strangers() != admissionfile.Off {
				j.add(admission.Unproven, u.Hit("its name is not understood: "+err.Error())) // what it names, a rule may be about
			}
			if rule := j.ruleOf(j.rules, u.Image); rule != nil && min(j.rules.cap, rule.Goes()) != admissionfile.Off {
				j.image(rule, u)
			}
		}
	}
}

// strangers is how far the rules of a namespace go with names that are not understood: as far as any of them goes.
func (j *judgement) strangers() (mode admissionfile.Mode) {
	for i := range j.File.Images {
		if rule := &j.File.Images[i]; rule.In(j.rules.namespace) {
			mode = max(mode, min(j.rules.cap, rule.Goes()))
		}
	}
	return mode
}

// image holds one against its rule. What of it is another stage's to say is left to that.
func (j *judgement) image(rule *admissionfile.ImageRule, u admission.Use) {
	r, err := image.ParseReference(u.Image)
	if err != nil {
		return // it was said
	}
	mode := min(j.rules.cap, rule.Goes())
	says := j.atFailing(j.stage, mode, j.onFailureOf(rule))
	digest := r.Digest
	if digest == "" && says && j.asks(j.rules, rule, j.stage) {
		is, wrong := j.meaning(u.Image)
		digest, err = is.Digest, wrong
	}
	switch resolved := rule.Digest == admissionfile.DigestResolved; {
	case r.Digest != "" || resolved && err != nil:
	case rule.Digest != "" && says, rule.Digest == "" && j.atFailing(j.stage, min(mode, admissionfile.Warn), ""):
		j.unpinned(u, digest)
	}
	switch {
	case !says:
		return
	case err != nil:
		j.unproven(rule, u, fmt.Errorf("what its tag means is not known: %w", err))
		return
	}
	for _, p := range rule.Proofs() {
		is, asked := j.proofs[proofOf{p.Signed, r.Name(), digest}]
		switch {
		case !asked:
			j.unproven(rule, u, j.nothing())
		case is.err != nil:
			j.unproven(rule, u, fmt.Errorf("its %s could not be asked for: %w", p.What, is.err))
		default:
			if why, do := missing(want(p), digest, rule.Platforms, is.Proofs, j.now); why != "" {
				h := u.Hit(fmt.Sprintf("%s: %s", p.What, why))
				h.Fix = do
				j.add(admission.Unproven, h)
			}
		}
	}
}

// unpinned is said of an image with a tag, and what that means now.
func (j *judgement) unpinned(u admission.Use, digest string) {
	h := u.Hit("")
	if digest != "" {
		h = u.Hit("it means " + digest + " now")
		h.Fix = fmt.Sprintf("Write %s@%s", u.Image, digest)
	}
	j.add(admission.Unpinned, h)
}

// unproven is what becomes of an image of which nothing could be known: it is as if there were no proof, unless its
// rule lets pass what cannot be asked. What a registry answers, and how many images an object has, is no failure: else
// who pushes the one or writes the other would have a way past the rule.
func (j *judgement) unproven(rule *admissionfile.ImageRule, u admission.Use, why error) {
	h := u.Hit(why.Error())
	j.doubtful(admission.Unproven.ID, h.Detail)
	if j.onFailureOf(rule) == "ignore" && (lore.IsAway(why) || errors.Is(why, errNobody)) {
		j.letPass = append(j.letPass, h.Detail)
		return
	}
	h.Fix = "Try again when the registry answers"
	j.add(admission.Unproven, h)
}

// becomesOf is how far a finding about an image goes, and what happens when it cannot be decided.
func (j *judgement) becomesOf(f *finding.Finding) (admissionfile.Mode, admissionfile.OnFailure) {
	rule := j.ruleOf(j.rules, f.Subject.Image)
	if rule == nil {
		return j.strangers(), ""
	}
	mode := min(j.rules.cap, rule.Goes())
	if f.Rule == admission.Unpinned.ID && rule.Digest == "" { // nothing asks for a digest: that a tag moves is worth a word
		mode = min(mode, admissionfile.Warn)
	}
	return mode, j.onFailureOf(rule)
}

// want is the question that a rule has of proofs.
func want(p admissionfile.Proof) signature.Want {
	w := signature.Want{
		Signed: p.What == "signature", Verifier: cmp.Or(p.Verifier, attestation.VerifierID), Resource: p.Resource, FailOn: string(first("", p.FailOn)), Unfixed: p.Unfixed,
		Policies: p.Policies, PolicyDigest: p.PolicyDigest, MaxAge: time.Duration(p.MaxAge), MaxDatabase: time.Duration(p.MaxDatabase),
	}
	if p.Verifier == "any" {
		w.Verifier = ""
	}
	return w
}

// missing says why an image is not proven, and what to do; empty: it is. What is signed of an index is of all that it
// lists; where it is not, each of its platforms must be, of which a node runs one or another.
func missing(w signature.Want, digest string, platforms []string, p Proofs, now time.Time) (why, do string) {
	w.Digests = []string{digest}
	a := signature.Judge(w, p.Facts, now)
	if a.Yes {
		return "", ""
	}
	if len(p.Platforms) == 0 {
		return because(a, p.Troubles)
	}
	some := false
	for _, of := range p.Platforms {
		if !among(of.Platform, platforms) {
			continue
		}
		some = true
		w.Digests = []string{of.Digest}
		if a := signature.Judge(w, slices.Concat(p.Facts, of.Facts), now); !a.Yes {
			why, do = because(a, p.Troubles)
			return fmt.Sprintf("for %s: %s", of.Platform, why), do
		}
	}
	if !some {
		return fmt.Sprintf("its index lists none of the platforms %s", strings.Join(platforms, ", ")), "Name its platforms in the rule"
	}
	return "", ""
}

// because is the refusal of the proof that came farthest.
func because(a signature.Answer, troubles []string) (why, do string) {
	switch {
	case len(a.Refused) > 0:
		r := a.Refused[0]
		return fmt.Sprintf("%s (%s)", r.Why, r.Test), sentence(r.Do)
	case len(troubles) > 0:
		return "there is none that could be read: " + troubles[0], ""
	}
	return "there is none", ""
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// among says whether a platform is one of those that are named; where none is, each is.
func among(p image.Platform, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool {
		want, err := image.ParsePlatform(n)
		return err == nil && p.Matches(want)
	})
}

// checkImages wants the file to name platforms as they are, and digests of policies.
func checkImages(f *admissionfile.File) error {
	for i := range f.Images {
		r := &f.Images[i]
		for _, p := range r.Platforms {
			if _, err := image.ParsePlatform(p); err != nil {
				return fmt.Errorf("%s: images, rule %d: %w", f.Name, i+1, err)
			}
		}
		if v := r.Verdict; v != nil && v.PolicyDigest != "" && image.CheckDigest(v.PolicyDigest) != nil {
			return fmt.Errorf("%s: images, rule %d: policyDigest %.100q: write sha256: and 64 hex digits", f.Name, i+1, v.PolicyDigest)
		}
	}
	return nil
}
