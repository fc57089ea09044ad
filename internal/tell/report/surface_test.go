package report

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
)

func TestSurfaceWords(t *testing.T) {
	for _, c := range []struct {
		of   *finding.Surface
		want string
	}{
		{nil, ""},
		{&finding.Surface{}, "surface: 0 executables, 0 shells, 0 interpreters, 0 package managers, 0 setuid files"},
		{
			&finding.Surface{Packages: 9, Executables: 1, Shells: 1, Interpreters: 2, PackageManagers: 1, SUID: 1, Ports: []int{22, 8080}},
			"surface: 1 executable, 1 shell, 2 interpreters, 1 package manager, 1 setuid file, 2 ports (22, 8080)",
		},
		{
			&finding.Surface{Ports: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
			"surface: 0 executables, 0 shells, 0 interpreters, 0 package managers, 0 setuid files, 11 ports (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 …)",
		},
	} {
		if got := surfaceWords(c.of); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
