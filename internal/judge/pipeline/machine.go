package pipeline

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/shell"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// machines lists the checks for what jobs may do to the machine that they run on.
func machines() []Check {
	return []Check{privileged(), engineSocket(), dockerWithoutTLS(), insecureRegistry()}
}

// started are the options that containers are started with: of a workflow's containers, and of docker run in
// scripts.
func started(f *pipeline.File, visit func(j *pipeline.Job, at shell.Pos, options string)) {
	for _, j := range f.Jobs {
		containers := []*tree.Value{j.Value.Get("container")}
		if services := j.Value.Get("services"); services != nil {
			for _, e := range services.Map {
				containers = append(containers, e.Value)
			}
		}
		for _, c := range containers {
			if o := c.Get("options"); o != nil {
				visit(j, place(o), o.Text)
			}
			for _, v := range c.Get("volumes").Items() {
				visit(j, place(v), "-v "+v.Text)
			}
		}
	}
	eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
		if c.Is("docker", "podman", "nerdctl") && (strings.HasPrefix(joined(c), "run ") || strings.HasPrefix(joined(c), "create ") || strings.HasPrefix(joined(c), "container run ")) {
			visit(s.Job, c.Pos, joined(c))
		}
	})
}

func privileged() Check {
	return Check{
		kinds: both,
		Card: card("privileged", "a job starts a privileged container", finding.Medium,
			"It is root on the machine that runs the job. On a machine that other jobs use, what it leaves there meets their secrets.",
			"Drop --privileged. Build images with rootless BuildKit, Buildah or Kaniko; give single devices or capabilities.",
			"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container:\n      image: a:1\n      options: --privileged\n    steps: []\n",
			"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container:\n      image: a:1\n    steps: []\n"),
		look: func(f *pipeline.File) (hits []hit) {
			started(f, func(j *pipeline.Job, at shell.Pos, options string) {
				if flagged(options, "--privileged") || flagged(options, "--privileged=true") {
					h := hit{job: j, at: at, field: "--privileged"}
					if strings.Contains(options, "tonistiigi/binfmt") || strings.Contains(options, "multiarch/qemu-user-static") {
						h.severity = finding.Low // they have to, for a second
					}
					hits = append(hits, h)
				}
			})
			return hits
		},
	}
}

func flagged(options, name string) bool {
	for word := range strings.FieldsSeq(options) {
		if word == name {
			return true
		}
	}
	return false
}

func engineSocket() Check {
	return Check{
		kinds: both,
		Card: card("engine-socket", "a job's container has the container engine's socket", finding.Medium,
			"Whoever can speak to it is root on the machine that runs the job. On a machine that other jobs use, that is their secrets, too.",
			"Leave it out. Build images with rootless BuildKit, Buildah or Kaniko.",
			"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container:\n      image: a:1\n      volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]\n    steps: []\n",
			"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container:\n      image: a:1\n    steps: []\n"),
		look: func(f *pipeline.File) (hits []hit) {
			started(f, func(j *pipeline.Job, at shell.Pos, options string) {
				for _, name := range []string{"/docker.sock:", "/containerd.sock:", "/podman.sock:", "source=/var/run/docker.sock"} {
					if strings.Contains(options, name) {
						hits = append(hits, hit{job: j, at: at, field: "volumes " + strings.Trim(name, "/:")})
						return
					}
				}
			})
			return hits
		},
	}
}

