package cli

import (
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/judge/license"
)

// licenseOptions say which licences packages may have. Without any, none is looked at.
type licenseOptions struct{ rules license.Rules }

func (o *licenseOptions) flags(f *pflag.FlagSet) {
	f.Var(parted(&o.rules.Deny), "deny-license", "`LICENSES` that packages may not have: SPDX ids, or permissive, weak-copyleft, strong-copyleft, network-copyleft, non-commercial or unknown")
	f.Var(parted(&o.rules.Allow), "allow-license", "`LICENSES` that packages may have, and no others: SPDX ids and classes")
}

func (o *licenseOptions) validate(checks []string) error {
	var table *license.Table
	for flag, list := range map[string][]string{"--deny-license": o.rules.Deny, "--allow-license": o.rules.Allow} {
		for _, word := range list {
			if table == nil {
				table = license.New()
			}
			if !table.Known(word) {
				return usage("%s %q is neither a licence of SPDX's list nor a class%s", flag, word, suggestion(word, licenseWords()))
			}
		}
	}
	if len(checks) == 1 && checks[0] == "license" && !o.rules.Asked() {
		return usage("--checks license looks at nothing without a list: give --deny-license or --allow-license")
	}
	return nil
}

// licenseWords are the classes, and the ids that are written most.
func licenseWords() (words []string) {
	for _, c := range license.Classes() {
		words = append(words, string(c))
	}
	return append(words, "AGPL-3.0-only", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
		"GPL-3.0-or-later", "ISC", "LGPL-2.1-or-later", "LGPL-3.0-or-later", "MIT", "MPL-2.0", "SSPL-1.0", "Unlicense")
}
