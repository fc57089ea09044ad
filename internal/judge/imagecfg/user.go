package imagecfg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// rootUser flags images whose processes are root (CIS Docker Benchmark 4.1). A base image that is not at
// hand may set a user; most set none.
var rootUser = Check{
	Card: card("image/root-user", "the container runs as root", finding.Medium, check.Page{
		Why: "Whoever breaks into a process gets its rights. Root in a container can change every file of the\n" +
			"image, install software, and is root on the host too as soon as a mount or a fault of the kernel lets\n" +
			"it out.",
		Fix: "Make a user in the Dockerfile, and end the final stage with `USER 10001` (or a name and its group).\n\n" +
			"What the process writes belongs in a volume that this user owns; a port below 1024 needs no root in\n" +
			"current engines.",
		Bad:  "FROM debian:12\nUSER root\n",
		Good: "FROM debian:12\nUSER 10001:10001\n",
	}, "dockle/CIS-DI-0001", "trivy/DS-0002", "checkov/CKV_DOCKER_3", "checkov/CKV_DOCKER_8", "hadolint/DL3002", "cis-docker-1.7/4.1"),
	needs: needsConfig,
	Look: func(f Facts) []check.Hit {
		u := f.Config.User
		h := check.Hit{Where: "USER " + u.Text, Detail: fmt.Sprintf("USER is %.60q", u.Text), At: u.At, Subject: field("User")}
		switch name, _ := userOf(u); {
		case u.Text == "" && f.Config.From.Text != "":
			h.Where, h.Detail = "no USER", "no USER is set, and few base images set one"
			h.At, h.Severity = f.Config.From.At, finding.Low
		case u.Text == "":
			h.Where, h.Detail = "no USER", "no USER is set"
		case isRoot(name):
		case f.System != nil && slices.ContainsFunc(f.System.Users, func(u trait.User) bool { return u.Name == name && u.UID == 0 }):
			h.Detail = fmt.Sprintf("USER is %.60q, which etc/passwd gives the number 0", u.Text)
		default:
			return nil
		}
		return []check.Hit{h}
	},
}

// userOf parts USER[:GROUP].
func userOf(u Value) (user, group string) {
	user, group, _ = strings.Cut(strings.TrimSpace(u.Text), ":")
	return user, group
}

// isRoot knows the ways to write root. Names that the image's own passwd gives the number 0 are another matter.
func isRoot(name string) bool {
	return name == "" || strings.EqualFold(name, "root") || strings.Trim(name, "0") == ""
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

var namedUser = Check{
	Card: card("image/named-user", "USER is a name, not a number", finding.Info, check.Page{
		Why: "Kubernetes refuses to start an image with `runAsNonRoot` whose user is a name: it can't know that the\n" +
			"name is not root's.",
		Fix:  "Write the number that the user has: `USER 10001:10001`.",
		Bad:  "FROM debian:12\nUSER app\n",
		Good: "FROM debian:12\nUSER 10001\n",
	}, "hadolint/DL3066"),
	needs: needsConfig,
	Look: func(f Facts) []check.Hit {
		name, _ := userOf(f.Config.User)
		if isRoot(name) || isNumber(name) || strings.Contains(name, "$") {
			return nil
		}
		return []check.Hit{{
			Where: "USER " + f.Config.User.Text, Detail: fmt.Sprintf("%.60q", f.Config.User.Text), At: f.Config.User.At, Subject: field("User"),
		}}
	},
}

var unknownUser = Check{
	Card: card("image/unknown-user", "USER names somebody whom the image does not know", finding.Medium, check.Page{
		Why: "Names are looked up in the image's etc/passwd and etc/group. One that is not there keeps the container from starting,\n" +
			"and what people do then is to run it as root.",
		Fix:  "Make the user in the Dockerfile (`RUN useradd --uid 10001 app`) or write a number.",
		Bad:  "USER app\netc/passwd: root:x:0:0:root:/root:/bin/sh\n",
		Good: "USER app\netc/passwd: app:x:10001:10001::/nonexistent:/usr/sbin/nologin\n",
	}),
	needs: needsConfig | needsSystem,
	Look: func(f Facts) (hits []check.Hit) {
		user, group := userOf(f.Config.User)
		miss := func(what, name string) {
			hits = append(hits, check.Hit{
				Where: "USER " + f.Config.User.Text, Detail: fmt.Sprintf("%s %.60q", what, name), At: f.Config.User.At, Subject: field("User." + what),
			})
		}
		if user != "" && !isNumber(user) && !slices.ContainsFunc(f.System.Users, func(u trait.User) bool { return u.Name == user }) {
			miss("user", user)
		}
		if group != "" && !isNumber(group) && !slices.ContainsFunc(f.System.Groups, func(g trait.Group) bool { return g.Name == group }) {
			miss("group", group)
		}
		return hits
	},
}
