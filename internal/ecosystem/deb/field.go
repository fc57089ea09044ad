package deb

import "bytes"

// field is one that the reader keeps.
type field int

const (
	nothing field = iota
	packageField
	statusField
	versionField
	archField
	sourceField
	sectionField
	maintainerField
	dependsField
)

// fieldOf knows a field by its name, in any case (Debian Policy §5.1). The length comes first: most
// lines of a status file are other fields.
func fieldOf(name []byte) field {
	is := func(want string, f field) field {
		if bytes.EqualFold(name, []byte(want)) {
			return f
		}
		return nothing
	}
	switch len(name) {
	case len("Status"):
		return max(is("Status", statusField), is("Source", sourceField))
	case len("Package"):
		return max(is("Package", packageField), is("Version", versionField), is("Section", sectionField), is("Depends", dependsField))
	case len("Maintainer"):
		return is("Maintainer", maintainerField)
	case len("Pre-Depends"):
		return is("Pre-Depends", dependsField)
	case len("Architecture"):
		return is("Architecture", archField)
	}
	return nothing
}
