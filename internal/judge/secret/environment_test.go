package secret

import (
	"fmt"
	"slices"
	"testing"
)

// TestEnvironments has a plain word be a password where an environment is set, and nowhere else.
func TestEnvironments(t *testing.T) {
	e := engine(t)
	for _, one := range []struct {
		name, path, text string
		want             []string // NAME severity line
	}{
		{"ENV", "Dockerfile", "FROM a\nENV DB_PASSWORD=hunter2\n", []string{"DB_PASSWORD high 2"}},
		{"ENV as it was written once", "Dockerfile", "FROM a\nENV DB_PASSWORD hunter2\n", []string{"DB_PASSWORD high 2"}},
		{"ARG", "web.Dockerfile", "ARG NPM_PASSWORD=opensesame\nFROM a\n", []string{"NPM_PASSWORD high 1"}},
		{"an ARG that the caller gives", "Dockerfile", "FROM a\nARG NPM_PASSWORD\nARG NPM_PASSWORD=\n", nil},
		{"several lines", "Containerfile", "FROM a\nENV A=1 \\\n  # a comment\n  DB_PASS=hunter2 \\\n\n  B=2\nRUN x\n", []string{"DB_PASS high 4"}},
		{"hexadecimal", "Dockerfile", "ENV DB_PASSWORD=deadc0de1\n", []string{"DB_PASSWORD high 1"}},
		{"placeholders", "Dockerfile", "ENV DB_PASSWORD=changeme A_PASSWORD=$B C_PASSWORD_FILE=/run/secrets/c D_PASSWORD=\n", nil},
		{"a RUN", "Dockerfile", "RUN export DB_PASSWORD=hunter2\n", nil},
		{"Compose", "deploy/compose.yaml", "services:\n  web:\n    environment:\n      DB_PASSWORD: hunter2\n    labels:\n      x.password: letmein\n", []string{"DB_PASSWORD medium 4"}},
		{"Compose, a list", "docker-compose.prod.yml", "services:\n  web:\n    environment:\n    - DB_PASSWORD=hunter2\n    - OTHER_PASSWORD=${OTHER:?}\n    image: a\n", []string{"DB_PASSWORD medium 4"}},
		{"other YAML", "values.yaml", "environment:\n  DB_PASSWORD: hunter2\n", nil},
		{"code", "main.go", "dbPassword := \"hunter2\"\nconst DB_PASSWORD = \"hunter2\"\n", nil},
		{"a script", "run.sh", "DB_PASSWORD=hunter2\n", nil},
		{"tests", "test/Dockerfile", "ENV DB_PASSWORD=hunter2\n", nil},
	} {
		t.Run(one.name, func(t *testing.T) {
			var got []string
			for _, h := range e.Scan(one.path, []byte(one.text)).Hits {
				got = append(got, fmt.Sprintf("%s %s %d", h.Name, h.Severity, h.Line))
			}
			if !slices.Equal(got, one.want) {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
	for text, want := range map[string]string{"DB_PASSWORD=hunter2": "high", "/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter2": "high"} {
		if hits := e.Settings(text).Hits; len(hits) != 1 || string(hits[0].Severity) != want {
			t.Errorf("%s: %v", text, hits)
		}
	}
}
