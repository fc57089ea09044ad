// Command judge reads the events of go test -json on stdin and says how the run went. A skipped test
// fails the run unless the file that it is given permits it.
//
// Each line of that file is PACKAGE TEST REASON…; lines that begin with # are remarks.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

const module = "github.com/plimsoll/plimsoll/"

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	permitted, err := permits(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !judge(bufio.NewScanner(os.Stdin), permitted) {
		os.Exit(1)
	}
}

// permits reads which tests may be skipped, with the reason.
func permits(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	permitted := map[string]string{}
	for n, line := range strings.Split(string(b), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) < 3 {
			return nil, fmt.Errorf("%s:%d: write PACKAGE TEST REASON", path, n+1)
		}
		permitted[words[0]+" "+words[1]] = strings.Join(words[2:], " ")
	}
	return permitted, nil
}

func judge(lines *bufio.Scanner, permitted map[string]string) bool {
	lines.Buffer(nil, 64<<20)
	output := map[string]*strings.Builder{}
	var passed, failed, skipped int
	good := true
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // what does not build
			good = false
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
		case "pass":
			if e.Test == "" {
				fmt.Printf("ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)
			} else {
				passed++
			}
			delete(output, key)
		case "fail", "build-fail":
			good = false
			if e.Test != "" {
				failed++
			}
			if o := output[key]; o != nil {
				fmt.Print(o.String())
			}
			if e.Test == "" {
				fmt.Printf("FAIL\t%s\t%.3fs\n", e.Package, e.Elapsed)
			}
		case "skip":
			if e.Test == "" {
				continue // a package without tests
			}
			skipped++
			reason, ok := permitted[strings.TrimPrefix(e.Package, module)+" "+e.Test]
			if !ok {
				good = false
				fmt.Printf("SKIP\t%s %s is not permitted by skips.txt:\n", e.Package, e.Test)
				if o := output[key]; o != nil {
					fmt.Print(o.String())
				}
				continue
			}
			fmt.Printf("skip\t%s %s: %s\n", e.Package, e.Test, reason)
		}
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return good && lines.Err() == nil && failed == 0 && passed > 0
}
