package maven

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxLock = 16 << 20

// readGradleLock reads a gradle.lockfile: GROUP:ARTIFACT:VERSION=CONFIGURATION,… a line
// (https://docs.gradle.org/current/userguide/dependency_locking.html). What only test configurations
// ask for is for development.
func readGradleLock(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxLock)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Gradle lock file: %w", err)
	}
	var found ecosystem.Found
	number := 0
	for line := range bytes.Lines(text) {
		number++
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		name, configurations, ok := strings.Cut(s, "=")
		if name == "empty" { // lists the configurations without dependencies
			continue
		}
		parts := strings.Split(name, ":")
		if !ok || len(parts) != 3 || slices.Contains(parts, "") {
			return found, fmt.Errorf("read Gradle lock file: line %d: %.80q is no locked dependency", number, s)
		}
		p := coordinates{group: parts[0], artifact: parts[1], version: parts[2]}.pkg()
		p.Declared, p.Dev, p.Line = true, isTestOnly(configurations), number
		found.Packages = append(found.Packages, p)
	}
	return found, nil
}

func isTestOnly(configurations string) bool {
	for name := range strings.SplitSeq(configurations, ",") {
		if !strings.Contains(strings.ToLower(name), "test") {
			return false
		}
	}
	return true
}
