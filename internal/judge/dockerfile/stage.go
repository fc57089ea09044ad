package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

var duplicateStageName = Check{
	Card: check.Card{
		ID: "dockerfile/duplicate-stage-name", Title: "two stages have one name", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3024", "buildkit/DuplicateStageName", "trivy/DS-0012", "checkov/CKV_DOCKER_11"},
		Page: check.Page{
			Why:  "COPY --from and --target mean the last of them, which is seldom the one that the reader means.",
			Fix:  "Give each stage a name of its own.",
			Bad:  "FROM golang:1.26 AS build\nFROM node:22 AS build\nFROM scratch\nCOPY --from=build /app /app\n",
			Good: "FROM golang:1.26 AS build\nFROM node:22 AS page\nFROM scratch\nCOPY --from=build /app /app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		first := map[string]int{}
		for _, s := range f.Stages {
			if s.Name == "" {
				continue
			}
			if line, ok := first[s.Name]; ok {
				hits = append(hits, hit(s.From, "AS "+s.Name, fmt.Sprintf("%s, also on line %d", s.Name, line)))
				continue
			}
			first[s.Name] = s.From.Start
		}
		return hits
	},
}

// alias returns the AS of a FROM and its name, as they are written.
func alias(from *dockerfile.Instruction) (as, name string, ok bool) {
	if len(from.Args) != 3 {
		return "", "", false
	}
	return from.Args[1], from.Args[2], true
}

var stageNameCasing = Check{
	Card: check.Card{
		ID: "dockerfile/stage-name-casing", Title: "a stage's name is not in lower case", Severity: finding.Info,
		Aliases: []string{"buildkit/StageNameCasing"},
		Page: check.Page{
			Why:  "The builder knows stages by their names in lower case, and so do its messages.",
			Fix:  "Write the name in lower case.",
			Bad:  "FROM debian:12 AS Build\n",
			Good: "FROM debian:12 AS build\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			if _, name, ok := alias(s.From); ok && name != strings.ToLower(name) {
				hits = append(hits, mended(hit(s.From, "AS "+s.Name, name), "Write AS "+s.Name+"."))
			}
		}
		return hits
	},
}

var asCasing = Check{
	Card: check.Card{
		ID: "dockerfile/from-as-casing", Title: "FROM and AS are not in one case", Severity: finding.Info,
		Aliases: []string{"buildkit/FromAsCasing"},
		Page: check.Page{
			Why:  "Keywords in one case are easier to tell from names.",
			Fix:  "Write both in capitals: `FROM debian:12 AS build`.",
			Bad:  "FROM debian:12 as build\n",
			Good: "FROM debian:12 AS build\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			as, _, ok := alias(s.From)
			want := strings.ToUpper(as)
			if s.From.Word == strings.ToLower(s.From.Word) {
				want = strings.ToLower(as)
			} else if s.From.Word != strings.ToUpper(s.From.Word) {
				continue // the word itself is told of
			}
			if ok && as != want {
				hits = append(hits, mended(hit(s.From, "AS "+s.Name, s.From.Word+" … "+as), "Write "+want+"."))
			}
		}
		return hits
	},
}

var reservedStageName = Check{
	Card: check.Card{
		ID: "dockerfile/reserved-stage-name", Title: "a stage has a name that means something else", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3063", "buildkit/ReservedStageName"},
		Page: check.Page{
			Why:  "scratch is the empty image and context the folder that is built from: a stage of that name is never reached by it.",
			Fix:  "Give the stage another name.",
			Bad:  "FROM debian:12 AS scratch\n",
			Good: "FROM debian:12 AS build\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			if s.Name == "scratch" || s.Name == "context" {
				hits = append(hits, hit(s.From, "AS "+s.Name, s.Name))
			}
		}
		return hits
	},
}

