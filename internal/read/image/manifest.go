package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Descriptor points at a blob (OCI image specification, descriptor.md).
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"`
}

// Platform is what an image runs on.
type Platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
	OSVersion    string `json:"os.version,omitempty"`
}

func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Manifest is an image manifest or an index: OCI's and Docker's schema 2 share their fields.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Manifests     []Descriptor      `json:"manifests"`
	Subject       *Descriptor       `json:"subject,omitempty"` // what the manifest says it belongs to
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// MaxManifest bounds the bytes of a manifest, an index or a configuration.
const MaxManifest = 8 << 20

// ParseManifest reads a manifest or index. Docker's schema 1 is refused, as runtimes do by now.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	if len(b) > MaxManifest {
		return m, fmt.Errorf("parse manifest: %d bytes, at most %d are read", len(b), MaxManifest)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("parse manifest: %w", err)
	}
	switch {
	case m.SchemaVersion == 1:
		return m, errors.New("parse manifest: Docker's schema 1 is no longer read by any engine: push the image again with a current one")
	case m.SchemaVersion != 2 && m.SchemaVersion != 0:
		return m, fmt.Errorf("parse manifest: schema version %d is unknown", m.SchemaVersion)
	case m.IsIndex() && len(m.Layers) > 0:
		return m, errors.New("parse manifest: it is a manifest and an index at once") // CVE-2021-41190
	case len(m.Layers) > maxLayers:
		return m, fmt.Errorf("parse manifest: %d layers, at most %d are read", len(m.Layers), maxLayers)
	}
	return m, nil
}

const maxLayers = 1000

// IsIndex says whether the document lists manifests.
func (m Manifest) IsIndex() bool {
	return strings.Contains(m.MediaType, "image.index") || strings.Contains(m.MediaType, "manifest.list") || len(m.Manifests) > 0
}

// IsAttestation knows the manifests that BuildKit hangs beside an image: they hold no file system.
func (d Descriptor) IsAttestation() bool {
	return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" ||
		d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// IsForeign knows layers that must not be distributed: their bytes lie at other addresses, which
// are never fetched.
func (d Descriptor) IsForeign() bool {
	return strings.Contains(d.MediaType, "foreign") || strings.Contains(d.MediaType, "nondistributable")
}

// IsImage says whether a descriptor of an index could be an image or a nested index.
func (d Descriptor) IsImage() bool {
	// What go-containerregistry writes says of an image that its type is that of its configuration.
	isArtifact := !slices.Contains([]string{"", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}, d.ArtifactType)
	if d.IsAttestation() || isArtifact {
		return false
	}
	switch d.MediaType {
	case "", "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json":
		return true
	}
	return false
}

// HostPlatform is what this host would run: containers are Linux on macOS and Windows too.
func HostPlatform() Platform {
	p := Platform{OS: "linux", Architecture: runtime.GOARCH}
	if p.Architecture == "arm64" {
		p.Variant = "v8"
	}
	return p
}

// ParsePlatform reads OS/ARCH[/VARIANT] or ARCH.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	switch {
	case s == "" || len(parts) > 3 || slices.Contains(parts, ""):
		return Platform{}, fmt.Errorf("%q is no platform: write OS/ARCH, as in linux/arm64", s)
	case len(parts) == 1 && slices.Contains([]string{"linux", "windows", "darwin", "freebsd", "netbsd", "openbsd"}, strings.ToLower(s)):
		return Platform{}, fmt.Errorf("%q is a system alone: write OS/ARCH, as in %[1]s/amd64", strings.ToLower(s))
	case len(parts) == 1:
		return Platform{OS: "linux", Architecture: parts[0]}.usual(), nil
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p.usual(), nil
}

// usual spells an architecture as images do, where a kernel or a distribution spells it otherwise
// (containerd's platforms, "Normalize").
func (p Platform) usual() Platform {
	p.OS = strings.ToLower(p.OS)
	switch p.Architecture = strings.ToLower(p.Architecture); p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", orElse(p.Variant, "v7")
	case "armel":
		p.Architecture, p.Variant = "arm", orElse(p.Variant, "v6")
	case "i386":
		p.Architecture = "386"
	}
	if v := p.Variant; v != "" && v[0] >= '0' && v[0] <= '9' {
		p.Variant = "v" + v
	}
	return p
}

