// Command judge runs go test -json and says how the run went: a line for each package, the output of
// what failed, and a count. A skipped test fails the run unless the file that it is given permits it.
//
//	judge skips.txt go test -json ./...
//
// Each line of that file is PACKAGE TEST REASON…; lines that begin with # are remarks.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: judge SKIPS COMMAND...")
		os.Exit(2)
	}
	good, err := run(os.Stdout, os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// run judges what the command writes. The command's own status counts too: one that was killed may
// have left nothing that looks like a failure.
func run(to io.Writer, skips string, command []string) (bool, error) {
	permitted, err := permits(skips)
	if err != nil {
		return false, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	j := judge{out: to, permitted: permitted}
	err = j.read(out)
	if err != nil {
		_, _ = io.Copy(io.Discard, out) // or the command would wait for ever
	}
	good := j.verdict()
	return good, errors.Join(err, cmd.Wait())
}

// permits reads which tests may be skipped, with the reason, by "PACKAGE TEST".
func permits(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	permitted := map[string]string{}
	for n, line := range strings.Split(string(b), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) < 3 {
			return nil, fmt.Errorf("%s:%d: write PACKAGE TEST REASON", path, n+1)
		}
		permitted[words[0]+" "+words[1]] = strings.Join(words[2:], " ")
	}
	return permitted, nil
}
