package pipeline

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// references lists the checks for other people's code that a pipeline takes in.
func references() []Check { return []Check{unpinnedAction(), unpinnedImage(), remoteInclude()} }

func unpinnedAction() Check {
	return Check{
		kinds: github,
		Card: card("unpinned-action", "an action is not pinned to a commit", finding.Medium,
			"A tag or branch can be moved to other code, by its owner or by who broke in; it then runs with this job's token and secrets. That has\nhappened to widely used actions.",
			"Write the commit, and the version as a comment: uses: owner/action@SHA # v4.2.1. Let Renovate or Dependabot raise it.",
			steps("- uses: someone/deploy@v3"), steps("- uses: someone/deploy@1f0e3dad99908345f7439f8ffabdffc4ed1ad2f6 # v3.1.0"),
			"zizmor/unpinned-uses"),
		look: func(f *pipeline.File) (hits []hit) {
			for _, j := range f.Jobs {
				if v := j.Value.Get("uses"); v != nil && f.Kind == pipeline.Workflow {
					hits = append(hits, actionOf(v, j, nil)...)
				}
				for _, s := range j.Steps {
					if s.Uses != nil {
						hits = append(hits, actionOf(s.Uses, j, s)...)
					}
				}
			}
			return hits
		},
	}
}

func actionOf(v *tree.Value, j *pipeline.Job, s *pipeline.Step) []hit {
	action, ref := uses(v)
	if strings.HasPrefix(action, "./") || strings.HasPrefix(action, "docker://") || strings.Contains(action, "${{") || action == "" || len(ref) >= 40 && hexadecimal(ref) {
		return nil
	}
	h := hit{job: j, step: s, at: place(v), field: "uses " + action, detail: action + "@" + ref}
	owner, _, _ := strings.Cut(action, "/")
	switch {
	case slices.Contains([]string{"actions", "github"}, owner):
		h.severity = finding.Low // who breaks in there has the runner anyway
	case slices.Contains([]string{"docker", "aws-actions", "azure", "Azure", "google-github-actions", "hashicorp", "sigstore", "gitleaks", "step-security"}, owner):
		h.severity = finding.Low
	}
	return []hit{h}
}

// unpinned tells how an image's reference is left open, and how bad that is; empty where it is not.
func unpinned(ref string) (how string, severity finding.Severity) {
	ref = strings.TrimPrefix(ref, "docker://")
	if ref == "" || strings.Contains(ref, "@sha256:") || strings.ContainsAny(ref, "$[") || ref == "scratch" {
		return "", ""
	}
	tag := ""
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		tag = ref[i+1:]
	}
	if tag == "" || tag == "latest" {
		return "whatever is the latest", finding.Low
	}
	return "by its tag", finding.Info
}

func unpinnedImage() Check {
	return Check{
		kinds: both,
		Card: card("unpinned-image", "an image that a job runs in is not pinned by its digest", finding.Low,
			"A tag can be moved to another image by whoever may push there; it then runs with the job's token and secrets.",
			"Write image: name:1.2.3@sha256:…; let a tool such as Renovate raise it.",
			"on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    container: node:latest\n    steps: []\n",
			"on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    container: node:22@sha256:0f7fbd8e0f9d5a52f9d9c0b1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5\n    steps: []\n",
			"zizmor/unpinned-images"),
		look: func(f *pipeline.File) (hits []hit) {
			look := func(j *pipeline.Job, v *tree.Value) {
				if v == nil || !v.Scalar {
					return
				}
				if how, severity := unpinned(v.Text); how != "" {
					name, _, _ := strings.Cut(v.Text, ":")
					hits = append(hits, hit{job: j, at: place(v), field: "image " + name, detail: v.Text, severity: severity})
				}
			}
			for _, o := range images(f) {
				look(o.job, o.value)
			}
			return hits
		},
	}
}

// used is an image that a job runs in or beside it.
type used struct {
	job   *pipeline.Job
	value *tree.Value
}

func images(f *pipeline.File) (all []used) {
	add := func(j *pipeline.Job, v *tree.Value) {
		for _, key := range []string{"image", "name"} {
			if inner := v.Get(key); inner != nil {
				v = inner
			}
		}
		if v != nil {
			all = append(all, used{j, v})
		}
	}
	if f.Kind == pipeline.GitLab {
		add(nil, f.Root.Get("image"))
		for _, s := range f.Root.Get("services").Items() {
			add(nil, s)
		}
	}
	for _, j := range f.Jobs {
		switch f.Kind {
		case pipeline.GitLab:
			add(j, j.Value.Get("image"))
			for _, s := range j.Value.Get("services").Items() {
				add(j, s)
			}
		case pipeline.Workflow:
			add(j, j.Value.Get("container"))
			if services := j.Value.Get("services"); services != nil {
				for _, e := range services.Map {
					add(j, e.Value)
				}
			}
		}
		for _, s := range j.Steps {
			if s.Uses != nil && strings.HasPrefix(s.Uses.Text, "docker://") {
				add(j, s.Uses)
			}
		}
	}
	if f.Kind == pipeline.Action && strings.HasPrefix(f.Root.Get("runs", "image").String(), "docker://") {
		add(nil, f.Root.Get("runs", "image"))
	}
	return all
}

func remoteInclude() Check {
	return Check{
		kinds: gitlab,
		Card: card("remote-include", "a pipeline is made of a file that others may change", finding.Medium,
			"Whoever can change what lies there decides what runs here, with this project's variables.",
			"For remote: add integrity: sha256-…. For project: and component: name a commit: ref: SHA.",
			"include:\n  - remote: https://example.org/ci.yml\n", "include:\n  - remote: https://example.org/ci.yml\n    integrity: sha256-L3/GAoKaw0Arw6hDCKeKQlV1QPEgHYxGBHsH4zG1IY8=\n"),
		look: func(f *pipeline.File) (hits []hit) {
			include := f.Root.Get("include")
			all := include.Items()
			if include != nil && include.Map != nil {
				all = []*tree.Value{include}
			}
			for _, v := range all {
				remote := v.Get("remote").String()
				if v.Scalar && strings.Contains(v.Text, "://") {
					remote = v.Text
				}
				switch {
				case remote != "" && v.Get("integrity") == nil:
					h := hit{at: place(v), field: "include " + remote, detail: remote}
					if strings.HasPrefix(remote, "http://") {
						h.severity = finding.High
					}
					hits = append(hits, h)
				case v.Get("project") != nil && v.Get("ref") == nil:
					hits = append(hits, hit{at: place(v), field: "include " + v.Get("project").String(), detail: v.Get("project").String() + ", whatever its default branch holds", severity: finding.Low})
				}
			}
			return hits
		},
	}
}
