//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// limit bounds the memory that this program may take, in bytes.
func limit(most uint64) error {
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("bound the memory to %d bytes: %w", most, err)
	}
	return nil
}
