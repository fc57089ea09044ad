package vuln

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// TestMark wants all candidates at once to be judged as each one alone is, whatever the bounds.
func TestMark(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bound := func() string {
		switch random.IntN(8) {
		case 0, 1, 2:
			return ""
		case 3:
			return []string{"0", "odd"}[random.IntN(2)]
		}
		return strconv.Itoa(random.IntN(40))
	}
	var candidates []string
	for i := range 20 {
		candidates = append(candidates, strconv.Itoa(2*i+1))
	}
	compare := kind("f").Compare
	for range 2000 {
		row := advisory.Row{Versions: []string{bound()}}
		for range random.IntN(4) {
			row.Ranges = append(row.Ranges, advisory.Range{Introduced: bound(), Fixed: bound(), LastAffected: bound(), Limit: bound()})
		}
		hit := make([]bool, len(candidates))
		mark(hit, &row, candidates, compare)
		for i, c := range candidates {
			_, want, _ := affected(&row, c, compare)
			if hit[i] != want && !odd(row) {
				t.Fatalf("%s in %+v: %v, alone %v", c, row, hit[i], want)
			}
		}
	}
}

// odd says whether a range has a bound without an order: alone, a candidate beyond the other bound of it
// is settled before that one is asked for.
func odd(row advisory.Row) bool {
	for _, r := range row.Ranges {
		for _, b := range []string{r.Introduced, r.Fixed, r.LastAffected, r.Limit} {
			if b == "odd" {
				return true
			}
		}
	}
	return false
}
