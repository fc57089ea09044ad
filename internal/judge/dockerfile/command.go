package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

var shellForm = Check{
	Card: check.Card{
		ID: "dockerfile/shell-form", Title: "a shell stands between the engine and the program", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3025", "buildkit/JSONArgsRecommended"},
		Page: check.Page{
			Why: "In this form the first process is /bin/sh -c, which hands no signals on: the program never hears that it is\n" +
				"to stop, and is killed after ten seconds. The image also needs a shell.",
			Fix: "Write a JSON array: `CMD [\"app\", \"--port\", \"8080\"]`.\n\n" +
				"Where a shell is wanted, for variables, say so: `CMD [\"sh\", \"-c\", \"exec app --port $PORT\"]`.",
			Bad:  "FROM debian:12\nCMD app --port 8080\n",
			Good: "FROM debian:12\nCMD [\"app\", \"--port\", \"8080\"]\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "CMD ENTRYPOINT", func(in *dockerfile.Instruction) {
			if in.JSON || len(in.Args) == 0 || f.Built || in.Stage != nil && shellChosen(in) {
				return
			}
			h := hit(in, in.Name, in.Name)
			if words, ok := dockerfile.ExecWords(in); ok {
				h.Fix = fmt.Sprintf("Write %s %s.", in.Name, words)
			}
			hits = append(hits, h)
		})
		return hits
	},
}

// shellChosen says that a SHELL stands before it: somebody wants that shell, as BuildKit has it.
func shellChosen(in *dockerfile.Instruction) bool {
	for s := in.Stage; s != nil; s = s.Parent {
		for _, before := range s.Instructions {
			if before == in {
				break
			}
			if before.Name == "SHELL" {
				return true
			}
		}
	}
	return false
}

var overruledInstruction = Check{
	Card: check.Card{
		ID: "dockerfile/overruled-instruction", Title: "an instruction is overruled by a later one", Severity: finding.Low,
		Aliases: []string{
			"hadolint/DL4003", "hadolint/DL4004", "hadolint/DL3012", "buildkit/MultipleInstructionsDisallowed",
			"trivy/DS-0007", "trivy/DS-0016", "trivy/DS-0023",
		},
		Page: check.Page{
			Why:  "Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage count. Who reads the first believes in something that never happens.",
			Fix:  "Remove all but the last.",
			Bad:  "FROM debian:12\nCMD [\"app\"]\nCMD [\"app\", \"--debug\"]\n",
			Good: "FROM debian:12\nCMD [\"app\", \"--debug\"]\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, s := range f.Stages {
			last := map[string]*dockerfile.Instruction{}
			for _, in := range s.Instructions {
				if in.Name != "CMD" && in.Name != "ENTRYPOINT" && in.Name != "HEALTHCHECK" || in.Base {
					continue
				}
				if before := last[in.Name]; before != nil {
					by := ""
					if in.Start > 0 {
						by = fmt.Sprintf(" by the one on line %d", in.Start)
					}
					hits = append(hits, mended(hit(before, in.Name+" "+s.Name, in.Name+by), "Remove this "+in.Name+"."))
				}
				last[in.Name] = in
			}
		}
		return hits
	},
}

var stopSignal = Check{
	Card: check.Card{
		ID: "dockerfile/stop-signal", Title: "the program is stopped by a signal that it cannot hear", Severity: finding.Low,
		Page: check.Page{
			Why:  "Nothing can catch KILL or STOP: what is being written is lost at each stop of the container.",
			Fix:  "Name the signal that the program ends on, mostly SIGTERM, which needs no STOPSIGNAL.",
			Bad:  "FROM debian:12\nSTOPSIGNAL SIGKILL\n",
			Good: "FROM debian:12\nSTOPSIGNAL SIGQUIT\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "STOPSIGNAL", func(in *dockerfile.Instruction) {
			if len(in.Args) == 0 || !ships(in) {
				return
			}
			signal, _ := in.Expand(in.Args[0])
			switch strings.TrimPrefix(strings.ToUpper(signal), "SIG") {
			case "KILL", "9", "STOP", "19":
				hits = append(hits, hit(in, "STOPSIGNAL", signal))
			}
		})
		return hits
	},
}

var maintainer = Check{
	Card: check.Card{
		ID: "dockerfile/maintainer", Title: "MAINTAINER is out of date", Severity: finding.Info,
		Aliases: []string{"hadolint/DL4000", "buildkit/MaintainerDeprecated", "trivy/DS-0022", "checkov/CKV_DOCKER_6"},
		Page: check.Page{
			Why:  "Builders warn of it and will drop it. A label can be asked for by every tool.",
			Fix:  "Write a label: `LABEL org.opencontainers.image.authors=\"team@example.com\"`.",
			Bad:  "FROM debian:12\nMAINTAINER team@example.com\n",
			Good: "FROM debian:12\nLABEL org.opencontainers.image.authors=\"team@example.com\"\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "MAINTAINER", func(in *dockerfile.Instruction) {
			if !in.OnBuild {
				hits = append(hits, hit(in, "MAINTAINER", ""))
			}
		})
		return hits
	},
}

var legacyKeyValue = Check{
	Card: check.Card{
		ID: "dockerfile/legacy-key-value", Title: "a value is set without an equals sign", Severity: finding.Info,
		Aliases: []string{"buildkit/LegacyKeyValueFormat"},
		Page: check.Page{
			Why:  "All that follows the first blank is the value, quotes and further names included, which is seldom meant.",
			Fix:  "Write an equals sign: `ENV NAME=value`.",
			Bad:  "FROM debian:12\nENV LANG C.UTF-8\n",
			Good: "FROM debian:12\nENV LANG=C.UTF-8\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ENV LABEL", func(in *dockerfile.Instruction) {
			for _, p := range in.Pairs {
				if p.Legacy && !f.Built {
					hits = append(hits, mended(hit(in, in.Name+" "+p.Key, in.Name+" "+p.Key), fmt.Sprintf("Write %s %s=….", in.Name, p.Key)))
				}
			}
		})
		return hits
	},
}

var onbuildTrigger = Check{
	Card: check.Card{
		ID: "dockerfile/onbuild-trigger", Title: "ONBUILD carries an instruction that it may not", Severity: finding.Medium,
		Aliases: []string{"hadolint/DL3043"},
		Page: check.Page{
			Why:  "The builder refuses FROM, MAINTAINER and another ONBUILD in it.",
			Fix:  "Leave it out, or put it in the Dockerfile that builds on this image.",
			Bad:  "FROM debian:12\nONBUILD MAINTAINER team@example.com\n",
			Good: "FROM debian:12\nONBUILD LABEL team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		for _, in := range f.Instructions {
			if in.Inner != nil && (in.Inner.Name == "ONBUILD" || in.Inner.Name == "FROM" || in.Inner.Name == "MAINTAINER") {
				hits = append(hits, hit(in, "ONBUILD "+in.Inner.Name, in.Inner.Name))
			}
		}
		return hits
	},
}
