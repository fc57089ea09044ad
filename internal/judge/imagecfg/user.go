package imagecfg

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// rootUser flags images whose processes are root (CIS Docker Benchmark 4.1). A base image that is not at
// hand may set a user; most set none.
var rootUser = Check{
	Card: check.Card{
		ID: "image/root-user", Title: "the container runs as root", Kind: finding.KindMisconfiguration,
		Severity: finding.Medium, Decks: []string{finding.Build}, Since: "0.1",
		Aliases: []string{
			"dockle/CIS-DI-0001", "trivy/DS-0002", "checkov/CKV_DOCKER_3", "checkov/CKV_DOCKER_8", "hadolint/DL3002",
		},
		Controls: []string{"cis-docker-1.7/4.1"},
		Page: check.Page{
			Why: "Whoever breaks into a process gets its rights. Root in a container can change every file of the\n" +
				"image, install software, and is root on the host too as soon as a mount or a fault of the kernel lets\n" +
				"it out.",
			Fix: "Make a user in the Dockerfile, and end the final stage with `USER 10001` (or a name and its group).\n\n" +
				"What the process writes belongs in a volume that this user owns; a port below 1024 needs no root in\n" +
				"current engines.",
			Bad:  "FROM debian:12\nUSER root\n",
			Good: "FROM debian:12\nUSER 10001:10001\n",
		},
	},
	needs: needsConfig,
	Look: func(f Facts) []check.Hit {
		u := f.Config.User
		h := check.Hit{Where: fmt.Sprintf("USER %s", u.Text), Detail: fmt.Sprintf("USER is %q", u.Text), At: u.At, Subject: field("User")}
		switch name, _, _ := strings.Cut(strings.TrimSpace(u.Text), ":"); {
		case u.Text == "" && f.Config.From.Text != "":
			h.Where, h.Detail = "no USER", "no USER is set, and few base images set one"
			h.At, h.Severity = f.Config.From.At, finding.Low
		case u.Text == "":
			h.Where, h.Detail = "no USER", "no USER is set"
		case !isRoot(name):
			return nil
		}
		return []check.Hit{h}
	},
}

// isRoot knows the ways to write root. Names that the image's own passwd gives the number 0 are another matter.
func isRoot(name string) bool {
	return name == "" || strings.EqualFold(name, "root") || strings.Trim(name, "0") == ""
}

// field names what of a configuration a hit is about: the same in a built image and its Dockerfile.
func field(name string) *finding.Subject { return &finding.Subject{Field: name} }
