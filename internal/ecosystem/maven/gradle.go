package maven

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxLock = 16 << 20

// isGradleLock says whether a file is one of Gradle's lock files: one for all configurations, or as
// Gradle wrote them before 7.0, one for each in a folder of their own.
func isGradleLock(path string) bool {
	return strings.HasSuffix(path, "gradle.lockfile") || strings.HasSuffix(path, ".lockfile") && strings.Contains(path, "gradle/dependency-locks/")
}

// readGradleLock reads a gradle.lockfile: GROUP:ARTIFACT:VERSION=CONFIGURATION,… a line
// (https://docs.gradle.org/current/userguide/dependency_locking.html). A file of one configuration has
// its name and no list. What only test configurations ask for is for development.
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
		if !ok && strings.Contains(f.Path, "dependency-locks/") {
			configurations, ok = strings.TrimSuffix(f.Base(), ".lockfile"), true
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
