package maven

import (
	_ "embed"
	"strconv"
	"strings"
	"testing"
)

// The lines hold two versions, most of them of artifacts with advisories, and what ComparableVersion
// of Maven 3.8.7 says of them.
//
//go:embed testdata/versions.txt
var published string

func TestCompareLikeMaven(t *testing.T) {
	for line := range strings.Lines(published) {
		field := strings.Fields(line)
		want, err := strconv.Atoi(field[2])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := compare(field[0], field[1]); err != nil || got != want {
			t.Errorf("compare(%s, %s) = %d, %v, want %d", field[0], field[1], got, err, want)
		}
	}
}

// TestCompare holds cases that Maven documents (pom.html#version-order-specification).
func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"1", "1.1", -1},
		{"1-snapshot", "1", -1},
		{"1", "1-sp", -1},
		{"1-foo2", "1-foo10", -1},
		{"1.foo", "1-foo", 0},
		{"1-foo", "1-1", -1},
		{"1-1", "1.1", -1},
		{"1.ga", "1-ga", 0},
		{"1-0", "1.0", 0},
		{"1.0", "1", 0},
		{"1-sp", "1-ga", 1},
		{"1-sp.1", "1-ga.1", 1},
		{"1-a1", "1-alpha-1", 0},
		{"1.0-alpha-1", "1.0-beta-1", -1},
		{"1.0-milestone-1", "1.0-rc1", -1},
		{"1.0-rc1", "1.0-SNAPSHOT", -1},
		{"1.0-cr1", "1.0-rc1", 0},
		{"1.0.Final", "1.0", 0},
		{"5.3.17.RELEASE", "5.3.18", -1},
		{"31.1-jre", "31.1-android", 1},
		{"2.14.1", "2.15.0", -1},
		{"9.4.9.v20180320", "9.4.10.v20180503", -1},
		{"99999999999999999999", "100000000000000000000", -1},
	} {
		got, err := compare(tt.a, tt.b)
		if err != nil || got != tt.want {
			t.Errorf("compare(%s, %s) = %d, %v, want %d", tt.a, tt.b, got, err, tt.want)
		}
		if got, err := compare(tt.b, tt.a); err != nil || got != -tt.want {
			t.Errorf("compare(%s, %s) = %d, %v, want %d", tt.b, tt.a, got, err, -tt.want)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	for b.Loop() {
		_, _ = compare("2.14.1-rc2", "2.15.0")
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0-rc1", "1.0.Final")
	f.Fuzz(func(_ *testing.T, a, b string) { _, _ = compare(a, b) })
}
