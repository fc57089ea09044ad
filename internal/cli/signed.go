package cli

import (
	"context"

	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// signatures verify for policies who signed an image, as verify --for signature does; nil where nobody is named
// who may sign.
func (o *scanOptions) signatures(g *global) (func(context.Context, *image.Image) ([]policy.Signature, error), error) {
	if !o.signer.asked() {
		return nil, nil
	}
	if len(o.policies.words) == 0 {
		return nil, usage("signatures are verified for policies, and none is named: give --policy, as in --policy lib:only-signed, or ask plimsoll verify")
	}
	who, err := o.signer.open(g)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, img *image.Image) ([]policy.Signature, error) {
		found, err := o.read.target.proofs(ctx, img)
		if err != nil {
			return nil, err
		}
		want := signature.Want{Digests: found.digests, Signed: true}
		signed := []policy.Signature{}
		for _, p := range found.Proofs {
			f, err := who.look(ctx, p)
			if err != nil {
				return nil, err
			}
			if !signature.Judge(want, []signature.Fact{f}, who.now()).Yes {
				continue
			}
			one := policy.Signature{Signer: f.Signer, Issuer: f.Issuer, Signed: f.Signed, Predicate: f.Claim.Predicate}
			if f.Claim.Summary != nil {
				one.Signed = f.Claim.Summary.TimeVerified.UTC()
			}
			signed = append(signed, one)
		}
		return signed, nil
	}, nil
}
