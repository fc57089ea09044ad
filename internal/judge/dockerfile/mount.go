package dockerfile

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

var insecureRun = Check{
	Card: check.Card{
		ID: "dockerfile/insecure-run", Title: "a step of the build runs without its walls", Severity: finding.High,
		Page: check.Page{
			Why: "--security=insecure gives the step all capabilities and the devices of the machine that builds: what it\n" +
				"runs, a package's install script too, owns that machine and every build after this one.",
			Fix:  "Do without it. What needs devices or mounts belongs in a machine of its own, not in a build.",
			Bad:  "FROM debian:12\nRUN --security=insecure make image\n",
			Good: "FROM debian:12\nRUN make image\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		return runFlag(f, "security", "insecure")
	},
}

var hostNetworkRun = Check{
	Card: check.Card{
		ID: "dockerfile/host-network-run", Title: "a step of the build is on the network of the machine that builds", Severity: finding.Medium,
		Page: check.Page{
			Why: "--network=host reaches everything that listens on that machine's own address: its engine, its metadata\n" +
				"service, other builds.",
			Fix:  "Do without it: the build's own network reaches the outside. A step that needs none says --network=none.",
			Bad:  "FROM debian:12\nRUN --network=host make test\n",
			Good: "FROM debian:12\nRUN --network=none make test\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		return runFlag(f, "network", "host")
	},
}

func runFlag(f *dockerfile.File, name, value string) (hits []check.Hit) {
	named(f, "RUN", func(in *dockerfile.Instruction) {
		if v, ok := in.Flag(name); ok && v == value {
			hits = append(hits, mended(hit(in, "RUN --"+name, ""), "Leave --"+name+"="+value+" out."))
		}
	})
	return hits
}
