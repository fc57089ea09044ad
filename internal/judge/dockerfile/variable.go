package dockerfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// predefined are the variables that every build knows; those of the platform must still be declared in a stage.
func predefined(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY":
		return true
	}
	return false
}

func ofPlatform(name string) bool {
	switch name {
	case "BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT", "TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION",
		"TARGETARCH", "TARGETVARIANT", "TARGETSTAGE":
		return true
	}
	return false
}

// declaredBefore returns the names of the ARGs before the first FROM.
func declaredBefore(f *dockerfile.File) (names []string) {
	for _, in := range f.Instructions {
		if in.Name == "FROM" {
			break
		}
		for _, p := range in.Pairs {
			names = append(names, p.Key)
		}
	}
	return names
}

var undefinedBaseArgument = Check{
	Card: check.Card{
		ID: "dockerfile/undefined-base-argument", Title: "FROM uses an argument that nobody declares", Severity: finding.Low,
		Aliases: []string{"buildkit/UndefinedArgInFrom"},
		Page: check.Page{
			Why:  "Only ARGs before the first FROM hold in FROM lines. Any other name is empty there, and the image another or none.",
			Fix:  "Declare it before the first FROM: `ARG RELEASE=12`.",
			Bad:  "FROM debian:${RELEASE}\n",
			Good: "ARG RELEASE=12\nFROM debian:${RELEASE}\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		declared := declaredBefore(f)
		for _, s := range f.Stages {
			for _, name := range s.From.Variables(s.Base + " " + s.Platform) {
				if slices.Contains(declared, name) || ofPlatform(name) {
					continue
				}
				hits = append(hits, mended(hit(s.From, "FROM $"+name, name), fmt.Sprintf("Add ARG %s=… before the first FROM%s.", name, orMeant(name, declared))))
			}
		}
		return hits
	},
}

// orMeant asks whether a name that is much like it was meant.
func orMeant(name string, among []string) string {
	for _, other := range among {
		if near(name, other) {
			return ", or write $" + other
		}
	}
	return ""
}

// near says that two names differ by one letter: another, one more, one less, or two changed places.
func near(a, b string) bool {
	if a == b || len(a) < 3 || len(b) < 3 {
		return false
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}

var invalidDefaultBase = Check{
	Card: check.Card{
		ID: "dockerfile/invalid-default-base", Title: "without build arguments, FROM names no image", Severity: finding.Low,
		Aliases: []string{"buildkit/InvalidDefaultArgInFrom"},
		Page: check.Page{
			Why:  "A build without --build-arg ends here, or takes something else than was meant.",
			Fix:  "Give the argument a default: `ARG RELEASE=12`.",
			Bad:  "ARG RELEASE\nFROM debian:${RELEASE}\n",
			Good: "ARG RELEASE=12\nFROM debian:${RELEASE}\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			if name, ok := s.From.Default(s.Base); ok && s.Parent == nil && !validName(name) {
				hits = append(hits, hit(s.From, "FROM "+s.Base, s.Base))
			}
		}
		return hits
	},
}

var selfReferringEnv = Check{
	Card: check.Card{
		ID: "dockerfile/self-referring-env", Title: "a variable is used in the ENV that sets it", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3044"},
		Page: check.Page{
			Why:  "All values of an ENV are replaced before any is set: the variable is still empty there.",
			Fix:  "Set it in an ENV before.",
			Bad:  "FROM scratch\nENV HOME_DIR=/srv BIN_DIR=$HOME_DIR/bin\n",
			Good: "FROM scratch\nENV HOME_DIR=/srv\nENV BIN_DIR=$HOME_DIR/bin\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ENV", func(in *dockerfile.Instruction) {
			if f.Built || len(in.Pairs) < 2 {
				return
			}
			set := map[string]bool{}
			for _, p := range in.Pairs {
				set[p.Key] = true
			}
			for _, p := range in.Pairs {
				for _, name := range in.Variables(p.Value) {
					if _, _, by := in.Lookup(name); set[name] && name != p.Key && by == nil {
						hits = append(hits, mended(hit(in, "ENV "+p.Key, fmt.Sprintf("%s in the value of %s", name, p.Key)),
							fmt.Sprintf("Move %s to an ENV of its own after this one.", p.Key)))
					}
				}
			}
		})
		return hits
	},
}

var undefinedVariable = Check{
	Card: check.Card{
		ID: "dockerfile/undefined-variable", Title: "a variable is used that nobody sets", Severity: finding.Low,
		Aliases: []string{"buildkit/UndefinedVar"},
		Page: check.Page{
			Why: "It is replaced with nothing, without a word: a path becomes another one, a version is empty. The most\n" +
				"common reason is an ARG before the first FROM, which holds in FROM lines only.",
			Fix:  "Declare it in this stage: `ARG NAME`, which takes the value of the one on top.",
			Bad:  "ARG RELEASE=1.2\nFROM scratch\nCOPY app-${RELEASE} /app\n",
			Good: "ARG RELEASE=1.2\nFROM scratch\nARG RELEASE\nCOPY app-${RELEASE} /app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		declared := declaredAnywhere(f)
		each(f, func(in *dockerfile.Instruction) {
			if in.Stage == nil || in.Name == "FROM" || in.OnBuild || f.Built {
				return
			}
			for _, word := range expanded(in) {
				for _, name := range in.Variables(word) {
					if _, _, by := in.Lookup(name); by != nil || name == "PATH" || predefined(name) || sets(in, name) || withDefault(word, name) {
						continue
					}
					fix := orMeant(name, declared)
					switch known := slices.Contains(declared, name) || ofPlatform(name); {
					case known:
						fix = fmt.Sprintf("Add ARG %s to this stage.", name)
					case fix != "":
						fix = fmt.Sprintf("Write %s.", strings.TrimPrefix(fix, ", or write "))
					case !fromScratch(in.Stage):
						continue // the base image may set it
					}
					hits = append(hits, mended(hit(in, in.Name+" $"+name, name), fix))
				}
			}
		})
		return hits
	},
}

// sets says that an instruction sets the variable itself, and so goes on from what the base image has.
func sets(in *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(in.Pairs, func(p dockerfile.Pair) bool { return p.Key == name })
}

// declaredAnywhere are all names that an ARG or ENV of the file sets, in order.
func declaredAnywhere(f *dockerfile.File) (names []string) {
	named(f, "ARG ENV", func(in *dockerfile.Instruction) {
		for _, p := range in.Pairs {
			names = append(names, p.Key)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// expanded are the words of an instruction in which the builder replaces variables.
func expanded(in *dockerfile.Instruction) (words []string) {
	switch in.Name {
	case "ENV", "LABEL", "ARG":
		for _, p := range in.Pairs {
			words = append(words, p.Value)
		}
		return words
	case "COPY", "ADD":
		for _, name := range []string{"chown", "chmod", "checksum"} {
			if v, ok := in.Flag(name); ok {
				words = append(words, v)
			}
		}
		return append(words, in.Args...)
	case "WORKDIR", "USER", "VOLUME", "STOPSIGNAL":
		return in.Args
	}
	return nil
}

// withDefault says that a word says what holds where a variable is not set.
func withDefault(word, name string) bool {
	for _, mark := range []string{":-", "-", ":+", "+"} {
		if strings.Contains(word, "${"+name+mark) {
			return true
		}
	}
	return false
}

// fromScratch says that no image lies below a stage, which could set variables.
func fromScratch(s *dockerfile.Stage) bool {
	for s.Parent != nil {
		s = s.Parent
	}
	return s.Known && strings.EqualFold(s.Image, "scratch")
}
