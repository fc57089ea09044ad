package binary

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// maxText bounds the small files that tell a version.
const maxText = 64 << 10

// readJava reads the release file of a Java runtime (JEP 223): KEY="VALUE" lines.
func readJava(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxText)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Java's release file: %w", err)
	}
	values := map[string]string{}
	for line := range bytes.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
		switch key {
		case "JAVA_VERSION", "IMPLEMENTOR":
			values[key] = strings.Trim(value, `"`)
		}
	}
	version := values["JAVA_VERSION"]
	if version == "" || version[0] < '0' || version[0] > '9' || len(version) > 64 {
		return ecosystem.Found{}, nil
	}
	p := program("openjdk", version)
	p.Vendor = values["IMPLEMENTOR"]
	if strings.HasPrefix(p.Vendor, "Oracle") {
		p.Name = "java"
	}
	return ecosystem.Found{Packages: []ecosystem.Package{p}}, nil
}

// readGo reads the VERSION file of a Go distribution: go1.22.3 and, on a second line, its time.
func readGo(f *ecosystem.File) (ecosystem.Found, error) {
	line, err := firstLine(f)
	version, ok := strings.CutPrefix(line, "go")
	if err != nil || !ok || version == "" || version[0] < '0' || version[0] > '9' {
		return ecosystem.Found{}, err
	}
	return ecosystem.Found{Packages: []ecosystem.Package{program("go", version)}}, nil
}

// readErlang reads the OTP_VERSION file of an Erlang release.
func readErlang(f *ecosystem.File) (ecosystem.Found, error) {
	version, err := firstLine(f)
	version = strings.TrimSuffix(version, "**") // "and patches"
	if err != nil || version == "" || version[0] < '0' || version[0] > '9' {
		return ecosystem.Found{}, err
	}
	return ecosystem.Found{Packages: []ecosystem.Package{program("erlang", version)}}, nil
}

func firstLine(f *ecosystem.File) (string, error) {
	text, err := f.ReadAll(maxText)
	if err != nil {
		return "", fmt.Errorf("read version file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); len(line) > 64 {
		return "", nil
	}
	return line, nil
}
