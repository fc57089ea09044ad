// Command plimsoll-sigstore checks and makes signatures by Sigstore's own library, for plimsoll verify and
// plimsoll attest, which call it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	check "github.com/plimsoll/plimsoll/internal/read/attestation/keyless"
	"github.com/plimsoll/plimsoll/internal/tell/attest/keyless"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := helper.Serve(ctx, os.Stdin, os.Stdout, check.Verify, keyless.Sign); err != nil {
		fmt.Fprintln(os.Stderr, helper.Name+":", err)
		os.Exit(2)
	}
}
