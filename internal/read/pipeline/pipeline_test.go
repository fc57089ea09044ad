package pipeline

import (
	"errors"
	"testing"

	"github.com/plimsoll/plimsoll/internal/tree"
)

func TestKindOf(t *testing.T) {
	for at, want := range map[string]Kind{
		"/x/.github/workflows/ci.yml": Workflow, ".github/workflows/a.yaml": Workflow, ".github/dependabot.yml": Unknown, "a/action.yml": Action,
		".gitlab-ci.yml": GitLab, "ci/build.gitlab-ci.yml": GitLab, "workflows/ci.yml": Unknown, ".github/workflows/readme.md": Unknown,
	} {
		if got := KindOf(at); got != want {
			t.Errorf("%s is %d, want %d", at, got, want)
		}
	}
}

const workflow = `on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Say it
        run: |

          echo "${{ github.event.issue.title }}"
          make
      - run: "make test"
      - run: >
          make
          all
      - run: Get-Item x
        shell: pwsh
  win:
    runs-on: windows-latest
    steps: [{run: dir}, {run: ls, shell: bash}]
`

func TestWorkflow(t *testing.T) {
	f, err := Parse(".github/workflows/a.yml", []byte(workflow))
	if err != nil || len(f.Jobs) != 2 || len(f.Jobs[0].Steps) != 5 || len(f.Unread) != 2 || !f.Unread[0].Other {
		t.Fatalf("%+v, %v", f, err)
	}
	said := f.Jobs[0].Steps[1]
	echo, mk := said.Script.Commands[0], said.Script.Commands[1]
	if in := said.In(echo.Args[0]); len(in) != 1 || in[0].Text != "github.event.issue.title" || in[0].Line != 10 || in[0].Column != 17 {
		t.Errorf("expressions are %+v", in)
	}
	if echo.Line != 10 || echo.Column != 11 || mk.Line != 11 {
		t.Errorf("commands stand at %v and %v", echo.Pos, mk.Pos)
	}
	if one := f.Jobs[0].Steps[2].Script.Commands[0]; one.Line != 12 || one.Column != 15 {
		t.Errorf("a quoted command stands at %v", one.Pos)
	}
	if f.Jobs[1].Steps[1].Script == nil {
		t.Error("bash on Windows is not read")
	}
}

func TestGitLab(t *testing.T) {
	f, err := Parse(".gitlab-ci.yml", []byte("stages: [a]\n.base:\n  before_script: &b\n    - make deps\nbuild:\n  script:\n    - *b\n    - !reference [.base, script]\n    - |\n      make\n      make install\nafter_script: [echo done]\n"))
	if err != nil || len(f.Jobs) != 3 {
		t.Fatalf("%+v, %v", f, err)
	}
	if steps := f.Jobs[1].Steps; len(steps) != 2 || steps[1].Script.Commands[1].Line != 11 {
		t.Errorf("%+v", steps)
	}
	var e *tree.Error
	if _, err := Parse(".gitlab-ci.yml", []byte("a:\n\t- b")); !errors.As(err, &e) || e.Line != 2 {
		t.Errorf("a tab: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(workflow), ".github/workflows/a.yml")
	f.Add([]byte("build:\n  script: [a, [b, c], !reference [x, y]]\n"), ".gitlab-ci.yml")
	f.Add([]byte("runs:\n  using: composite\n  steps: [{run: 'echo ${{ inputs.x }}', shell: bash}]\n"), "action.yml")
	f.Fuzz(func(t *testing.T, source []byte, at string) {
		file, err := Parse(at, source)
		if err != nil {
			return
		}
		for _, j := range file.Jobs {
			for _, s := range j.Steps {
				if s.Script == nil {
					continue
				}
				for _, c := range s.Script.Commands {
					for _, a := range c.Args {
						s.In(a)
					}
				}
			}
		}
	})
}
