// Command plimsoll keeps containers safe from the Dockerfile to the running process.
package main

import (
	"os"

	"github.com/plimsoll/plimsoll/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Process()))
}
