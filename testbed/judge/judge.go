package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const module = "github.com/plimsoll/plimsoll/"

// event is one line of go test -json, as go doc test2json has it; Elapsed is in seconds. Output of a
// build has an ImportPath in place of a Package.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// judge writes to out what a reader needs of a run, and counts.
type judge struct {
	out                     io.Writer
	permitted               map[string]string
	output                  map[string]*strings.Builder // of what has not ended, by "PACKAGE TEST"
	passed, failed, skipped int
	bad                     bool // something is wrong that failed does not count
}

// read takes every event. A line that is none is written as it is, and is not good.
func (j *judge) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	j.output = map[string]*strings.Builder{}
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(j.out, lines.Text())
			j.bad = true
			continue
		}
		j.take(e)
	}
	return lines.Err()
}

func (j *judge) take(e event) {
	key := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "start", "run":
		j.output[key] = &strings.Builder{}
	case "output", "build-output":
		if j.output[key] == nil {
			j.output[key] = &strings.Builder{}
		}
		j.output[key].WriteString(e.Output)
	case "pass":
		if e.Test != "" {
			j.passed++
		} else {
			fmt.Fprintf(j.out, "ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)
		}
		delete(j.output, key)
	case "fail", "build-fail":
		j.fail(e, key)
	case "skip":
		j.skip(e, key)
	}
}

// fail shows what failed. A package that fails shows its tests that never ended too: one of them has
// the panic, or has ended the program. The package's own output has go test's line on it.
func (j *judge) fail(e event, key string) {
	if e.Test != "" {
		j.failed++
		j.show(key)
		return
	}
	j.bad = true
	for _, k := range slices.Sorted(maps.Keys(j.output)) {
		if k != key && strings.HasPrefix(k, key) {
			j.show(k)
		}
	}
	j.show(key)
}

func (j *judge) skip(e event, key string) {
	if e.Test == "" { // a package without tests
		delete(j.output, key)
		return
	}
	j.skipped++
	if reason, ok := j.permitted[strings.TrimPrefix(e.Package, module)+" "+e.Test]; ok {
		fmt.Fprintf(j.out, "skip\t%s %s: %s\n", e.Package, e.Test, reason)
		delete(j.output, key)
		return
	}
	j.bad = true
	fmt.Fprintf(j.out, "SKIP\t%s %s is not permitted by skips.txt:\n", e.Package, e.Test)
	j.show(key)
}

// show writes what something said, once.
func (j *judge) show(key string) {
	if o := j.output[key]; o != nil {
		fmt.Fprint(j.out, o.String())
	}
	delete(j.output, key)
}

// verdict writes the count, and is true if all passed and nothing was left without an end.
func (j *judge) verdict() bool {
	for key := range j.output {
		if strings.HasSuffix(key, " ") && strings.HasPrefix(key, module) {
			fmt.Fprintf(j.out, "FAIL\t%sdid not end\n", key)
			j.bad = true
		}
	}
	fmt.Fprintf(j.out, "\n%d passed, %d failed, %d skipped\n", j.passed, j.failed, j.skipped)
	return !j.bad && j.failed == 0 && j.passed > 0
}
