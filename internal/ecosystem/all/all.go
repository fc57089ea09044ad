// Package all lists every kind of package that Plimsoll knows.
package all

import (
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/deb"
	"github.com/plimsoll/plimsoll/internal/ecosystem/golang"
	"github.com/plimsoll/plimsoll/internal/ecosystem/npm"
)

// Ecosystems returns all kinds. The slice is the caller's.
func Ecosystems() []ecosystem.Ecosystem {
	return []ecosystem.Ecosystem{
		deb.Ecosystem,
		golang.Ecosystem,
		npm.Ecosystem,
	}
}
