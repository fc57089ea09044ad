package inventory_test

import (
	"context"
	"os"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// BenchmarkLayer reads the tar that PLIMSOLL_BENCH_LAYER names, as one layer.
func BenchmarkLayer(b *testing.B) {
	path := os.Getenv("PLIMSOLL_BENCH_LAYER")
	if path == "" {
		b.Skip("PLIMSOLL_BENCH_LAYER names no tar")
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	r := inventory.Reader{Ecosystems: all.Ecosystems(), Buffer: layer.NewBuffer(32<<20, 8<<30, b.TempDir()), Limits: layer.DefaultLimits, Traits: true}
	l := image.Layer{Open: func(context.Context) (layer.Blob, error) { return layer.Blob{At: f, Size: info.Size()}, nil }}
	b.SetBytes(info.Size())
	for b.Loop() {
		c, err := r.Layer(context.Background(), l)
		if err != nil {
			b.Fatal(err)
		}
		inv := inventory.Squash([]*inventory.Contents{c}, all.Ecosystems())
		b.ReportMetric(float64(len(inv.Packages)), "packages")
	}
}
