//go:build tools

// Package peers pins the programs that the benchmarks measure against.
package peers

import (
	_ "github.com/anchore/grype/cmd/grype"
	_ "github.com/anchore/syft/cmd/syft"
)
