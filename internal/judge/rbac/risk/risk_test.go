package risk

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

func look(t *testing.T, c Check, text string, whole bool) []check.Hit {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	f := Read(kube.NewSnapshot(objects, nil), func(*kube.Object) bool { return true }, whole)
	if f == nil {
		t.Fatalf("%s: nothing to look at", c.ID)
	}
	hits, _ := c.Look(f)
	return hits
}

// TestExamples wants each check to find its bad example and not its good one.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		if hits := look(t, c, c.Page.Bad, c.whole); len(hits) != 1 || hits[0].Subject == nil || len(hits[0].At) == 0 {
			t.Errorf("%s: its bad example has %d hits: %+v", c.ID, len(hits), hits)
		}
		if hits := look(t, c, c.Page.Good, c.whole); len(hits) != 0 {
			t.Errorf("%s: its good example has %d hits: %+v", c.ID, len(hits), hits)
		}
	}
}
