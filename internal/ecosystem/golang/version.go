package golang

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// libraryVersion is the semantic version of the standard library that a toolchain brings, as the Go
// vulnerability database writes it: go1.21rc2 is 1.21.0-rc.2, go1.20 is 1.20.0. Experiments, vendors'
// suffixes ("go1.26.5 (Red Hat …)", "go1.20.3 X:boringcrypto", "go1.22.5-fips") and BoringCrypto's
// builds ("go1.18.1b7") are cut off. It is empty for development builds and what is not understood.
func libraryVersion(goVersion string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(goVersion), " ")
	v, ok := strings.CutPrefix(word, "go")
	if !ok {
		return ""
	}
	v, _, _ = strings.Cut(v, "-")
	v, _, _ = strings.Cut(v, "+")
	v, pre := cutPrerelease(v)
	parts := strings.Split(v, ".")
	if len(parts) > 3 {
		return ""
	}
	for _, part := range parts {
		if !isNumber(part) {
			return ""
		}
	}
	for len(parts) < 3 {
		parts = append(parts, "0")
	}
	v = strings.Join(parts, ".") + pre
	if !semver.IsValid("v" + v) {
		return ""
	}
	return v
}

// cutPrerelease parts 1.21rc2 into 1.21 and -rc.2, and drops the build number of BoringCrypto.
func cutPrerelease(v string) (rest, pre string) {
	for _, word := range []string{"beta", "rc"} {
		if rest, n, ok := strings.Cut(v, word); ok && isNumber(n) {
			return rest, "-" + word + "." + n
		}
	}
	if rest, n, ok := strings.Cut(v, "b"); ok && isNumber(n) {
		return rest, ""
	}
	return v, ""
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) < 10
}

// compare orders module versions with or without their "v", by semantic versioning 2.0.0 with Go's
// rules: what follows a plus sign does not count, pseudo-versions order by their date. "0" is older
// than everything, as advisories use it.
func compare(a, b string) (int, error) {
	va, err := semantic(a)
	if err != nil {
		return 0, err
	}
	vb, err := semantic(b)
	if err != nil {
		return 0, err
	}
	return semver.Compare(va, vb), nil
}

func semantic(version string) (string, error) {
	if version == "0" {
		return "v0.0.0-0", nil
	}
	v := "v" + strings.TrimPrefix(strings.TrimPrefix(version, "go"), "v")
	if !semver.IsValid(v) {
		return "", fmt.Errorf("%.80q is no Go version", version)
	}
	return v, nil
}
