package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// bases visits the FROM lines that name an image outside of the file, as far as it is known which.
func bases(f *dockerfile.File, visit func(s *dockerfile.Stage, ref reference)) {
	for _, s := range f.Stages {
		if s.Parent != nil || !s.Known || s.From.Base || strings.EqualFold(s.Image, "scratch") {
			continue
		}
		if ref, ok := parseReference(s.Image); ok {
			visit(s, ref)
		}
	}
}

var latestTag = Check{
	Card: check.Card{
		ID: "dockerfile/latest-tag", Title: "the base image is whatever is newest", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3007", "trivy/DS-0001", "checkov/CKV_DOCKER_7", "dockle/DKL-DI-0006"},
		Page: check.Page{
			Why: "The tag latest moves: the same Dockerfile gives another image tomorrow, with another major version\n" +
				"of the base, and nobody decided that.",
			Fix:  "Name the release that you build on: `FROM debian:12`.",
			Bad:  "FROM debian:latest\n",
			Good: "FROM debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		bases(f, func(s *dockerfile.Stage, ref reference) {
			if ref.tag == "latest" && ref.digest == "" {
				hits = append(hits, mended(hit(s.From, "FROM "+ref.name, s.Image),
					fmt.Sprintf("Write a release in place of latest: FROM %s:RELEASE.", ref.name)))
			}
		})
		return hits
	},
}

var untaggedBase = Check{
	Card: check.Card{
		ID: "dockerfile/untagged-base", Title: "the base image has no tag", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3006", "trivy/DS-0001", "checkov/CKV_DOCKER_7"},
		Page: check.Page{
			Why:  "Without a tag the builder takes latest, which moves: the same Dockerfile gives another image tomorrow.",
			Fix:  "Name the release that you build on: `FROM debian:12`.",
			Bad:  "FROM debian\n",
			Good: "FROM debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		bases(f, func(s *dockerfile.Stage, ref reference) {
			if ref.tag == "" && ref.digest == "" {
				hits = append(hits, mended(hit(s.From, "FROM "+ref.name, s.Image), fmt.Sprintf("Add a release: FROM %s:RELEASE.", ref.name)))
			}
		})
		return hits
	},
}

var unpinnedDigest = Check{
	Card: check.Card{
		ID: "dockerfile/unpinned-digest", Title: "the base image is not pinned by digest", Severity: finding.Info,
		Page: check.Page{
			Why: "A tag can be pushed again, by its owner or by whoever took over the account; a digest names one image\n" +
				"for good. Whoever pins digests needs something that renews them (Renovate, Dependabot), or misses fixes.",
			Fix:  "Add the digest after the tag: `FROM debian:12@sha256:…`, as `docker buildx imagetools inspect debian:12` shows it.",
			Bad:  "FROM debian:12\n",
			Good: "FROM debian:12@sha256:b16cef8cbcb20935c0f052e37fc3d38dc92bfec0bcfb894c328547f81e932d67\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		bases(f, func(s *dockerfile.Stage, ref reference) {
			if ref.digest == "" {
				hits = append(hits, hit(s.From, "FROM "+ref.name, s.Image))
			}
		})
		return hits
	},
}

var constantPlatform = Check{
	Card: check.Card{
		ID: "dockerfile/constant-platform", Title: "the platform of a base image is fixed", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3029", "buildkit/FromPlatformFlagConstDisallowed"},
		Page: check.Page{
			Why: "The image can then be built for one platform only, and on others it runs emulated or not at all, without\n" +
				"a word from the builder.",
			Fix: "Leave --platform out; where a stage is to run on the machine that builds, write --platform=$BUILDPLATFORM.\n\n" +
				"A stage that is named after its platform is taken to mean it.",
			Bad:  "FROM --platform=linux/amd64 debian:12\n",
			Good: "FROM --platform=$BUILDPLATFORM debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			os, rest, _ := strings.Cut(s.Platform, "/")
			arch, _, _ := strings.Cut(rest, "/")
			if s.Platform == "" || strings.Contains(s.Platform, "$") ||
				strings.Contains(s.Name, strings.ToLower(os)) || arch != "" && strings.Contains(s.Name, strings.ToLower(arch)) {
				continue
			}
			hits = append(hits, mended(hit(s.From, "FROM --platform "+s.Name, s.Platform), "Leave --platform="+s.Platform+" out."))
		}
		return hits
	},
}

var redundantPlatform = Check{
	Card: check.Card{
		ID: "dockerfile/redundant-platform", Title: "--platform says what holds anyway", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3065", "buildkit/RedundantTargetPlatform"},
		Page: check.Page{
			Why:  "Base images are those of the target platform unless something else is said.",
			Fix:  "Leave --platform=$TARGETPLATFORM out.",
			Bad:  "FROM --platform=$TARGETPLATFORM debian:12\n",
			Good: "FROM debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			if s.Platform == "$TARGETPLATFORM" || s.Platform == "${TARGETPLATFORM}" {
				hits = append(hits, hit(s.From, "FROM --platform "+s.Name, ""))
			}
		}
		return hits
	},
}

var untrustedRegistry = Check{
	Card: check.Card{
		ID: "dockerfile/untrusted-registry", Title: "the base image comes from a registry that is not trusted", Severity: finding.High,
		Aliases: []string{"hadolint/DL3026"},
		Page: check.Page{
			Why:  "The project lists the registries that its base images may come from, and this is another.",
			Fix:  "Take the image from a registry of the list (trustedRegistries in .hadolint.yaml), or add this one to it.",
			Bad:  "# trusted: docker.io, *.example.com\nFROM ghcr.io/somebody/tool:1\n",
			Good: "# trusted: docker.io, *.example.com\nFROM docker.io/library/debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if len(f.Settings.TrustedRegistries) == 0 {
			return nil
		}
		bases(f, func(s *dockerfile.Stage, ref reference) {
			if !trusted(f.Settings.TrustedRegistries, ref.host) {
				hits = append(hits, hit(s.From, "FROM "+ref.name, ref.host))
			}
		})
		return hits
	},
}

