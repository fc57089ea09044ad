package policyfile

import (
	"strings"
	"testing"
)

// TestCluster wants a policy of a cluster to be read as one of a file is.
func TestCluster(t *testing.T) {
	const text = `{"apiVersion": "plimsoll.io/v1alpha1", "kind": "Policy", "metadata": {"name": "no-latest"},
"spec": {"subject": "manifest", "params": {"most": 3}, "validations": [{"expression": "true"}]}}`
	s, err := Parse("Policy/no-latest", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Policies[0]; p.Name.Value != "no-latest" || p.Params["most"] != int64(3) || len(s.Objects) != 0 {
		t.Errorf("%+v", p)
	}
	for name, c := range map[string]struct{ was, is, want string }{
		"a file beside it": {`"params": {"most": 3}`, `"paramsFrom": {"names": "names.txt"}`, "has no files beside it"},
		"a test":           {`"Policy"`, `"PolicyTest"`, "is none of a cluster's"},
		"an unknown key":   {`"subject"`, `"Subject"`, "no key"},
		"too large":        {"true", strings.Repeat("x", maxFile), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("Policy/no-latest", []byte(strings.Replace(text, c.was, c.is, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
