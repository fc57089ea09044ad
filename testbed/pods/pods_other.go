//go:build !linux

package pods

import (
	"testing"

	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// World is the stand-in at work.
type World struct{}

// Start needs Linux.
func Start(t testing.TB, _ *cluster.Cluster, _ Options) *World {
	t.Helper()
	t.Skip("network namespaces are Linux's")
	return nil
}

// Set does nothing.
func (w *World) Set(string, Mode) {}
