package maven

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const maxBuild = 4 << 20

// isGradleBuild says whether a file is a build script of Gradle's.
func isGradleBuild(path string) bool {
	base := path[strings.LastIndexByte(path, '/')+1:]
	return (base == "build.gradle" || base == "build.gradle.kts") && !ecosystem.IsManifestOfOthers(path)
}

// gradleDependency is a line that asks for something at run time: a configuration, and what stands behind it.
var gradleDependency = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:api|implementation|compile|runtime|runtimeOnly|compileOnly|compileOnlyApi|developmentOnly)(?:\s*\(\s*|\s+)(.*)$`)
})

// gradleNamed is group: "g", name: "a", version: "v", also with = as Kotlin has it.
var gradleNamed = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`group\s*[:=]\s*["']([^"']+)["']\s*,\s*name\s*[:=]\s*["']([^"']+)["'](?:\s*,\s*version\s*[:=]\s*["']([^"']+)["'])?`)
})

// gradleText is "g:a:v", of which a line may have several.
var gradleText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`["']([\w.${}-]+):([\w.${}-]+)(?::([^"':@]+))?[^"']*["']`)
})

// readGradleBuild reads a build script by its lines, without running it. What its configurations for
// running ask for counts, also where a catalogue or a variable says what that is.
func readGradleBuild(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxBuild)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read build script: %w", err)
	}
	var found ecosystem.Found
	asks := ecosystem.Asks{Locks: []string{"gradle.lockfile", "gradle/dependency-locks"}}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		m := gradleDependency().FindSubmatch(bytes.TrimRight(line, " \t\r\n"))
		if m == nil {
			continue
		}
		what := strings.TrimSpace(string(m[1]))
		if strings.HasPrefix(what, "project") || strings.HasPrefix(what, "files(") || strings.HasPrefix(what, "fileTree(") || strings.HasPrefix(what, "gradleApi") {
			continue // a part of the project, or of Gradle
		}
		all := gradleCoordinates(what)
		asks.More = asks.More || len(all) == 0 // also where the line goes on below
		for _, c := range all {
			p := c.pkg()
			asks.Names = append(asks.Names, p.FullName())
			if c.version != "" && !strings.ContainsAny(c.version, "$+[](),") && !strings.HasPrefix(c.version, "latest") {
				p.Line, p.Declared = number, true
				found.Packages = append(found.Packages, p)
			}
		}
	}
	if len(asks.Names) > 0 || asks.More {
		found.Asks = &asks
	}
	return found, nil
}

func gradleCoordinates(what string) (all []coordinates) {
	for _, m := range append(gradleText().FindAllStringSubmatch(what, -1), gradleNamed().FindAllStringSubmatch(what, -1)...) {
		all = append(all, coordinates{group: m[1], artifact: m[2], version: m[3]})
	}
	return all
}
