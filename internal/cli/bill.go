package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/sbom"
)

// readBill reads an SBOM as a subject. What cannot be read to its end is no subject at all: half a list
// would pass for a whole one.
func readBill(path string, stdin io.Reader) (*scan.Bill, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	doc, err := sbom.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b := &scan.Bill{Name: cmp.Or(doc.Name, path), Kind: "sbom", Origin: doc.Format, Digest: doc.Digest, Release: doc.Release}
	for _, p := range doc.Packages {
		out := inventory.Package{Package: p.Package, Ecosystem: kindOfType(p.Type), Owner: p.Owner}
		for _, at := range p.Places {
			out.Places = append(out.Places, inventory.Place{Path: at.Path, Inner: at.Inner, Line: at.Line})
		}
		b.Packages = append(b.Packages, out)
	}
	for _, n := range doc.Notes {
		b.Gaps = append(b.Gaps, finding.Gap{Class: n.Class, Blocking: n.Blocking, What: n.What, Path: n.Path, Count: 1})
	}
	return b, nil
}

// kindOfType is the ecosystem whose packages have a purl type: it is called the same, but for programs
// that nobody packaged, Kubernetes' among them.
func kindOfType(purlType string) string {
	if purlType == "generic" || purlType == "k8s" {
		return "binary"
	}
	return purlType
}
