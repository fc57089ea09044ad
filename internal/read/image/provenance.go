package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
)

// Material is an image that went into the build of another, as the build's provenance claims. BuildKit
// writes one for each image that the Dockerfile names: for the base, and for other stages too.
type Material struct {
	Name   string // as people write it: "debian:12"
	Digest string // "sha256:HEX" of its manifest or index; empty when the provenance gives none
}

// Bounds of what is read of provenance. BuildKit writes one attestation manifest for each platform,
// with one statement of each kind.
const (
	maxAttestations = 8
	maxStatements   = 16
	maxMaterials    = 1000
)

const referenceDigest = "vnd.docker.reference.digest" // of the image that an attestation manifest is about

// attest notes the attestation manifests that an index lists beside its images (BuildKit,
// docs/attestations/attestation-storage.md).
func (r *resolver) attest(d Descriptor) {
	of := d.Annotations[referenceDigest]
	if d.Annotations["vnd.docker.reference.type"] != "attestation-manifest" || CheckDigest(of) != nil {
		return
	}
	same := func(have Descriptor) bool { return have.Digest == d.Digest }
	if list := r.attestations[of]; len(list) < maxAttestations && !slices.ContainsFunc(list, same) {
		r.attestations[of] = append(list, d)
	}
}

// materials reads what the provenance of an image names: nothing is fetched before it is called. What
// the store does not have (engines keep no attestations) is passed over.
func (r *resolver) materials(of Descriptor, p Platform) func(context.Context) ([]Material, error) {
	attestations := r.attestations[of.Digest]
	if len(attestations) == 0 {
		return nil
	}
	return func(ctx context.Context) ([]Material, error) {
		// Documents that are wanted once need not be kept, and their bound is their own.
		own := &resolver{store: r.store, documents: map[string][]byte{}}
		var all []Material
		for _, d := range attestations {
			found, err := own.attested(ctx, d, of.Digest, p)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, m := range found {
				if !slices.Contains(all, m) && len(all) < maxMaterials {
					all = append(all, m)
				}
			}
		}
		return all, nil
	}
}

// attested reads the provenance statements of one attestation manifest.
func (r *resolver) attested(ctx context.Context, d Descriptor, of string, p Platform) ([]Material, error) {
	b, err := r.document(ctx, d, "attestation manifest")
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(b)
	if err != nil {
		return nil, err
	}
	var all []Material
	for i, l := range m.Layers {
		kind := l.Annotations["in-toto.io/predicate-type"]
		if i == maxStatements || !isInToto(l.MediaType) || kind != "" && !strings.HasPrefix(kind, slsa) {
			continue
		}
		if b, err = r.document(ctx, l, "provenance"); err != nil {
			return nil, err
		}
		found, err := ParseProvenance(b, of, p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// isInToto knows statements by their media type.
func isInToto(mediaType string) bool { return strings.HasPrefix(mediaType, "application/vnd.in-toto") }

const slsa = "https://slsa.dev/provenance/"

// statement is an in-toto statement with SLSA provenance, version 0.2 or 1, as BuildKit fills it in; or
// an envelope (DSSE) around one, whose signature is not looked at.
type statement struct {
	Payload       []byte
	PredicateType string
	Subject       []struct{ Digest map[string]string }
	Predicate     json.RawMessage
}

type predicate struct {
	Materials  []dependency // version 0.2
	Invocation struct {
		Parameters struct{ Args frontend }
	}
	BuildDefinition struct { // version 1
		ResolvedDependencies []dependency
		ExternalParameters   struct {
			Request struct{ Args frontend }
		}
	}
}

type dependency struct {
	URI    string
	Digest map[string]string
}

// frontend is the image that translates a Dockerfile, when one was asked for (# syntax=).
type frontend struct{ Source, CmdLine string }

// ParseProvenance returns the images that a statement names as having gone into the build of the image
// with this digest and platform. A statement of another kind, or about another image, names none.
func ParseProvenance(b []byte, of string, on Platform) ([]Material, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("parse provenance: %d bytes, at most %d are read", len(b), MaxManifest)
	}
	var s statement
	err := json.Unmarshal(b, &s)
	if err == nil && len(s.Payload) > 0 {
		err = json.Unmarshal(s.Payload, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("parse provenance: %w", err)
	}
	if !strings.HasPrefix(s.PredicateType, slsa) || !s.isAbout(of) {
		return nil, nil
	}
	var p predicate
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return nil, fmt.Errorf("parse provenance: %w", err)
	}
	return p.materials(on), nil
}

func (p *predicate) materials(on Platform) (all []Material) {
	for _, d := range append(p.Materials, p.BuildDefinition.ResolvedDependencies...) {
		m, platform, ok := d.image()
		if !ok || isTool(m.Name, p.Invocation.Parameters.Args, p.BuildDefinition.ExternalParameters.Request.Args) {
			continue
		}
		if platform != nil && on.Architecture != "" && !platform.Matches(on) {
			continue // a stage that ran on the builder's own platform
		}
		if len(all) == maxMaterials {
			break
		}
		all = append(all, m)
	}
	return all
}

func (s *statement) isAbout(digest string) bool {
	for _, sub := range s.Subject {
		if "sha256:"+sub.Digest["sha256"] == digest {
			return true
		}
	}
	return len(s.Subject) == 0
}

// image reads pkg:docker/NAMESPACE/NAME@TAG?platform=…&digest=… (package-url, types/docker).
func (d dependency) image() (m Material, on *Platform, ok bool) {
	rest, ok := strings.CutPrefix(d.URI, "pkg:docker/")
	if !ok {
		return m, nil, false
	}
	rest, query, _ := strings.Cut(rest, "?")
	qualifiers, _ := url.ParseQuery(query)
	name, version, _ := strings.Cut(rest, "@")
	if name, err := url.PathUnescape(name); err == nil {
		m.Name = name
	}
	if hex := d.Digest["sha256"]; CheckDigest("sha256:"+hex) == nil {
		m.Digest = "sha256:" + hex
	} else if digest := qualifiers.Get("digest"); CheckDigest(digest) == nil {
		m.Digest = digest
	}
	if tag, err := url.PathUnescape(version); err == nil && tagForm().MatchString(tag) {
		m.Name += ":" + tag
	}
	r, err := ParseReference(m.Name)
	if err != nil {
		return m, nil, false
	}
	if version == "" {
		r.Tag = "" // named by its digest alone
	}
	m.Name = r.Familiar()
	if p, err := ParsePlatform(qualifiers.Get("platform")); err == nil {
		on = &p
	}
	return m, on, true
}

// isTool knows images that took part in a build and are no stage of it: the frontend, and the scanner
// that writes BuildKit's SBOM.
func isTool(name string, frontends ...frontend) bool {
	for _, tool := range []string{"docker/dockerfile", "docker/dockerfile-upstream", "docker/buildkit-syft-scanner"} {
		if strings.HasPrefix(name, tool+":") {
			return true
		}
	}
	for _, f := range frontends {
		for _, word := range []string{f.Source, f.CmdLine} {
			if r, err := ParseReference(word); err == nil && r.Familiar() == name {
				return true
			}
		}
	}
	return false
}
