package sbom

import (
	"strings"
	"testing"
)

// TestVendor finds who made an rpm where documents put it. Without it no advisory could be held against
// the rpms of other tools' documents.
func TestVendor(t *testing.T) {
	for name, c := range map[string]struct{ component, want string }{
		"supplier":             {`"supplier":{"name":"Docker"},"purl":"pkg:rpm/almalinux/p@1-1?distro=almalinux-9"`, "Docker"},
		"publisher, as Syft":   {`"publisher":"Fedora Project","purl":"pkg:rpm/almalinux/p@1-1?distro=almalinux-9"`, "Fedora Project"},
		"namespace":            {`"purl":"pkg:rpm/almalinux/p@1-1?distro=almalinux-9"`, "almalinux"},
		"namespace, otherwise": {`"purl":"pkg:rpm/redhat/p@1-1?distro=rhel-9"`, "rhel"},
		"none":                 {`"purl":"pkg:rpm/p@1-1?distro=almalinux-9"`, ""},
		"our own without one":  {`"properties":[{"name":"plimsoll:path","value":"var/lib/rpm"}],"purl":"pkg:rpm/almalinux/p@1-1?distro=almalinux-9"`, ""},
		"no rpm":               {`"publisher":"Somebody","purl":"pkg:deb/debian/p@1-1?distro=debian-12"`, ""},
	} {
		doc, err := Read(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"p","version":"1-1",` + c.component + `}]}`))
		if err != nil || len(doc.Packages) != 1 {
			t.Fatalf("%s: %+v, %v", name, doc, err)
		}
		if got := doc.Packages[0].Vendor; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