// variant is the variant, or what its absence means (containerd's platforms, "Normalize"): arm64 is v8,
// arm is v7, amd64 is v1.
func (p Platform) variant() string {
	return orElse(p.Variant, map[string]string{"arm64": "v8", "arm": "v7", "amd64": "v1"}[p.Architecture])
}

// Is says whether two platforms are the same.
func (p Platform) Is(want Platform) bool {
	return p.OS == want.OS && p.Architecture == want.Architecture && p.variant() == want.variant()
}

// Matches says whether an image for p will do where want is asked for: a missing variant fits any, where
// none is the same.
func (p Platform) Matches(want Platform) bool {
	return p.Is(want) || p.OS == want.OS && p.Architecture == want.Architecture && p.Architecture != "arm64" && (p.Variant == "" || want.Variant == "")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Choose picks the descriptors of an index that a platform option asks for: all of them for "all",
// else the first that is for just that platform, else the first that matches. An index of one image is that image when no platform was named.
func Choose(of []Descriptor, option string) ([]Descriptor, error) {
	var images []Descriptor
	for _, d := range of {
		if d.IsImage() {
			images = append(images, d)
		}
	}
	if len(images) == 0 {
		return nil, errors.New("the index lists no image")
	}
	if option == "all" {
		return images, nil
	}
	want := HostPlatform()
	if option != "" {
		var err error
		if want, err = ParsePlatform(option); err != nil {
			return nil, err
		}
	}
	for _, d := range images {
		if d.Platform != nil && d.Platform.Is(want) {
			return []Descriptor{d}, nil
		}
	}
	var has []string
	for _, d := range images {
		if d.Platform == nil || d.Platform.Matches(want) {
			return []Descriptor{d}, nil
		}
		has = append(has, d.Platform.String())
	}
	if option == "" && len(images) == 1 {
		return images, nil
	}
	return nil, fmt.Errorf("the index has no image for %s, only for %s: name one with --platform, or all", want, strings.Join(has, ", "))
}

// ParseConfig reads an image configuration.
func ParseConfig(b []byte) (Config, error) {
	var raw struct {
		Created      *time.Time `json:"created"`
		Author       string     `json:"author"`
		Architecture string     `json:"architecture"`
		OS           string     `json:"os"`
		Variant      string     `json:"variant"`
		Config       struct {
			User         string
			ExposedPorts map[string]struct{}
			Env          []string
			Entrypoint   []string
			Cmd          []string
			Volumes      map[string]struct{}
			WorkingDir   string
			Labels       map[string]string
			StopSignal   string
			Shell        []string
			OnBuild      []string
			Healthcheck  struct{ Test []string }
		} `json:"config"`
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
		History []struct {
			Created    *time.Time `json:"created"`
			CreatedBy  string     `json:"created_by"`
			Comment    string     `json:"comment"`
			EmptyLayer bool       `json:"empty_layer"`
		} `json:"history"`
	}
	if len(b) > MaxManifest {
		return Config{}, fmt.Errorf("parse image configuration: %d bytes, at most %d are read", len(b), MaxManifest)
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return Config{}, fmt.Errorf("parse image configuration: %w", err)
	}
	c := Config{
		Created: timeOf(raw.Created), Author: raw.Author, Architecture: raw.Architecture, OS: raw.OS, Variant: raw.Variant,
		User: raw.Config.User, Env: raw.Config.Env, Entrypoint: raw.Config.Entrypoint, Cmd: raw.Config.Cmd,
		WorkingDir: raw.Config.WorkingDir, Shell: raw.Config.Shell, Labels: raw.Config.Labels,
		Ports: slices.Sorted(maps.Keys(raw.Config.ExposedPorts)), Volumes: slices.Sorted(maps.Keys(raw.Config.Volumes)),
		StopSignal: raw.Config.StopSignal, Healthcheck: raw.Config.Healthcheck.Test, OnBuild: raw.Config.OnBuild,
		DiffIDs: raw.RootFS.DiffIDs,
	}
	for _, h := range raw.History {
		c.History = append(c.History, History{Created: timeOf(h.Created), CreatedBy: h.CreatedBy, Comment: h.Comment, EmptyLayer: h.EmptyLayer})
	}
	return c, nil
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// Platform is the platform that the configuration names.
func (c Config) Platform() Platform {
	return Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}
}
