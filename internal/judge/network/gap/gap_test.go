package gap

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func look(t *testing.T, c Check, text string) []check.Hit {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	s := kube.NewSnapshot(objects, nil)
	m := network.New(s, network.Options{})
	facts, err := Read(t.Context(), Models{m, m, m}, s, func(*kube.Object) bool { return true }, func(*kube.Workload) Use { return Use{Token: true} })
	if err != nil {
		t.Fatal(err)
	}
	hits, unknown := c.Look(facts)
	if unknown != "" {
		t.Errorf("%s: %s is not known", c.ID, unknown)
	}
	return hits
}

// TestExamples wants each check to find its bad example and not its good one.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		if hits := look(t, c, c.Page.Bad); len(hits) != 1 || hits[0].Subject == nil || len(hits[0].At) == 0 {
			t.Errorf("%s: its bad example has %d hits: %+v", c.ID, len(hits), hits)
		}
		if hits := look(t, c, c.Page.Good); len(hits) != 0 {
			t.Errorf("%s: its good example has %d hits: %+v", c.ID, len(hits), hits)
		}
	}
}
