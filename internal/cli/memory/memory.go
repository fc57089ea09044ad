// Package memory bounds the memory of the program that has it.
//
// It does so while packages are initialised, which happens in the order of their paths (since Go 1.21): those
// of k8s.io and google.golang.org, which fill most of the heap that a start takes, come after it, and a
// command that does little ends before its first collection. A call from main would come too late.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// goal is where the garbage collector begins to work harder, in bytes. What the scan of an image keeps is
	// far less; the rest is buffers that are used again.
	goal = 96 << 20
	// growth is by how much the heap may grow before it is collected, in percent of what lives.
	growth = 200
)

var _ = bound()

func bound() struct{} {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(goal)
		follow()
	}
	return struct{}{}
}

// follow lets the goal be twice what lives, after each collection: what lives may be a report of a hundred
// thousand findings, and below it the collector would do nothing else than run.
func follow() {
	runtime.AddCleanup(new(*byte), func(int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetMemoryLimit(max(goal, 2*int64(live[0].Value.Uint64())))
		follow()
	}, 0)
}
