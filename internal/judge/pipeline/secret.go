package pipeline

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// secrets lists the checks for what a pipeline shows of its secrets.
func secrets() []Check {
	return []Check{secretInLog(), secretOnCommandLine(), traced(), allSecrets(), inheritedSecrets(), secretValue(), debugTrace(), keptCredentials(), unsecureCommands()}
}

// isSecret knows expressions that are a secret. The token of the job itself ends with it.
var isSecret = matcher(`(^|[^a-z_.])secrets(\.|\[)`)

// secretIn is a secret that a word holds, by its name; empty where there is none.
func secretIn(s *pipeline.Step, w shell.Word) string {
	for _, e := range s.In(w) {
		if isSecret(e.Text) {
			return e.Text
		}
	}
	for name, v := range environment(s) {
		if !strings.Contains(w.Text, "$"+name) && !strings.Contains(w.Text, "${"+name) || w.Known {
			continue
		}
		for _, e := range expressionsIn(v) {
			if isSecret(e) && !measured(w.Text, name) {
				return e
			}
		}
	}
	return ""
}

// measured says that a word asks whether a variable is set, or how long it is.
func measured(text, name string) bool {
	return strings.Contains(text, "${"+name+":+") || strings.Contains(text, "${"+name+"+") || strings.Contains(text, "${#"+name)
}

// environment are the variables of a step, and those of its job and file.
func environment(s *pipeline.Step) map[string]string {
	all := map[string]string{}
	for _, v := range []*tree.Value{s.Job.Value.Get("env"), s.Value.Get("env")} {
		if v != nil {
			for _, e := range v.Map {
				all[e.Key] = e.Value.String()
			}
		}
	}
	return all
}

func secretInLog() Check {
	return Check{
		kinds: github,
		Card: card("secret-in-log", "a step prints a secret", finding.Medium,
			"GitHub hides a secret in its log only where it stands there letter for letter: encoded, cut or quoted otherwise it is shown, to all who may\nread the log.",
			"Do not print it. To see whether it is set: [ -n \"$TOKEN\" ] && echo set.",
			steps("- run: echo \"$TOKEN\" | base64\n  env:\n    TOKEN: ${{ secrets.TOKEN }}"), steps("- run: '[ -n \"$TOKEN\" ] && echo set'\n  env:\n    TOKEN: ${{ secrets.TOKEN }}")),
		look: func(f *pipeline.File) (hits []hit) {
			eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
				if !c.Is("echo", "printf") || c.Where&shell.InSubstitution != 0 || len(c.Redirs) > 0 || !shown(c) {
					return
				}
				for _, a := range c.Args {
					if strings.HasPrefix(a.Text, "::add-mask::") {
						return
					}
					if name := secretIn(s, a); name != "" {
						hits = append(hits, hit{step: s, at: c.Pos, field: "run " + c.Name + " " + name, detail: name})
						return
					}
				}
			})
			return hits
		},
	}
}

// shown says that what a command prints reaches the log: by itself, or through what only recodes it.
func shown(c *shell.Command) bool {
	for to := c.To; to != nil; to = to.To {
		if !to.Is("base64", "cat", "rev", "sed", "tee", "head", "tail", "cut", "tr", "xxd", "od", "fold") || len(to.Redirs) > 0 || to.Has("-d", "--decode", "-D") {
			return false
		}
	}
	return true
}

func secretOnCommandLine() Check {
	return Check{
		kinds: github,
		Card: card("secret-in-script", "a secret is pasted into a script", finding.Low,
			"The script is written to a file with the secret in it, every process on the machine sees it as an argument, and a quote in it breaks\nthe script.",
			"Hand it over as a variable: env: {TOKEN: ${{ secrets.TOKEN }}}, and \"$TOKEN\" in run; better by standard input: --password-stdin.",
			steps("- run: deploy --token ${{ secrets.TOKEN }}"), steps("- run: deploy\n  env:\n    TOKEN: ${{ secrets.TOKEN }}")),
		look: func(f *pipeline.File) (hits []hit) {
			eachStep(f, func(s *pipeline.Step) {
				for _, e := range codeOf(s) {
					if isSecret(e.Text) && !strings.HasPrefix(strings.ToLower(e.Text), "secrets.github_token") {
						hits = append(hits, hit{step: s, at: e.Pos, field: "run " + e.Text, detail: e.Text})
					}
				}
			})
			return hits
		},
	}
}

