package finding

import "testing"

// TestFingerprint holds pairs that must and must not be the same finding.
func TestFingerprint(t *testing.T) {
	vuln := func(rule, path string) Finding {
		return Finding{Kind: KindVulnerability, Rule: rule, Locations: []Location{{Path: path}}}
	}
	openssl := "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"
	line := vuln("CVE-1", "a")
	line.Locations[0].StartLine = 9
	moved := vuln("CVE-1", "a")
	moved.Target, moved.Package, moved.Fixed = "t7", "p9", "5"
	for _, c := range []struct {
		name   string
		a, b   Finding
		pa, pb string
		same   bool
	}{
		{"another version of the package", vuln("CVE-1", "a"), vuln("CVE-1", "a"), openssl, "pkg:deb/debian/openssl@3.0.14-1?arch=amd64&distro=debian-13", true},
		{"another line", vuln("CVE-1", "a"), line, "", "", true},
		{"another target and id", vuln("CVE-1", "a"), moved, openssl, openssl, true},
		{"a scope is no version", vuln("CVE-1", "a"), vuln("CVE-1", "a"), "pkg:npm/%40babel/core@1", "pkg:npm/%40babel/core@2", true},
		{"other scopes", vuln("CVE-1", "a"), vuln("CVE-1", "a"), "pkg:npm/%40babel/core@1", "pkg:npm/%40other/core@1", false},
		{"another rule", vuln("CVE-1", "a"), vuln("CVE-2", "a"), openssl, openssl, false},
		{"another path", vuln("CVE-1", "a"), vuln("CVE-1", "b"), openssl, openssl, false},
		{"another package", vuln("CVE-1", "a"), vuln("CVE-1", "a"), openssl, "pkg:deb/debian/libssl3@3?arch=amd64", false},
		{"another architecture", vuln("CVE-1", "a"), vuln("CVE-1", "a"), "pkg:deb/debian/x@1?arch=amd64", "pkg:deb/debian/x@1?arch=arm64", false},
	} {
		if same := Fingerprint(c.a, c.pa) == Fingerprint(c.b, c.pb); same != c.same {
			t.Errorf("%s: same %v, want %v", c.name, same, c.same)
		}
	}
}
