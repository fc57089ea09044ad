package cli

import (
	"context"

	"github.com/plimsoll/plimsoll/internal/read/shellcheck"
)

// shellchecker has the program ShellCheck look at scripts, if it was asked for; else it is nil.
func (o *scanOptions) shellchecker(ctx context.Context) (func([]shellcheck.Script) ([]shellcheck.Comment, error), error) {
	if !o.shellcheck {
		return nil, nil
	}
	tool, err := shellcheck.Find()
	if err != nil {
		return nil, usage("--shellcheck: %v", err)
	}
	return func(all []shellcheck.Script) ([]shellcheck.Comment, error) { return tool.Look(ctx, all) }, nil
}