var instructionCasing = Check{
	Card: check.Card{
		ID: "dockerfile/instruction-casing", Title: "instructions are not in one case", Severity: finding.Info,
		Aliases: []string{"buildkit/ConsistentInstructionCasing"},
		Page: check.Page{
			Why:  "Instructions that all look alike are easier to tell from what they say.",
			Fix:  "Write all of them in capitals.",
			Bad:  "FROM debian:12\nCOPY app /app\nUser 1000\n",
			Good: "FROM debian:12\nCOPY app /app\nUSER 1000\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		lower := mostlyLower(f)
		for _, in := range f.Instructions {
			want := strings.ToUpper(in.Word)
			if lower {
				want = strings.ToLower(in.Word)
			}
			if in.Word != want && in.Stage != nil {
				hits = append(hits, mended(hit(in, "casing of "+in.Name, in.Word), "Write "+want+"."))
			}
		}
		return hits
	},
}

// mostlyLower says that more words are in lower case than in capitals.
func mostlyLower(f *dockerfile.File) bool {
	lower, upper := 0, 0
	for _, in := range f.Instructions {
		switch {
		case in.Stage == nil: // the builder does not count what stands before the first stage
		case in.Word == strings.ToLower(in.Word):
			lower++
		case in.Word == strings.ToUpper(in.Word):
			upper++
		}
	}
	return lower > upper
}

var emptyContinuation = Check{
	Card: check.Card{
		ID: "dockerfile/empty-continuation", Title: "an instruction goes on in an empty line", Severity: finding.Low,
		Aliases: []string{"buildkit/NoEmptyContinuation"},
		Page: check.Page{
			Why: "The builder skips the empty line today and will refuse it one day. Until then what follows is part of\n" +
				"the instruction, whatever the reader thinks.",
			Fix:  "Remove the empty line, or the mark at the end of the line before it.",
			Bad:  "FROM debian:12\nRUN apt-get update && \\\n\n    apt-get upgrade -y\n",
			Good: "FROM debian:12\nRUN apt-get update && \\\n    apt-get upgrade -y\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, end := range f.EmptyContinuations {
			for _, in := range f.Instructions {
				if in.Start <= end && end <= in.End {
					hits = append(hits, hit(in, "empty line in "+in.Name, in.Name))
					break
				}
			}
		}
		return hits
	},
}

// root knows the ways to write root.
func root(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || strings.EqualFold(name, "root") || strings.Trim(name, "0") == ""
}

// lastOf is the last instruction of a name in a stage and those that it is built from; nil when there is none.
func lastOf(s *dockerfile.Stage, name string) *dockerfile.Instruction {
	for ; s != nil; s = s.Parent {
		for i := len(s.Instructions) - 1; i >= 0; i-- {
			if in := s.Instructions[i]; in.Name == name && !in.Base {
				return in
			}
		}
	}
	return nil
}

var relativeWorkdir = Check{
	Card: check.Card{
		ID: "dockerfile/relative-workdir", Title: "WORKDIR starts wherever the base image was left", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3000", "buildkit/WorkdirRelativePath", "trivy/DS-0009", "checkov/CKV_DOCKER_10"},
		Page: check.Page{
			Why: "A relative path goes on from the folder before it. Where no absolute one was set, that is the base\n" +
				"image's, and changes with it.",
			Fix:  "Write the whole path: `WORKDIR /srv/app`.",
			Bad:  "FROM debian:12\nWORKDIR app\n",
			Good: "FROM debian:12\nWORKDIR /srv\nWORKDIR app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "WORKDIR", func(in *dockerfile.Instruction) {
			if len(in.Args) != 1 || in.Workdir != "" || in.OnBuild {
				return
			}
			if dir, known := in.Expand(in.Args[0]); known && !absolute(dir) && !setsWorkdir(in) {
				hits = append(hits, mended(hit(in, "WORKDIR "+dir, dir), fmt.Sprintf("Write the whole path, as in WORKDIR /%s.", strings.TrimPrefix(dir, "./"))))
			}
		})
		return hits
	},
}

// absolute knows paths from the root, also on Windows.
func absolute(path string) bool {
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, `\`) {
		return true
	}
	return len(path) > 2 && path[1] == ':' && (path[2] == '/' || path[2] == '\\')
}

var systemWorkdir = Check{
	Card: check.Card{
		ID: "dockerfile/system-workdir", Title: "WORKDIR is a folder of the system", Severity: finding.Low,
		Aliases: []string{"trivy/DS-0030"},
		Page: check.Page{
			Why: "What the application writes or is copied there mixes with the system's own files; under /proc, /sys and\n" +
				"/dev the engine mounts over it, and it is gone.",
			Fix:  "Use a folder of the application's own, such as /srv/app.",
			Bad:  "FROM debian:12\nWORKDIR /proc/app\n",
			Good: "FROM debian:12\nWORKDIR /srv/app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "WORKDIR", func(in *dockerfile.Instruction) {
			if len(in.Args) != 1 || !ships(in) {
				return
			}
			dir, known := in.Expand(in.Args[0])
			if known && system(dir) {
				hits = append(hits, hit(in, "WORKDIR "+dir, dir))
			}
		})
		return hits
	},
}

// system knows the folders that belong to the system alone. /etc, /usr/src and their like are where
// programs' own folders stand.
func system(dir string) bool {
	dir = "/" + strings.Trim(dir, "/") + "/"
	for _, of := range []string{"/proc/", "/sys/", "/dev/", "/boot/"} {
		if strings.HasPrefix(dir, of) {
			return true
		}
	}
	for _, is := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/etc/"} {
		if dir == is {
			return true
		}
	}
	return false
}
