package scan

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// TestMade takes Docker's own history for what a Dockerfile made, and nothing that another one could have made.
func TestMade(t *testing.T) {
	const text = "FROM a:1\nARG V=1\nENV A=1 SECRET=\"word here\"\nCOPY f /app/f\nRUN echo a \\\n    && echo  \"b  c\"\nEXPOSE 22\nUSER root\nSHELL [\"/bin/bash\", \"-c\"]\nRUN echo bash\nCMD node $A\n"
	// By docker build 20.10, on an image whose step is the first.
	classic := []string{
		"/bin/sh -c #(nop) ADD file:1 in / ", "/bin/sh -c #(nop)  ARG V=1", "/bin/sh -c #(nop)  ENV A=1 SECRET=word here", "/bin/sh -c #(nop) COPY file:fa in /app/f ",
		"|1 V=1 /bin/sh -c echo a     && echo  \"b  c\"", "/bin/sh -c #(nop)  EXPOSE 22", "/bin/sh -c #(nop)  USER root", "/bin/bash -c #(nop)  SHELL [/bin/bash -c]",
		"|1 V=1 /bin/bash -c echo bash", "/bin/bash -c #(nop)  CMD [\"/bin/bash\" \"-c\" \"node $A\"]",
	}
	// By BuildKit (moby/buildkit, frontend/dockerfile/dockerfile2llb, commitToHistory).
	buildkit := []string{
		"ADD rootfs.tar / # buildkit", "ARG V=1", "ENV A=1 SECRET=word here", "COPY f /app/f # buildkit", "RUN |1 V=1 /bin/sh -c echo a     && echo  \"b  c\" # buildkit",
		"EXPOSE [22/tcp]", "USER root", "SHELL [/bin/bash -c]", "RUN |1 V=1 /bin/bash -c echo bash # buildkit", "CMD [\"/bin/bash\" \"-c\" \"node $A\"]",
	}
	f, err := read.Parse("Dockerfile", []byte(text), read.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := func() *imagecfg.Config {
		return configOf(&image.Image{Config: image.Config{
			User: "root", Env: []string{"PATH=/bin", "A=1", "SECRET=word here"}, Ports: []string{"22/tcp"}, Cmd: []string{"/bin/bash", "-c", "node $A"},
		}})
	}
	of := func(lines []string) *product {
		var history []image.History
		for _, l := range lines {
			history = append(history, image.History{CreatedBy: l})
		}
		return &product{steps: read.Rebuild(stepsOf(history, &finding.Target{})).Instructions, config: config()}
	}
	without := func(n int) []string { return append(append([]string{}, classic[:n]...), classic[n+1:]...) }
	another := of(classic)
	another.config.User.Text = "cart"
	other := append(append([]string{}, classic[:4]...), append([]string{"|1 V=1 /bin/sh -c echo x"}, classic[5:]...)...)
	for name, c := range map[string]struct {
		p    *product
		want bool
	}{
		"docker build": {of(classic), true}, "buildkit": {of(buildkit), true}, "another command": {of(other), false}, "a step less": {of(without(6)), false},
		"a step more": {of(append(append([]string{}, classic...), "/bin/sh -c #(nop)  USER cart")), false}, "another user": {another, false}, "no history": {of(nil), false},
	} {
		if got := made(f, c.p); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestVariablesOfAnImage tells of a variable that its name makes a secret from the image as from the Dockerfile,
// where it is all that is known of it; and once.
func TestVariablesOfAnImage(t *testing.T) {
	s := &scan{o: Options{Lookup: nothing{}}, report: &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "image"}}}}
	s.history(&image.Image{Config: image.Config{History: []image.History{{CreatedBy: "ENV A=b c API_SECRET=word # buildkit", EmptyLayer: true}}}})
	if len(s.report.Findings) != 1 || s.report.Findings[0].Rule != "dockerfile/secret-env" || s.report.Findings[0].Subject.Field != "ENV API_SECRET" {
		t.Fatalf("%+v", s.report.Findings)
	}
	s.report.Findings = append(s.report.Findings, finding.Finding{Rule: "secret/password", Kind: finding.KindSecret, Target: "t1", Subject: &finding.Subject{Field: "API_SECRET"}})
	if s.once(); len(s.report.Findings) != 1 || s.report.Findings[0].Rule != "secret/password" || s.report.Findings[0].Severity != finding.High {
		t.Errorf("%+v", s.report.Findings)
	}
}
