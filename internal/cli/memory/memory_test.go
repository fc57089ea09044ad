package memory

import "testing"

func TestPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 200, 10 << 20: 200, 32 << 20: 75, 48 << 20: 50, 64 << 20: 37, 96 << 20: 32, 540 << 20: 67} {
		if got := percent(live); got != want {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, want)
		}
	}
}
