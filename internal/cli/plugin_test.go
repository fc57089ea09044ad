package cli

import (
	"os"
	"slices"
	"testing"
)

// Docker hands its own global flags on, and the engine that they name is the one to ask.
func TestAfterDocker(t *testing.T) {
	for _, c := range []struct {
		args                  []string
		host, context, config string
	}{
		{[]string{"plimsoll", "scan", "x"}, "tcp://env:1", "", ""},
		{[]string{"--host", "tcp://flag:1", "plimsoll", "scan", "x"}, "tcp://flag:1", "", ""},
		{[]string{"-H=tcp://flag:1", "plimsoll", "scan", "x"}, "tcp://flag:1", "", ""},
		{[]string{"--context", "far", "plimsoll", "scan", "x"}, "", "far", ""},
		{[]string{"--config", "/c", "--context=far", "plimsoll", "scan", "x"}, "", "far", "/c"},
	} {
		t.Setenv("DOCKER_HOST", "tcp://env:1")
		t.Setenv("DOCKER_CONTEXT", "")
		t.Setenv("DOCKER_CONFIG", "")
		if got := afterDocker(c.args); !slices.Equal(got, []string{"scan", "x"}) {
			t.Errorf("%q leaves %q", c.args, got)
		}
		if h, x, f := os.Getenv("DOCKER_HOST"), os.Getenv("DOCKER_CONTEXT"), os.Getenv("DOCKER_CONFIG"); h != c.host || x != c.context || f != c.config {
			t.Errorf("%q: host %q, context %q, config %q", c.args, h, x, f)
		}
	}
}
