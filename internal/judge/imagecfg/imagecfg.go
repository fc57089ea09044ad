// Package imagecfg judges what an image says of itself: its distribution, for now.
package imagecfg

import (
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// Facts are what these checks look at.
type Facts struct {
	OS  *finding.OS
	Now time.Time
}

// Check is a card and the function that looks.
type Check struct {
	check.Card
	Look func(Facts) []check.Hit
}

// Checks lists all checks of an image's configuration.
func Checks() []Check { return []Check{endOfLife} }
