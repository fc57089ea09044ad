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
	// goal is the heap, in bytes, from which on the garbage collector works harder. What the scan of an image
	// keeps is far less; the rest is buffers that are used again.
	goal = 96 << 20
	// growth is by how much a smaller heap may grow before it is collected, in percent of what lives.
	growth = 200
	// harder is the same for a heap beyond the goal, whatever lives: it may be a report of a hundred thousand
	// findings, and below that the collector would do nothing else than run.
	harder = 75
)

var _ = bound()

// bound does without a limit on memory (GOMEMLIMIT), which a heap that grows past it would have the runtime give
// back to the system page by page, to ask for it again.
func bound() struct{} {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
		follow()
	}
	return struct{}{}
}

// follow sets the growth anew after each collection.
func follow() {
	runtime.AddCleanup(new(*byte), func(int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(percent(live[0].Value.Uint64()))
		follow()
	}, 0)
}

// percent is by how much a heap may grow of which so many bytes live: up to the goal, where that is between both.
func percent(live uint64) int {
	if live == 0 {
		return growth
	}
	return min(growth, max(harder, (goal-int(live))*100/int(live)))
}
