// Command plimsoll-render renders charts and overlays by Helm's and Kustomize's own libraries, for plimsoll scan,
// which calls it.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/plimsoll/plimsoll/internal/read/kube/chart"
	"github.com/plimsoll/plimsoll/internal/read/kube/kustomize"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// maxStack bounds, in bytes, how deep templates call each other.
const maxStack = 256 << 20

func main() {
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(render.MaxMemory / 2)
	err := limit(render.MaxMemory)
	if err == nil {
		err = render.Serve(os.Stdin, os.Stdout, chart.Render, kustomize.Build)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, render.Name+":", err)
		os.Exit(2)
	}
}
