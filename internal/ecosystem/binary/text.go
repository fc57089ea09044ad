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
	if !isVersion(version) {
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
	if err != nil || !ok || !isVersion(version) {
		return ecosystem.Found{}, err
	}
	return ecosystem.Found{Packages: []ecosystem.Package{program("go", version)}}, nil
}

// readErlang reads the OTP_VERSION file of an Erlang release.
func readErlang(f *ecosystem.File) (ecosystem.Found, error) {
	version, err := firstLine(f)
	version = strings.TrimSuffix(version, "**") // "and patches"
	if err != nil || !isVersion(version) {
		return ecosystem.Found{}, err
	}
	return ecosystem.Found{Packages: []ecosystem.Package{program("erlang", version)}}, nil
}

// applications are the Erlang applications that are known, by the beginning of their resource file
// (Erlang/OTP, app(4)).
var applications = []struct{ name, begins string }{
	{"rabbitmq", "{application,rabbit,"}, {"elixir", "{application,elixir,"},
}

// readApplication reads the version out of an application's resource file: {vsn, "3.10.8"}.
func readApplication(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxText)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Erlang application: %w", err)
	}
	plain := string(bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n'", r) {
			return -1
		}
		return r
	}, text))
	for _, a := range applications {
		at := strings.Index(plain, a.begins)
		if at < 0 {
			continue
		}
		_, rest, _ := strings.Cut(plain[at:], `{vsn,"`)
		if version, _, ok := strings.Cut(rest, `"`); ok && isVersion(version) {
			return ecosystem.Found{Packages: []ecosystem.Package{program(a.name, version)}}, nil
		}
	}
	return ecosystem.Found{}, nil
}

// wordPress is where WordPress keeps its version, below its own folder.
const wordPress = "wp-includes/version.php"

func readWordPress(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxText)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read WordPress' version file: %w", err)
	}
	for line := range bytes.Lines(text) {
		rest, ok := strings.CutPrefix(string(line), "$wp_version = '")
		if version, _, closed := strings.Cut(rest, "'"); ok && closed && isVersion(version) {
			return ecosystem.Found{Packages: []ecosystem.Package{program("wordpress", version)}}, nil
		}
	}
	return ecosystem.Found{}, nil
}

func isVersion(s string) bool {
	return s != "" && len(s) <= 64 && s[0] >= '0' && s[0] <= '9'
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
