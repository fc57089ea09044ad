package pipeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/pipeline"
)

func fileOf(t *testing.T, at, text string) *pipeline.File {
	t.Helper()
	f, err := pipeline.Parse(at, []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(f.Unread) > 0 {
		t.Errorf("%v in\n%s", f.Unread, text)
	}
	return f
}

// TestExamples runs each check on the examples of its page.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		at := ".github/workflows/a.yml"
		if c.kinds[0] == pipeline.GitLab {
			at = ".gitlab-ci.yml"
		}
		hits := c.Look(fileOf(t, at, c.Page.Bad))
		if len(hits) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		for _, h := range hits {
			if h.At[0].StartLine < 1 || h.Subject == nil || h.Subject.Field == "" {
				t.Errorf("%s: a hit without its place or subject: %+v", c.ID, h)
			}
		}
		if hits := c.Look(fileOf(t, at, c.Page.Good)); len(hits) != 0 {
			t.Errorf("%s finds its good example: %+v", c.ID, hits)
		}
	}
}

// TestFiles holds what is found worth more than a remark: medium and above.
func TestFiles(t *testing.T) {
	for _, c := range []struct{ name, at, text, want string }{
		{"an ordinary workflow", ".github/workflows/a.yml", steps("- uses: actions/checkout@v4\n- uses: docker/build-push-action@v6\n- run: |\n    set -x\n    make test\n    echo \"${{ github.sha }}\" >> \"$GITHUB_OUTPUT\""), ""},
		{"a title in github-script", ".github/workflows/a.yml", strings.Replace(steps("- uses: actions/github-script@v7\n  with:\n    script: console.log('${{ github.event.comment.body }}')"), "push", "issue_comment", 1), "script-injection"},
		{"a branch's name on a pull request", ".github/workflows/a.yml", strings.Replace(steps("- run: git checkout ${{ github.head_ref }}"), "push", "pull_request", 1), "script-injection"},
		{"a number is no text", ".github/workflows/a.yml", strings.Replace(steps("- run: echo ${{ github.event.issue.number }} ${{ github.event.pull_request.head.sha }}"), "push", "issues", 1), ""},
		{"words in a condition", ".github/workflows/a.yml", strings.Replace(steps("- if: contains(github.event.comment.body, '/x')\n  run: make"), "push", "issue_comment", 1), ""},
		{"checkout of the base", ".github/workflows/a.yml", strings.Replace(steps("- uses: actions/checkout@v4\n- run: make"), "push", "pull_request_target", 1), ""},
		{"gh pr checkout", ".github/workflows/a.yml", strings.Replace(steps("- run: gh pr checkout ${{ github.event.issue.number }} && make\n- run: make"), "push", "issue_comment", 1), "untrusted-checkout"},
		{"a secret to a login", ".github/workflows/a.yml", steps("- run: echo \"${{ secrets.T }}\" | docker login -u x --password-stdin && echo \"$T\" > ~/.t\n  env: {T: '${{ secrets.T }}'}"), ""},
		{"a secret shown", ".github/workflows/a.yml", steps("- run: echo \"T is ${{ secrets.T }}\""), "secret-in-log"},
		{"a composite action", "action.yml", "runs:\n  using: composite\n  steps:\n    - uses: some/one@main\n    - run: curl -s https://x.org/i.sh | bash\n      shell: bash\n", "remote-script unpinned-action"},
		{"an ordinary GitLab pipeline", ".gitlab-ci.yml", "image: golang:1.26\nvariables: {DOCKER_TLS_CERTDIR: /certs, POSTGRES_PASSWORD: postgres}\ninclude:\n  - local: a.yml\n  - template: Security/SAST.gitlab-ci.yml\nbuild:\n  services: ['docker:27-dind']\n  script:\n    - docker build .\n", ""},
		{"docker without TLS in GitLab", ".gitlab-ci.yml", "a:\n  variables: {DOCKER_TLS_CERTDIR: ''}\n  services: [{name: 'docker:dind', command: ['--insecure-registry=r.example.org']}]\n  script: [docker run --privileged -v /var/run/docker.sock:/s x]\n", "docker-without-tls engine-socket insecure-registry privileged"},
		{"insecure registries in daemon.json", ".github/workflows/a.yml", steps("- run: |\n    cat > /etc/docker/daemon.json <<EOF\n    {\"insecure-registries\": [\"r.example.org\"]}\n    EOF"), "insecure-registry"},
	} {
		var got []string
		f := fileOf(t, c.at, c.text)
		for _, k := range Checks() {
			for _, h := range k.Look(f) {
				s := h.Severity
				if s == "" {
					s = k.Severity
				}
				if s != finding.Low && s != finding.Info {
					got = append(got, strings.TrimPrefix(k.ID, "pipeline/"))
				}
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}