func traced() Check {
	return Check{
		kinds: github,
		Card: card("traced-secret", "a step that has secrets prints each command that it runs", finding.Low,
			"set -x writes every command with its variables filled in to the log; what is a part or another form of a secret is not hidden there.",
			"Drop set -x, or switch it off (set +x) around what takes the secret.",
			steps("- run: |\n    set -x\n    deploy --token \"$TOKEN\"\n  env:\n    TOKEN: ${{ secrets.TOKEN }}"), steps("- run: |\n    deploy --token \"$TOKEN\"\n  env:\n    TOKEN: ${{ secrets.TOKEN }}")),
		look: func(f *pipeline.File) (hits []hit) {
			eachStep(f, func(s *pipeline.Step) {
				if s.Script == nil || len(s.Script.Trace) == 0 {
					return
				}
				for _, c := range s.Script.Commands {
					if slices.ContainsFunc(c.Args, func(a shell.Word) bool { return secretIn(s, a) != "" }) {
						hits = append(hits, hit{step: s, at: s.Script.Trace[0], field: "run set -x", detail: s.Name})
						return
					}
				}
			})
			return hits
		},
	}
}

func allSecrets() Check {
	return Check{
		kinds: flows,
		Card: card("all-secrets", "a step is given all secrets at once", finding.High,
			"Whatever runs in that step has every secret of the repository and organisation, those of production too.",
			"Name the secrets that the step needs, one by one.",
			steps("- run: deploy\n  env:\n    ALL: ${{ toJSON(secrets) }}"), steps("- run: deploy\n  env:\n    TOKEN: ${{ secrets.TOKEN }}"),
			"zizmor/overprovisioned-secrets"),
		look: func(f *pipeline.File) (hits []hit) {
			scalars(f.Root, func(key string, v *tree.Value) {
				for _, e := range expressionsIn(v.Text) {
					if strings.EqualFold(strings.ReplaceAll(e, " ", ""), "tojson(secrets)") {
						hits = append(hits, hit{at: place(v), field: "toJSON(secrets) in " + key})
					}
				}
			})
			return hits
		},
	}
}

// scalars visits every text of a tree with the key that it stands under.
func scalars(v *tree.Value, visit func(key string, v *tree.Value)) { walk("", v, visit) }

func walk(key string, v *tree.Value, visit func(key string, v *tree.Value)) {
	if v.Scalar {
		visit(key, v)
	}
	for _, one := range v.List {
		walk(key, one, visit)
	}
	for _, e := range v.Map {
		walk(e.Key, e.Value, visit)
	}
}

func inheritedSecrets() Check {
	return Check{
		kinds: flows,
		Card: card("inherited-secrets", "another workflow is given all secrets", finding.Low,
			"It gets every secret that this one has, whether it needs it or not, and so does what it calls in turn.",
			"Name them: secrets: {TOKEN: ${{ secrets.TOKEN }}}.",
			"on: push\npermissions: {}\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    secrets: inherit\n", "on: push\npermissions: {}\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    secrets:\n      TOKEN: ${{ secrets.TOKEN }}\n",
			"zizmor/secrets-inherit"),
		look: func(f *pipeline.File) (hits []hit) {
			for _, j := range f.Jobs {
				if v := j.Value.Get("secrets"); v.Is("inherit") {
					hits = append(hits, hit{job: j, at: place(v), field: "secrets"})
				}
			}
			return hits
		},
	}
}

var secretName = matcher(`(?i)(^|_)(PASS|PASSWD|PASSWORD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|CREDENTIALS)$`)

// noSecret knows what people write where a secret belongs, or for a database that lives as long as its job.
var noSecret = matcher(`(?i)^(|true|false|yes|no|none|null|read|write|x+|\*+|<.*>|test\S*|ci|dummy\S*|fake\S*|root|admin|postgres|mysql|password|secret|example\S*|change.?me|your.*|placeholder\S*|/.*|\d{1,4})$`)

