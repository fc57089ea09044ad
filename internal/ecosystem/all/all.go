// Package all lists every kind of package that Plimsoll knows.
package all

import (
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/apk"
	"github.com/plimsoll/plimsoll/internal/ecosystem/binary"
	"github.com/plimsoll/plimsoll/internal/ecosystem/bitnami"
	"github.com/plimsoll/plimsoll/internal/ecosystem/cargo"
	"github.com/plimsoll/plimsoll/internal/ecosystem/composer"
	"github.com/plimsoll/plimsoll/internal/ecosystem/deb"
	"github.com/plimsoll/plimsoll/internal/ecosystem/distro"
	"github.com/plimsoll/plimsoll/internal/ecosystem/gem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/golang"
	"github.com/plimsoll/plimsoll/internal/ecosystem/maven"
	"github.com/plimsoll/plimsoll/internal/ecosystem/npm"
	"github.com/plimsoll/plimsoll/internal/ecosystem/nuget"
	"github.com/plimsoll/plimsoll/internal/ecosystem/pypi"
	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm"
)

// Ecosystems returns all kinds. The slice is the caller's.
func Ecosystems() []ecosystem.Ecosystem {
	return []ecosystem.Ecosystem{
		apk.Ecosystem,
		rpm.Ecosystem,
		binary.Ecosystem,
		bitnami.Ecosystem,
		cargo.Ecosystem,
		composer.Ecosystem,
		deb.Ecosystem,
		distro.Ecosystem,
		gem.Ecosystem,
		golang.Ecosystem,
		maven.Ecosystem,
		npm.Ecosystem,
		nuget.Ecosystem,
		pypi.Ecosystem,
	}
}
