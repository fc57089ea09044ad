package cli

import (
	"fmt"
	"strconv"
	"strings"
)

var byteUnits = []struct {
	name string
	size int64
}{{"GB", 1_000_000_000}, {"MB", 1_000_000}, {"kB", 1_000}, {"B", 1}}

// bytesOf writes a size as people read it.
func bytesOf(n int64) string {
	for _, u := range byteUnits {
		if n >= u.size && u.size > 1 {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// count is "1 layer", "2 layers" or "2 entries".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "y"); ok && !strings.HasSuffix(stem, "a") { // entries, and days
		what = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// parseBytes reads a size with or without a unit.
func parseBytes(s string) (int64, error) {
	for _, u := range byteUnits {
		if len(s) > len(u.name) && strings.EqualFold(s[len(s)-len(u.name):], u.name) {
			n, err := strconv.ParseFloat(strings.TrimSpace(s[:len(s)-len(u.name)]), 64)
			if err != nil || n < 0 || n > 1e9 {
				break
			}
			return int64(n * float64(u.size)), nil
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no size: write 500MB or 2GB", s)
	}
	return n, nil
}
