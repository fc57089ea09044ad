package ecosystem

import "testing"

func TestRepository(t *testing.T) {
	for source, want := range map[string]string{
		"git+ssh://git@github.com/x/g.git#0123":          "git+ssh://git@github.com/x/g.git@0123",
		"git://github.com/x/g.git#0123":                  "git://github.com/x/g.git@0123",
		"github:x/g#0123":                                "git+https://github.com/x/g@0123",
		"git+https://github.com/x/g?branch=main#0123":    "git+https://github.com/x/g@0123",
		"https://github.com/x/g?rev=v1.0.0#0123":         "git+https://github.com/x/g@0123",
		"hg+https://example.com/x#0123":                  "hg+https://example.com/x@0123",
		"https://example.com/x+y":                        "git+https://example.com/x+y",
		"https://github.com/x/g":                         "git+https://github.com/x/g",
		"git+https://user@example.com:8443/x/g.git#0123": "git+https://user@example.com:8443/x/g.git@0123",
	} {
		if got := Repository(source); got != "vcs_url="+want {
			t.Errorf("Repository(%s) = %s, want %s", source, got, want)
		}
	}
}
