// Package all lists every check of hosts: of nodes, of control planes and of container engines.
package all

import (
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/judge/node/control"
	"github.com/plimsoll/plimsoll/internal/judge/node/engine"
)

// Checks lists them.
func Checks() []node.Check { return slices.Concat(node.Checks(), control.Checks(), engine.Checks()) }
