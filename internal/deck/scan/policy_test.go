package scan_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

const demands = `apiVersion: plimsoll/v1
kind: Policy
metadata: {name: config}
spec:
  subject: config
  validations:
  - expression: config.user == "app" && config.env.MODE == "prod" && config.ports == ["22/tcp"] && config.labels.owner == "shop"
      && config.history.size() == 1 && image.created < now
    message: the configuration is not the image's
  - {expression: false, messageExpression: 'config.user + " " + config.env["MODE"]'}
---
apiVersion: plimsoll/v1
kind: Policy
metadata: {name: suid}
spec:
  subject: file
  action: warn
  validations:
  - {expression: '!file.suid', messageExpression: '"%d of %d".format([file.mode, file.uid])'}
---
apiVersion: plimsoll/v1
kind: Policy
metadata: {name: surface}
spec:
  subject: image
  validations:
  - {expression: image.surface.suid == 0, message: SUID}
`

// TestPolicies wants policies to see the configuration and the files of an image, their findings to be in the
// report with all that a finding has, and the verdict to be theirs.
func TestPolicies(t *testing.T) {
	file := imagetest.WriteFile(t, "cart.tar", imagetest.New(imagetest.Image{
		Name: "shop/cart:1.4", Platform: "linux/amd64",
		Config: map[string]any{"User": "app", "Env": []string{"MODE=prod"}, "ExposedPorts": map[string]any{"22/tcp": map[string]any{}}, "Labels": map[string]string{"owner": "shop"}},
		Layers: []imagetest.Layer{{CreatedBy: "COPY . /", Files: []imagetest.File{
			{Path: "app/helper", Body: "x", Mode: 0o4755},
			{Path: "app/node_modules/a/package.json", Body: `{"name": "a", "version": "1.0.0", "license": "AGPL-3.0-only"}`},
		}}},
	}).DockerTar())
	imgs, err := archive.Open(context.Background(), file, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	set, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(demands)}}, "p.yaml", "")
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
	r, err := scan.Run(context.Background(), []scan.Subject{{Image: imgs[0]}}, scan.Options{
		Kinds: all.Ecosystems(), Lookup: db, Jobs: 1, Policies: policies, Line: gate.Line{Policies: true, Allow: []string{"no-feed"}},
		Licenses: license.Rules{Deny: []string{"network-copyleft"}}, Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		if f.Kind != finding.KindPolicy && f.Kind != finding.KindLicense {
			continue
		}
		if f.Fingerprint == "" || f.Risk == nil {
			t.Errorf("%s has no fingerprint or no risk", f.Rule)
		}
		got = append(got, f.Rule+" "+string(f.Action)+" "+f.Title)
	}
	slices.Sort(got)
	want := `license/forbidden  a 1.0.0: the licence is on the list of forbidden ones: AGPL-3.0-only (network-copyleft)
policy/config deny app prod
policy/suid warn app/helper: 2541 of 0
policy/surface deny SUID`
	if s := strings.Join(got, "\n"); s != want {
		t.Error(s)
	}
	if len(r.Tool.Policies) != 3 || r.Verdict.Action != finding.Deny || len(r.Verdict.Reasons) < 3 {
		t.Errorf("%+v %+v", r.Tool.Policies, r.Verdict)
	}
}