func dockerWithoutTLS() Check {
	return Check{
		kinds: both,
		Card: card("docker-without-tls", "a job's Docker engine answers without TLS", finding.Medium,
			"Everything on the job's network can start privileged containers on it, and read the images and registry logins of the job.",
			"Set DOCKER_TLS_CERTDIR: \"/certs\", share /certs between job and service, and use tcp://docker:2376.",
			"on: push\npermissions: {}\nenv:\n  DOCKER_TLS_CERTDIR: \"\"\njobs: {}\n", "on: push\npermissions: {}\nenv:\n  DOCKER_TLS_CERTDIR: /certs\njobs: {}\n"),
		look: func(f *pipeline.File) (hits []hit) {
			envs(f, func(j *pipeline.Job, e tree.Entry) {
				value := e.Value
				if inner := value.Get("value"); inner != nil {
					value = inner
				}
				if e.Key == "DOCKER_TLS_CERTDIR" && value.Text == "" || e.Key == "DOCKER_HOST" && strings.HasPrefix(value.Text, "tcp://") && strings.HasSuffix(strings.TrimSuffix(value.Text, "/"), ":2375") {
					hits = append(hits, hit{job: j, at: shell.Pos{Line: e.Line, Column: e.Column}, field: "env " + e.Key, detail: e.Key})
				}
			})
			return hits
		},
	}
}

// envs visits all variables that a file sets, for itself, its jobs, their steps and services.
func envs(f *pipeline.File, visit func(j *pipeline.Job, e tree.Entry)) {
	each := func(j *pipeline.Job, v *tree.Value) {
		if v != nil {
			for _, e := range v.Map {
				visit(j, e)
			}
		}
	}
	both := func(j *pipeline.Job, v *tree.Value) {
		each(j, v.Get("env"))
		each(j, v.Get("variables"))
		if services := v.Get("services"); services != nil {
			for _, e := range services.Map {
				each(j, e.Value.Get("env"))
			}
			for _, s := range services.List {
				each(j, s.Get("variables"))
			}
		}
	}
	both(nil, f.Root)
	for _, j := range f.Jobs {
		if j.Value == f.Root {
			continue
		}
		both(j, j.Value)
		if f.Kind == pipeline.GitLab {
			continue
		}
		for _, s := range j.Steps {
			each(j, s.Value.Get("env"))
		}
	}
}

// unencrypted knows the words by which engines and tools are told to speak to a registry without TLS, or to
// take any certificate.
var unencrypted = matcher(`--insecure-registr(y|ies)\b|insecure-registries|--(src-|dest-)?tls-verify=false|--skip-tls-verify(-pull)?\b|(?m)^\s*(insecure|http)\s*=\s*true`)

func insecureRegistry() Check {
	return Check{
		kinds: both,
		Card: card("insecure-registry", "images come from, or go to, a registry without TLS", finding.Medium,
			"Anybody on the way can answer instead: what is pulled runs here, and the login that is sent is theirs.",
			"Drop the option, give the registry a certificate, and put its authority into /etc/docker/certs.d/HOST/ca.crt.",
			steps("- run: podman push --tls-verify=false registry.example.org/a:1"), steps("- run: podman push registry.example.org/a:1")),
		look: func(f *pipeline.File) (hits []hit) {
			look := func(j *pipeline.Job, at shell.Pos, what, text string) {
				if unencrypted(text) && !strings.Contains(text, "localhost:") && !strings.Contains(text, "127.0.0.1:") && !strings.Contains(text, "kind-registry") {
					hits = append(hits, hit{job: j, at: at, field: what, detail: what})
				}
			}
			eachCommand(f, func(s *pipeline.Step, c *shell.Command) {
				text := joined(c)
				for _, r := range c.Redirs {
					text += "\n" + r.Body
				}
				if c.Via == nil {
					look(s.Job, c.Pos, c.Name, text)
				}
			})
			for _, j := range f.Jobs {
				for _, v := range j.Value.Get("services").Items() {
					look(j, place(v), "service", joinedItems(v.Get("command"))+" "+joinedItems(v.Get("entrypoint")))
				}
				for _, s := range j.Steps {
					if v := s.Value.Get("with", "buildkitd-config-inline"); v != nil {
						look(j, place(v), "buildkitd-config-inline", v.Text)
					}
				}
			}
			return hits
		},
	}
}

func joinedItems(v *tree.Value) string {
	var all []string
	for _, one := range v.Items() {
		all = append(all, one.Text)
	}
	return strings.Join(all, " ")
}