func secretValue() Check {
	return Check{
		kinds: both,
		Card: card("secret-value", "a secret stands in the file in the clear", finding.Medium,
			"Everybody who reads the repository has it, now and in its history.",
			"Put it into the secrets of the repository or environment (GitLab: a masked and protected variable), and change it: it has been published.",
			steps("- run: deploy\n  env:\n    DEPLOY_TOKEN: 9f2c61a4d0"), steps("- run: deploy\n  env:\n    DEPLOY_TOKEN: ${{ secrets.DEPLOY_TOKEN }}"),
			"zizmor/hardcoded-container-credentials"),
		look: func(f *pipeline.File) (hits []hit) {
			look := func(j *pipeline.Job, where string, v *tree.Value) {
				if v == nil {
					return
				}
				for _, e := range v.Map {
					value := e.Value
					if inner := value.Get("value"); inner != nil {
						value = inner
					}
					if value.Scalar && secretName(e.Key) && !strings.ContainsAny(value.Text, "$ ") && !noSecret(value.Text) {
						hits = append(hits, hit{job: j, at: shell.Pos{Line: e.Line, Column: e.Column}, field: where + " " + e.Key, detail: e.Key})
					}
				}
			}
			look(nil, "env", f.Root.Get("env"))
			look(nil, "variables", f.Root.Get("variables"))
			for _, j := range f.Jobs {
				look(j, "env", j.Value.Get("env"))
				look(j, "variables", j.Value.Get("variables"))
				look(j, "container.credentials", j.Value.Get("container", "credentials"))
				for _, s := range j.Steps {
					if f.Kind != pipeline.GitLab {
						look(j, "env", s.Value.Get("env"))
						look(j, "with", s.Value.Get("with"))
					}
				}
			}
			return hits
		},
	}
}

func debugTrace() Check {
	return Check{
		kinds: gitlab,
		Card: card("debug-trace", "a job writes all of its variables to the log", finding.High,
			"CI_DEBUG_TRACE prints every command and variable, masked ones too, to all who may read the log.",
			"Drop it; set it for one run by hand, and erase that job's log afterwards.",
			"build:\n  variables: {CI_DEBUG_TRACE: \"true\"}\n  script: [make]\n", "build:\n  script: [make]\n"),
		look: func(f *pipeline.File) (hits []hit) {
			look := func(j *pipeline.Job, v *tree.Value) {
				for _, name := range []string{"CI_DEBUG_TRACE", "CI_DEBUG_SERVICES"} {
					value := v.Get(name)
					if inner := value.Get("value"); inner != nil {
						value = inner
					}
					if value.Is("true", "1") {
						h := hit{job: j, at: place(value), field: "variables " + name, detail: name}
						if name == "CI_DEBUG_SERVICES" {
							h.severity = finding.Low
						}
						hits = append(hits, h)
					}
				}
			}
			look(nil, f.Root.Get("variables"))
			for _, j := range f.Jobs {
				look(j, j.Value.Get("variables"))
			}
			return hits
		},
	}
}

func keptCredentials() Check {
	return Check{
		kinds: flows,
		Card: card("kept-credentials", "the job's token stays in the checked-out folder", finding.Info,
			"actions/checkout writes it for git to use later: every later step can read it there, and an artifact of the whole folder publishes it.",
			"Write with: {persist-credentials: false} where the job does not push.",
			steps("- uses: actions/checkout@1f0e3dad99908345f7439f8ffabdffc4ed1ad2f6"), steps("- uses: actions/checkout@1f0e3dad99908345f7439f8ffabdffc4ed1ad2f6\n  with:\n    persist-credentials: false"),
			"zizmor/artipacked"),
		look: func(f *pipeline.File) (hits []hit) {
			eachStep(f, func(s *pipeline.Step) {
				if action, _ := uses(s.Uses); action == "actions/checkout" && s.Value.Get("with", "persist-credentials") == nil {
					hits = append(hits, hit{step: s, at: place(s.Uses), field: "uses actions/checkout"})
				}
			})
			return hits
		},
	}
}

func unsecureCommands() Check {
	return Check{
		kinds: github,
		Card: card("unsecure-commands", "what a step prints may set variables and paths", finding.High,
			"Whoever gets a line into the log, by a title or a file name, changes PATH for the steps that follow, and so runs code.",
			"Drop ACTIONS_ALLOW_UNSECURE_COMMANDS, and write to $GITHUB_ENV and $GITHUB_PATH instead.",
			steps("- run: make\n  env:\n    ACTIONS_ALLOW_UNSECURE_COMMANDS: true"), steps("- run: make"),
			"zizmor/insecure-commands", "checkov/CKV_GHA_1"),
		look: func(f *pipeline.File) (hits []hit) {
			scalars(f.Root, func(key string, v *tree.Value) {
				if key == "ACTIONS_ALLOW_UNSECURE_COMMANDS" && v.Is("true") {
					hits = append(hits, hit{at: place(v), field: "env " + key})
				}
			})
			return hits
		},
	}
}
