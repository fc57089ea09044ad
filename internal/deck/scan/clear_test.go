package scan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/gitleaks"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

const talkative = `apiVersion: plimsoll/v1
kind: Policy
metadata: {name: talkative}
spec:
  subject: config
  validations:
  - expression: "false"
    messageExpression: 'config.env.DB_PASSWORD + " " + config.labels["db.password"] + " " + config.cmd.join(" ") + " " + config.entrypoint.join(" ")
      + " " + config.history[0].createdBy + " " + config.env.MODE'
`

// TestNothingInTheClear has a policy quote all of an image that may hold a secret, and wants none in the report:
// neither what our rules know nor what the user's do.
func TestNothingInTheClear(t *testing.T) {
	img := opened(t, imagetest.Image{
		Name: "x:1",
		Config: map[string]any{
			"Env": []string{"DB_PASSWORD=bare-one-9f8e7d", "MODE=prod"}, "Labels": map[string]string{"db.password": "bare-two-9f8e7d"},
			"Cmd": []string{"app", "--password=bare-three-9f8e7d", "acme_bare4k2j4h5g6"}, "Entrypoint": []string{"/bin/login", "acme_bare5k2j4h5g6"},
		},
		Layers: []imagetest.Layer{{CreatedBy: "RUN login acme_bare6k2j4h5g6 --password=bare-seven-9f8e7d", Files: []imagetest.File{{Path: "a", Body: "x"}}}},
	})
	rules, err := gitleaks.Parse("rules.toml", []byte("[[rules]]\nid='acme'\nregex='acme_[a-z0-9]{8,}'\n"))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := secret.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(talkative)}}, "p.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	policies, err := c.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	r := report(t, img, scan.Options{Lookup: advisories(t), Policies: policies, Secrets: engine})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for at := strings.Index(text, "bare"); at >= 0; at = strings.Index(text, "bare") {
		t.Errorf("…%s…", text[max(0, at-60):min(len(text), at+40)])
		text = text[at+4:]
	}
	if !strings.Contains(string(b), "prod") {
		t.Error("the policy said nothing")
	}
}

// TestLongSetting wants a gap where not all of a setting was searched.
func TestLongSetting(t *testing.T) {
	img := opened(t, imagetest.Image{
		Name: "x:1", Config: map[string]any{"Env": []string{"A=" + strings.Repeat("a ", 1<<19) + "\nDB_PASSWORD=9f8e7d6c5b"}},
		Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a", Body: "x"}}}},
	})
	r := report(t, img, scan.Options{Lookup: advisories(t), Checks: []string{"secret"}})
	for _, g := range r.Coverage {
		if g.Class == "limit-reached" && g.Blocking && strings.Contains(g.What, "ENV A") {
			return
		}
	}
	t.Errorf("the verdict is %s; findings %d, gaps %+v", r.Verdict.Action, len(r.Findings), r.Coverage)
}

func opened(t *testing.T, of imagetest.Image) *image.Image {
	t.Helper()
	imgs, err := archive.Open(t.Context(), imagetest.WriteFile(t, "image.tar", imagetest.New(of).Tar()), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { imgs[0].Close() })
	return imgs[0]
}

func advisories(t *testing.T) *advisory.DB {
	t.Helper()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
