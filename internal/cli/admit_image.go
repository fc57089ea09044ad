package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
	"github.com/plimsoll/plimsoll/internal/read/attestation/place"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/lore"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// Bounds of what is asked about one image at the door.
const (
	mostPlatforms = 32 // of an index that is not signed itself
	mostStrangers = 10 // proofs that nobody signed who counts, which are told of
	proofTime     = 10 * time.Second
	provenFresh   = 5 * time.Minute  // how long what is signed is not asked for again
	barelyFresh   = 15 * time.Second // the same where nothing is: it may be signed right now
)

// outside are the ways to registries for who asks because of what pods name: they do not say where the server connects to.
func (o *lineOptions) outside() registry.Options {
	r := o.registry
	r.Outside = true
	return r
}

// resolve tells what images are that the line wants digests of.
func (o *lineOptions) resolve(g *global) func(context.Context, string) (pod.Image, error) {
	ways := o.outside()
	images := lore.OfImages(func(ctx context.Context, reference string) ([]*image.Image, error) {
		all, err := registry.Open(ctx, reference, ways)
		var none *image.NotFoundError
		var down *image.DownError
		if err == nil || ctx.Err() != nil || ways.Offline || errors.As(err, &none) || errors.As(err, &down) {
			return all, err
		}
		every := ways // an index may have nothing for where this runs
		every.Platform = "all"
		if others, err := registry.Open(ctx, reference, every); err == nil {
			return others, nil
		}
		return nil, err
	})
	if o.patient {
		images.Wait = proofTime
	}
	book := lore.New(images, g.env.Now)
	return func(ctx context.Context, reference string) (pod.Image, error) {
		f, err := book.Look(ctx, "", reference)
		return pod.Image{User: f.User, Volumes: f.Volumes, Digest: f.Digest}, err
	}
}

// signer is who may sign for a rule, and what.
type signer struct {
	permitted
	what string
}

// answers says that a fact is what the rule asks for, whatever it says.
func (s signer) answers(f signature.Fact) bool {
	return f.Signer != "" && (f.Claim.Summary != nil || s.what == "signature" && f.Claim.Signs)
}

// proven tells what is signed of images, by whom the rules of a file name.
func (o *lineOptions) proven(g *global, f *admissionfile.File) (func(context.Context, admissionfile.Proof, string) (admit.Proofs, error), error) {
	scopes, signers := map[*admissionfile.Signed]string{}, map[string]signer{}
	for i := range f.Images {
		for _, p := range f.Images[i].Proofs() {
			scope := fmt.Sprintf("images, rule %d: %s", i+1, p.What)
			who, err := whoSigns(g, filepath.Dir(f.Name), p.Signed)
			if err != nil {
				return nil, usage("--line %s: %s: %w", f.Name, scope, err)
			}
			scopes[p.Signed], signers[scope] = scope, signer{who, p.What}
		}
	}
	ways := o.outside()
	book := lore.New(lore.Asker[admit.Proofs]{
		Ask: func(ctx context.Context, scope string, of image.Reference) (admit.Proofs, error) {
			return signers[scope].beside(ctx, of, ways)
		},
		Fresh: func(p admit.Proofs) time.Duration {
			counts := func(f signature.Fact) bool { return f.Signer != "" }
			if slices.ContainsFunc(p.Facts, counts) || slices.ContainsFunc(p.Platforms, func(p admit.Platform) bool { return slices.ContainsFunc(p.Facts, counts) }) {
				return provenFresh
			}
			return barelyFresh
		},
		Wait: proofTime,
	}, g.env.Now)
	return func(ctx context.Context, p admissionfile.Proof, reference string) (admit.Proofs, error) {
		return book.Look(ctx, scopes[p.Signed], reference)
	}, nil
}

// whoSigns reads the keys that a rule names, beside its file, and the authorities.
func whoSigns(g *global, dir string, s *admissionfile.Signed) (permitted, error) {
	who := permitted{now: g.env.Now, byName: len(s.Keys) == 0}
	who.request = helper.Verify{Identity: s.Identity, IdentityRegexp: s.Pattern, Issuer: s.Issuer}
	for _, text := range s.Keys {
		b, name := []byte(text), "the key"
		if !strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
			var err error
			name = beside(dir, text)
			if b, err = readFile(name, key.MaxFile); err != nil {
				return who, err
			}
		}
		k, err := key.ParsePublic(b)
		if err == nil {
			err = k.Counts(who.now())
		}
		if err != nil {
			return who, fmt.Errorf("%s: %w", name, err)
		}
		who.keys = append(who.keys, k)
	}
	if s.TrustedRoot != "" {
		b, err := readFile(beside(dir, s.TrustedRoot), maxRoot)
		if err != nil {
			return who, err
		}
		who.request.TrustedRoot = b
	}
	if who.byName || s.TrustedRoot != "" {
		if err := helper.Here(); err != nil {
			g.say("plimsoll: rules of images cannot be asked: %v", err)
		}
	}
	return who, nil
}

func beside(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// beside looks at what lies beside an image, and beside those of an index of which nothing beside it speaks.
func (s signer) beside(ctx context.Context, of image.Reference, ways registry.Options) (p admit.Proofs, err error) {
	repository, err := registry.OpenRepository(ctx, of.String(), ways)
	if err != nil {
		return p, err
	}
	defer repository.Close()
	b, err := repository.Manifest(ctx, of.Digest)
	if err != nil {
		return p, err
	}
	defer func() {
		if err != nil && ctx.Err() != nil { // it answers, and not all in time: there is no end to what may lie there
			err = fmt.Errorf("%w: what lies beside %s was not read in %s", lore.ErrSlow, of.Familiar(), proofTime)
		}
	}()
	m, err := image.ParseManifest(b)
	if err != nil {
		return p, err
	}
	if p.Facts, err = s.facts(ctx, repository, of.Digest, &p); err != nil || !m.IsIndex() {
		return p, err
	}
	spoken := map[string]bool{}
	for _, f := range p.Facts {
		if s.answers(f) {
			for _, d := range f.Claim.Digests {
				spoken[d] = true
			}
		}
	}
	for _, d := range m.Manifests {
		if !d.IsImage() {
			continue
		}
		one := admit.Platform{Digest: d.Digest}
		if d.Platform != nil {
			one.Platform = *d.Platform
		}
		if !spoken[of.Digest] && !spoken[d.Digest] {
			if len(p.Platforms) >= mostPlatforms {
				return p, fmt.Errorf("its index lists more than %d images: sign the index itself", mostPlatforms)
			}
			if one.Facts, err = s.facts(ctx, repository, d.Digest, &p); err != nil {
				return p, err
			}
		}
		p.Platforms = append(p.Platforms, one)
	}
	return p, nil
}

// facts are the proofs beside one digest.
func (s signer) facts(ctx context.Context, in place.Store, digest string, p *admit.Proofs) (all []signature.Fact, err error) {
	found, err := place.Find(ctx, in, digest)
	if err != nil {
		return nil, err
	}
	for _, t := range found.Troubles {
		p.Troubles = append(p.Troubles, t.Error())
	}
	strangers := 0
	for _, proof := range found.Proofs {
		f, err := s.look(ctx, proof)
		if err != nil {
			return nil, err
		}
		if f.Signer == "" {
			if strangers++; strangers > mostStrangers {
				continue
			}
		}
		all = append(all, f)
	}
	return all, nil
}
