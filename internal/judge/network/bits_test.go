package network

import (
	"math/rand/v2"
	"testing"
)

// TestTranspose turns squares of all sizes around those of a word, and brings what was turned up to date.
func TestTranspose(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 200; n++ {
		rows := make([]set, n)
		for j := range rows {
			rows[j] = newSet(n)
			for i := range n {
				if dice.IntN(3) == 0 {
					rows[j].add(i)
				}
			}
		}
		turned := transpose(rows)
		check := func(of []set) {
			t.Helper()
			for j := range of {
				for i := range n {
					if of[j].has(i) != turned[i].has(j) {
						t.Fatalf("of %d rows, bit %d of row %d", n, i, j)
					}
				}
			}
		}
		check(rows)
		others := make([]set, n)
		copy(others, rows)
		for range n / 64 {
			j := dice.IntN(n)
			others[j] = newSet(n)
			copy(others[j], rows[j])
			others[j][0] ^= 1
		}
		if !flip(turned, rows, others) {
			t.Fatalf("of %d rows, %d bits are many", n, n/64)
		}
		check(others)
		empty := make([]set, n)
		for j := range empty {
			empty[j] = newSet(n)
		}
		if n > 2 && flip(turned, others, empty) {
			t.Fatalf("of %d rows, a third of all bits are few", n)
		}
	}
}
