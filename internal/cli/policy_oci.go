package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

// The bounds on a library in a registry.
const (
	maxPolicyFile  = 1 << 20
	maxPolicyFiles = 1000
)

// artifactPolicies reads a library of policies in a registry: an OCI artifact whose layers are files, each under
// its path as title, as oras push makes it. Only one that is named by its digest is taken: what denies today
// is not to be another thing tomorrow.
func artifactPolicies(ctx context.Context, reference string, ro registry.Options) (*policyfile.Set, error) {
	ref, err := image.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	if ref.Digest == "" {
		return nil, fmt.Errorf("policies of a registry are named by digest: write oci:%s@sha256:…", reference)
	}
	a, err := registry.OpenArtifact(ctx, reference, ro)
	if err != nil {
		return nil, exitError{statusOf(ctx, err), err}
	}
	defer a.Close()
	dir, err := os.MkdirTemp("", "plimsoll-policies-")
	if err != nil {
		return nil, exitError{exitIncomplete, err}
	}
	defer os.RemoveAll(dir)
	if err := fetchFiles(ctx, a, dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, exitError{exitIncomplete, err}
	}
	defer root.Close()
	return policyfile.Load(root.FS(), ".", "oci:"+reference)
}

// fetchFiles writes the files of an artifact below a folder that is empty.
func fetchFiles(ctx context.Context, a *registry.Artifact, dir string) error {
	names := a.Names()
	if len(names) > maxPolicyFiles {
		return fmt.Errorf("the artifact has %d files, and at most %d are read", len(names), maxPolicyFiles)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return exitError{exitIncomplete, err}
	}
	defer root.Close()
	for _, name := range names {
		if !fs.ValidPath(name) || name == "." {
			return fmt.Errorf("%q in the artifact is no name of a file below it", name)
		}
		b, err := a.ReadFile(ctx, name, maxPolicyFile)
		if err != nil {
			return exitError{statusOf(ctx, err), err}
		}
		if err := errors.Join(root.MkdirAll(filepath.Dir(name), 0o700), root.WriteFile(name, b, 0o600)); err != nil {
			return exitError{exitIncomplete, err}
		}
	}
	return nil
}
