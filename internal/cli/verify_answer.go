package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/signature"
)

// answers are what verify says of an image; the fields are its JSON.
type answers struct {
	Image     string   `json:"image"`
	Yes       bool     `json:"yes"`
	Platforms []answer `json:"platforms"`
}

type answer struct {
	Digest   string    `json:"digest"`
	Platform string    `json:"platform,omitempty"`
	Yes      bool      `json:"yes"`
	Signer   string    `json:"signer,omitempty"`
	Where    string    `json:"where,omitempty"`
	Verifier string    `json:"verifier,omitempty"`
	Version  string    `json:"version,omitempty"`
	Time     time.Time `json:"time,omitzero"`
	Policy   string    `json:"policy,omitempty"`
	PolicyID string    `json:"policyDigest,omitempty"`
	Database time.Time `json:"database,omitzero"`
	Refused  []refusal `json:"refused,omitempty"`
	Troubles []string  `json:"troubles,omitempty"`
}

type refusal struct {
	Where string `json:"where,omitempty"`
	Test  string `json:"test"`
	Why   string `json:"why"`
	Do    string `json:"do"`
}

// take fills in what the judge says.
func (a *answer) take(j signature.Answer) {
	a.Yes = j.Yes
	if !j.Yes {
		for _, r := range j.Refused {
			a.Refused = append(a.Refused, refusal(r))
		}
		if len(a.Refused) == 0 {
			why := "there is none"
			if len(a.Troubles) > 0 {
				why = "there is none that could be read"
			}
			a.Refused = []refusal{{Test: "attestation", Why: why, Do: "make one with plimsoll attest, once plimsoll scan lets the image pass"}}
		}
		return
	}
	a.Signer, a.Where = j.By.Signer, j.By.Where
	if j.By.Issuer != "" {
		a.Signer += " (" + j.By.Issuer + ")"
	}
	if s := j.By.Claim.Summary; s != nil {
		a.Verifier, a.Version, a.Time = s.Verifier.ID, s.Verifier.Version["plimsoll"], s.TimeVerified.UTC()
		a.Policy, a.PolicyID, a.Database = s.Policy.URI, "sha256:"+s.Policy.Digest["sha256"], s.DatabaseBuilt()
	}
}

// maxRefused is how many refusals are shown, those that came farthest first.
const maxRefused = 5

func (a *answers) write(g *global) error {
	var b strings.Builder
	word := map[bool]string{true: "yes", false: "no"}
	for _, p := range a.Platforms {
		name := a.Image
		if at := strings.IndexByte(name, '@'); at >= 0 {
			name = name[:at]
		}
		fmt.Fprintf(&b, "%s@%s", name, p.Digest)
		if p.Platform != "" && len(a.Platforms) > 1 {
			fmt.Fprintf(&b, " (%s)", p.Platform)
		}
		fmt.Fprintf(&b, ": %s\n", word[p.Yes])
		rows := p.rows()
		for i, r := range p.Refused {
			if i == maxRefused {
				rows = append(rows, [2]string{"", fmt.Sprintf("and %d more", len(p.Refused)-i)})
				break
			}
			why := r.Why
			if r.Where != "" {
				why = r.Where + ": " + why
			}
			rows = append(rows, [2]string{r.Test, why}, [2]string{"", "→ " + r.Do})
		}
		for i, t := range p.Troubles {
			if i == maxRefused {
				rows = append(rows, [2]string{"", fmt.Sprintf("and %d more", len(p.Troubles)-i)})
				break
			}
			rows = append(rows, [2]string{"unread", t})
		}
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-9s %s\n", r[0], r[1])
		}
	}
	_, err := fmt.Fprint(g.env.Stdout, printable(b.String()))
	return err
}

func (a *answer) rows() [][2]string {
	if !a.Yes {
		return nil
	}
	rows := [][2]string{{"signed by", a.Signer}}
	if !a.Time.IsZero() {
		rows = append(rows, [2]string{"verified", fmt.Sprintf("%s by %s %s", a.Time.Format(time.RFC3339), a.Verifier, a.Version)},
			[2]string{"by", fmt.Sprintf("%s (%s)", a.Policy, a.PolicyID)})
	}
	if !a.Database.IsZero() {
		rows = append(rows, [2]string{"asked", "a database built " + a.Database.Format(time.DateOnly)})
	}
	return append(rows, [2]string{"found at", a.Where})
}
