package exception

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// TestUsers wants an exception for some to let pass what they ask for, and nothing where nobody knows who asks.
func TestUsers(t *testing.T) {
	for _, c := range []struct {
		name, entry string
		by          *User
		want        int
	}{
		{"her", "rule: pod/privileged, user: ann@shop.example", &User{Name: "ann@shop.example"}, 1},
		{"names are whole, and as they are written", "rule: pod/privileged, user: ann", &User{Name: "ANN"}, 0},
		{"a slash is a letter", "rule: pod/privileged, user: ann", &User{Name: "/ann"}, 0},
		{"a pattern", "rule: pod/privileged, user: 'oidc:*'", &User{Name: "oidc:ann"}, 1},
		{"a pattern stays between slashes", "rule: pod/privileged, user: 'https://idp/*'", &User{Name: "https://idp/a/b"}, 0},
		{"a group", "rule: pod/privileged, group: [a, 'plat*']", &User{Name: "x", Groups: []string{"b", "platform"}}, 1},
		{"one of each list", "rule: pod/privileged, group: platform, user: ann", &User{Name: "bob", Groups: []string{"platform"}}, 0},
		{"an account", "rule: pod/privileged, serviceAccount: ci/deployer", &User{Name: "system:serviceaccount:ci:deployer"}, 1},
		{"another's", "rule: pod/privileged, serviceAccount: ci/deployer", &User{Name: "system:serviceaccount:shop:deployer"}, 0},
		{"nobody is known", "rule: pod/privileged, user: '*'", nil, 0},
		{"nobody is named", "rule: pod/privileged, user: '*'", &User{}, 1},
		{"all that she asks for", "user: ann", &User{Name: "ann"}, 7},
	} {
		f := parse(t, "exceptions.yaml", c.entry)
		set, err := Compile([]exceptionfile.File{f}, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		r := sample()
		p := set.Use(r)
		p.By = c.by
		if err := p.Apply(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range r.Findings {
			n += len(r.Findings[i].Suppressed)
		}
		if n != c.want {
			t.Errorf("%s: %d findings pass, not %d", c.name, n, c.want)
		}
		note := p.Notes()["exceptions.yaml"]
		if told := p.Tell(func(string) bool { return true }); c.by == nil && (len(told) > 0 || !strings.Contains(note, "which let nothing pass here")) {
			t.Errorf("%s: %v is told, and noted %q", c.name, told, note)
		}
	}
}
