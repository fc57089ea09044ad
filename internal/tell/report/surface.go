package report

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// surfaceWords tells what somebody who has got in finds to work with; empty when it was not counted. Packages are
// counted elsewhere.
func surfaceWords(s *finding.Surface) string {
	if s == nil {
		return ""
	}
	words := []string{
		plural(s.Executables, "executable"), plural(s.Shells, "shell"), plural(s.Interpreters, "interpreter"),
		plural(s.PackageManagers, "package manager"), plural(s.SUID, "setuid file"),
	}
	if n := len(s.Ports); n > 0 {
		var ports []string
		for _, p := range s.Ports[:min(n, maxPorts)] {
			ports = append(ports, fmt.Sprint(p))
		}
		word := plural(n, "port")
		words = append(words, fmt.Sprintf("%s (%s)", word, strings.Join(ports, ", ")+map[bool]string{true: " …"}[n > maxPorts]))
	}
	return "surface: " + strings.Join(words, ", ")
}

// maxPorts bounds how many are named.
const maxPorts = 10
