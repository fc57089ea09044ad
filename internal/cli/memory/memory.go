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
	// growth is by how much a small heap may grow before it is collected, in percent of what lives.
	growth = 200
	// room is how many bytes any heap may grow by. What the scan of an image keeps is some 60 MiB at most, the rest
	// is buffers that are used again: twice as much room costs 50 MB more and saves no time that can be measured.
	room = 24 << 20
	// harder is by how much a large heap may grow, in percent of what lives beyond the spared bytes. It may be a report
	// of a hundred thousand findings, for which the collector would do nothing else than run if it had the room alone.
	harder = 75
	spared = 54 << 20
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

// percent is by how much a heap may grow of which so many bytes live.
func percent(live uint64) int {
	if live == 0 {
		return growth
	}
	more := max(room, (int(live)-spared)/100*harder)
	return min(growth, more*100/int(live))
}
