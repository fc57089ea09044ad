package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/gitleaks"
)

// secretOptions say what a secret is.
type secretOptions struct{ rules string }

func (o *secretOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.rules, "secret-rules", "", "`FILE` of rules for secrets, in Gitleaks' form; they take the place of the built-in ones unless it says [extend] useDefault = true")
}

// engine is what finds secrets.
func (o *secretOptions) engine() (*secret.Engine, error) {
	var rules *gitleaks.Rules
	if o.rules != "" {
		info, err := os.Stat(o.rules)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, usage("--secret-rules %s: there is no such file", o.rules)
		case err != nil:
			return nil, usage("--secret-rules %v", err)
		case !info.Mode().IsRegular() || info.Size() > gitleaks.MaxFile:
			return nil, usage("--secret-rules %s: it is no file of at most %d bytes", o.rules, gitleaks.MaxFile)
		}
		b, err := os.ReadFile(o.rules)
		if err != nil {
			return nil, usage("--secret-rules %v", err)
		}
		if rules, err = gitleaks.Parse(o.rules, b); err != nil {
			return nil, usage("--secret-rules: %v", err)
		}
	}
	e, err := secret.New(rules)
	if err != nil {
		return nil, usage("--secret-rules: %v", err)
	}
	return e, nil
}