// trusted holds a host against a list, in which "*" stands for all, and at either end for anything.
func trusted(list []string, host string) bool {
	for _, one := range list {
		one = strings.ToLower(strings.TrimSuffix(one, "/"))
		switch {
		case one == "*", one == host,
			strings.HasPrefix(one, "*") && strings.HasSuffix(host, one[1:]),
			strings.HasSuffix(one, "*") && strings.HasPrefix(host, one[:len(one)-1]):
			return true
		case host == "docker.io" && (one == "hub.docker.com" || one == "index.docker.io"):
			return true
		}
	}
	return false
}

var sdkAsFinalStage = Check{
	Card: check.Card{
		ID: "dockerfile/sdk-as-final-stage", Title: "the image that is shipped is the one with the compiler", Severity: finding.Low,
		Page: check.Page{
			Why: "Compilers, package caches and sources have no part in running the program, but in what an intruder\n" +
				"can do, and their packages are most of what a scanner finds.",
			Fix: "Build in a first stage, and copy the result into one that is made for running it:\n" +
				"`FROM gcr.io/distroless/static` for Go and Rust, `-jre`, `aspnet` or `runtime` images for Java and .NET.",
			Bad:  "FROM golang:1.26\nCOPY . .\nRUN go build -o /app .\nCMD [\"/app\"]\n",
			Good: "FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /app .\n\nFROM gcr.io/distroless/static:nonroot\nCOPY --from=build /app /app\nCMD [\"/app\"]\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		bases(f, func(s *dockerfile.Stage, ref reference) {
			if s.Ships && isSDK(ref) && f.Target != nil && starts(f.Target) {
				hits = append(hits, hit(s.From, "FROM "+ref.name, s.Image))
			}
		})
		return hits
	},
}

// starts says that a stage tells what its image runs. One that does not is a stage to build with, or an
// image for others to build on.
func starts(s *dockerfile.Stage) bool {
	for ; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Name == "CMD" || in.Name == "ENTRYPOINT" {
				return true
			}
		}
	}
	return false
}

// isSDK knows images that hold a compiler for programs which run without it.
func isSDK(ref reference) bool {
	last := ref.path[strings.LastIndex(ref.path, "/")+1:]
	official := ref.host == "docker.io" && strings.HasPrefix(ref.path, "library/")
	switch {
	case official && (last == "golang" || last == "rust" || last == "gcc" || last == "maven" || last == "gradle" || last == "swift" && !strings.Contains(ref.tag, "slim")):
		return true
	case strings.HasPrefix(ref.name, "mcr.microsoft.com/dotnet/sdk"), strings.HasPrefix(ref.name, "mcr.microsoft.com/dotnet/core/sdk"):
		return true
	case official && (last == "openjdk" || last == "eclipse-temurin" || last == "amazoncorretto"):
		return strings.Contains(ref.tag, "jdk") || last == "openjdk" && !strings.Contains(ref.tag, "jre")
	}
	return false
}

var fromFirst = Check{
	Card: check.Card{
		ID: "dockerfile/from-first", Title: "an instruction stands before the first FROM", Severity: finding.Medium,
		Aliases: []string{"hadolint/DL3061"},
		Page: check.Page{
			Why:  "There is no image yet that it could change: the build ends here. Only ARG may stand before FROM.",
			Fix:  "Move it below FROM.",
			Bad:  "LABEL team=web\nFROM debian:12\n",
			Good: "ARG RELEASE=12\nFROM debian:${RELEASE}\nLABEL team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if f.Built {
			return nil
		}
		for _, in := range f.Instructions {
			if in.Name == "FROM" {
				break
			}
			if in.Name != "ARG" {
				hits = append(hits, hit(in, "before FROM "+in.Name, in.Name))
			}
		}
		return hits
	},
}

var foreignSyntax = Check{
	Card: check.Card{
		ID: "dockerfile/foreign-syntax", Title: "the build is carried out by a program that is not Docker's", Severity: finding.Low,
		Page: check.Page{
			Why: "The syntax line names an image that reads the Dockerfile and decides what is built, with all that the\n" +
				"build can reach: its sources and its secrets.",
			Fix:  "Use `# syntax=docker/dockerfile:1`, or pin the other one by digest once it was looked at.",
			Bad:  "# syntax=somebody/dockerfile-plus:1\nFROM debian:12\n",
			Good: "# syntax=docker/dockerfile:1\nFROM debian:12\n",
		},
	},
	Look: func(f *dockerfile.File) []check.Hit {
		for _, d := range f.Directives {
			image, _, _ := strings.Cut(d.Value, " ")
			ref, ok := parseReference(image)
			if d.Name != "syntax" || !ok || ref.digest != "" || len(f.Instructions) == 0 {
				continue
			}
			if ref.host == "docker.io" && (ref.path == "docker/dockerfile" || ref.path == "docker/dockerfile-upstream") {
				continue
			}
			h := hitAt(f.Instructions[0], finding.Location{StartLine: d.Line, EndLine: d.Line, Column: 1}, "syntax "+ref.name, image)
			h.Where, h.At[0].Instruction = "# syntax="+image, ""
			return []check.Hit{h}
		}
		return nil
	},
}
