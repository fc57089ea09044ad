// Package maven knows Java archives and what declares them: jar, war, ear, par, aar and jmod files with
// the archives inside them, pom.xml and Gradle's lock files.
//
// An archive says itself which artifact it is: by the pom.properties whose artifactId and version
// match its file name; failing that by its manifest and file name, which is marked as heuristic. The
// pom.properties of other artifacts are copies that were merged into it ("shaded"), each a package
// with its own path inside. Inner archives are read where they lie when they are stored, from a
// bounded buffer when they are deflated, and nothing is read of an archive but its directory, its
// manifest and its pom.properties.
package maven

import (
	"context"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Maven, and Gradle, which shares its coordinates.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "maven",
	Version:    3,
	Wants:      wants,
	Read:       read,
	Advisories: advisories,
	Compare:    compare,
}

// advisories speak of a group and an artifact; an archive that does not tell its group cannot be
// looked up, unless it is the application itself, of which nobody speaks.
func advisories(p ecosystem.Package, _ ecosystem.Release) (string, bool) {
	return "Maven", p.Namespace != "" || p.Main
}

func wants(s ecosystem.Stat) bool {
	base := s.Base()
	return isArchive(base) || base == "pom.xml" && !inMetaInf(s.Path) || base == "pom.properties" && inMetaInf(s.Path) ||
		isGradleLock(s.Path) || isGradleBuild(s.Path)
}

// inMetaInf says whether a path is where Maven puts the description of a built artifact: the one in
// an unpacked archive tells of something installed.
func inMetaInf(path string) bool { return strings.Contains("/"+path, "/META-INF/maven/") }

// isArchive says whether a file name is one of a Java archive.
func isArchive(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > 5 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "jar", "war", "ear", "par", "aar", "jmod", "hpi", "jpi", "rar", "sar", "kar", "nar", "lpkg":
		return true
	}
	return false
}

func read(ctx context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch base := f.Base(); {
	case base == "pom.xml":
		return readPOM(f)
	case base == "pom.properties":
		return readProperties(f)
	case isGradleLock(f.Path):
		return readGradleLock(f)
	case isGradleBuild(f.Path):
		return readGradleBuild(f)
	}
	r, err := f.At()
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Java archive: %w", err)
	}
	return readArchive(ctx, f.Stat, r)
}

// readProperties reads the pom.properties of an archive that was unpacked into the image.
func readProperties(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxSmall)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read pom.properties: %w", err)
	}
	c := parseProperties(data)
	if c.artifact == "" {
		return ecosystem.Found{}, nil
	}
	return ecosystem.Found{Packages: []ecosystem.Package{c.pkg()}}, nil
}
