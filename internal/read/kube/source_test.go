package kube

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestLongDocuments wants the lines of few long documents to stay in memory, however many there are.
func TestLongDocuments(t *testing.T) {
	var r Reader
	var all []*Object
	for i := range 3 * len(r.shelf.kept) {
		text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m%d}\ndata:\n  long: %s\n  last: here\n", i, strings.Repeat("x", longText))
		objects, problems := r.Manifest("m.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		all = append(all, objects...)
	}
	for range 2 { // what is gone is read again
		for _, o := range all {
			if at := o.At("data.last"); at[0].StartLine != 6 {
				t.Fatalf("%s: %+v", o.Name, at)
			}
		}
	}
	runtime.GC()
	runtime.GC()
	held := 0
	for _, o := range all {
		if o.Source.written.last.Value() != nil {
			held++
		}
	}
	if most := len(r.shelf.kept); held > most {
		t.Errorf("%d long documents are held, and not at most %d", held, most)
	}
	runtime.KeepAlive(&r)
}
