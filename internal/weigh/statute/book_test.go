package statute

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

// crowd is a cluster with exceptions for all, and one in each of its namespaces.
func crowd(t testing.TB, wide, namespaces int) (all []*kube.Object) {
	for i := range wide {
		all = append(all, except(t, "", fmt.Sprintf("wide%04d", i), fmt.Sprintf(", name: ['w%d-*']", i)))
	}
	for i := range namespaces {
		all = append(all, except(t, fmt.Sprintf("n%04d", i), "own", ", name: ['a-*']"))
	}
	return all
}

// edited is an object that somebody wrote again.
func edited(t testing.TB, o *kube.Object) *kube.Object {
	again := except(t, o.Namespace, o.Name, ", name: ['b-*']")
	again.Fields["metadata"].(map[string]any)["generation"] = generation(o) + 1
	return again
}

// TestCompiledOnce counts what is compiled when something changes: what changed, and what is made from it.
func TestCompiledOnce(t *testing.T) {
	file, err := exceptionfile.Parse("exceptions.yaml", []byte("exceptions:\n- {rule: pod/host-network, reason: r, owner: o, until: 2026-12-31}\n"))
	if err != nil {
		t.Fatal(err)
	}
	const wide, namespaces = 3, 5
	c := compiler(t, Files{Exceptions: []exceptionfile.File{file}})
	objects := crowd(t, wide, namespaces)
	seen := map[*exception.Set]bool{}
	parsed := map[*exceptionfile.File]bool{}
	for _, step := range []struct {
		why           string
		change        func()
		sets, objects int // that are compiled, and read
	}{
		{"the first time", func() {}, namespaces + 1, wide + namespaces},
		{"nothing changed", func() {}, 0, 0},
		{"one namespace's own", func() { objects[wide] = edited(t, objects[wide]) }, 1, 1},
		{"one for all", func() { objects[0] = edited(t, objects[0]) }, namespaces + 1, 1},
		{"a policy", func() { objects = append(objects, policyOf(t, 1, "p", "p", "true")) }, 0, 0},
		{"one is gone, and its namespace has none", func() { objects = append(objects[:wide:wide], objects[wide+1:]...) }, 0, 0},
	} {
		step.change()
		b := c.Compile(objects)
		sets, read := 0, 0
		for range 2 { // whoever asks again gets the same
			for _, of := range b.sets {
				if s := of(); !seen[s] {
					seen[s] = true
					sets++
				}
			}
		}
		for _, files := range b.of {
			for _, f := range files {
				if !parsed[f] {
					parsed[f] = true
					read++
				}
			}
		}
		if sets != step.sets || read != step.objects || len(b.Wrong) > 0 {
			t.Errorf("%s: %d sets were compiled and %d objects read, not %d and %d; wrong: %v", step.why, sets, read, step.sets, step.objects, b.Wrong)
		}
		of := b.Allow("n0001", today).Files()
		if len(of) != 1+wide+1 || of[0].Name != "exceptions.yaml" || of[wide+1].Name != "Exception/n0001/own" {
			t.Errorf("%s: a namespace has %v", step.why, of)
		}
	}
}

// BenchmarkSwap has one of a thousand namespaces change its exception, and all ask what is let pass, within the bounds.
func BenchmarkSwap(b *testing.B) {
	c := compiler(b, Files{})
	objects := crowd(b, mostExceptions, 1_000)
	var book *Book
	ask := func() {
		book = c.Compile(objects)
		for i := range 1_000 {
			book.Allow(fmt.Sprintf("n%04d", i), today)
		}
	}
	ask()
	for b.Loop() {
		objects[mostExceptions] = edited(b, objects[mostExceptions])
		ask()
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MB-heap")
	runtime.KeepAlive(book)
}
