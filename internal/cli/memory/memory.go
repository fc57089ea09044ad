// Package memory bounds the memory of the program that has it.
//
// It does so while packages are initialised, which happens in the order of their paths (since Go 1.21): those
// of k8s.io and google.golang.org, which fill most of the heap that a start takes, come after it, and a
// command that does little ends before its first collection. A call from main would come too late.
package memory

import (
	"os"
	"runtime/debug"
)

const (
	// goal is where the garbage collector begins to work harder, in bytes. What a scan keeps is far less;
	// the rest is buffers that are used again.
	goal = 96 << 20
	// growth is by how much the heap may grow before it is collected, in percent of what lives.
	growth = 200
)

var _ = bound()

func bound() struct{} {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(goal)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	return struct{}{}
}
