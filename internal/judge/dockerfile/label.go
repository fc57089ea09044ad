package dockerfile

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/github/go-spdx/v2/spdxexp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// labels visits the labels of the image, each with its value as far as that is known.
func labels(f *dockerfile.File, visit func(in *dockerfile.Instruction, key, value string, known bool)) {
	named(f, "LABEL", func(in *dockerfile.Instruction) {
		if !ships(in) || in.OnBuild {
			return
		}
		for _, p := range in.Pairs {
			key, _ := in.Expand(p.Key)
			value, known := in.Expand(p.Value)
			visit(in, key, value, known)
		}
	})
}

var labelKey = Check{
	Card: check.Card{
		ID: "dockerfile/label-key", Title: "a label has a name that tools do not take", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3048"},
		Page: check.Page{
			Why: "Names of labels are lower case letters, digits, dots and hyphens, as in com.example.team; those of\n" +
				"com.docker, io.docker and org.dockerproject are Docker's own.",
			Fix:  "Write the name so, beginning with a domain of one's own turned round.",
			Bad:  "FROM debian:12\nLABEL com.example..Team=web\n",
			Good: "FROM debian:12\nLABEL com.example.team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		labels(f, func(in *dockerfile.Instruction, key, _ string, _ bool) {
			if !goodKey(key) {
				hits = append(hits, hit(in, "LABEL "+key, key))
			}
		})
		return hits
	},
}

func goodKey(key string) bool {
	for _, own := range []string{"com.docker.", "io.docker.", "org.dockerproject."} {
		if strings.HasPrefix(key, own) && !strings.HasPrefix(key, "com.docker.extension.") && !strings.HasPrefix(key, "com.docker.desktop.") {
			return false
		}
	}
	if key == "" || !isAlnum(key[0]) || !isAlnum(key[len(key)-1]) || strings.Contains(key, "..") || strings.Contains(key, "--") {
		return false
	}
	for i := range len(key) {
		if c := key[i]; !isAlnum(c) && c != '.' && c != '-' && c != '_' && c != '/' {
			return false
		}
	}
	return true
}

var labelMissing = Check{
	Card: check.Card{
		ID: "dockerfile/label-missing", Title: "a label is missing that the project wants", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3049"},
		Page: check.Page{
			Why:  "The project's settings (label-schema in .hadolint.yaml) list the labels of each image.",
			Fix:  "Add it: `LABEL NAME=\"value\"`.",
			Bad:  "# labels: team text\nFROM debian:12\n",
			Good: "# labels: team text\nFROM debian:12\nLABEL team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if len(f.Settings.LabelSchema) == 0 || f.Target == nil {
			return nil
		}
		have := map[string]bool{}
		labels(f, func(_ *dockerfile.Instruction, key, _ string, _ bool) { have[key] = true })
		for _, key := range sortedKeys(f.Settings.LabelSchema) {
			if !have[key] {
				hits = append(hits, mended(hit(f.Target.From, "LABEL "+key, key), "Add LABEL "+key+"=\"…\"."))
			}
		}
		return hits
	},
}

var labelUnknown = Check{
	Card: check.Card{
		ID: "dockerfile/label-unknown", Title: "a label is set that the project does not know", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3050"},
		Page: check.Page{
			Why:  "The project's settings say strict-labels: no others than those of label-schema.",
			Fix:  "Leave it out, or add it to label-schema in .hadolint.yaml.",
			Bad:  "# labels: team text\nFROM debian:12\nLABEL team=web taem=web\n",
			Good: "# labels: team text\nFROM debian:12\nLABEL team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if !f.Settings.StrictLabels {
			return nil
		}
		labels(f, func(in *dockerfile.Instruction, key, _ string, _ bool) {
			if _, ok := f.Settings.LabelSchema[key]; !ok {
				hits = append(hits, hit(in, "LABEL "+key, key))
			}
		})
		return hits
	},
}

var labelEmpty = Check{
	Card: check.Card{
		ID: "dockerfile/label-empty", Title: "a label that the project wants is empty", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3051"},
		Page: check.Page{
			Why:  "Who asks for the label gets nothing.",
			Fix:  "Give it its value.",
			Bad:  "# labels: team text\nFROM debian:12\nLABEL team=\"\"\n",
			Good: "# labels: team text\nFROM debian:12\nLABEL team=web\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		labels(f, func(in *dockerfile.Instruction, key, value string, known bool) {
			if _, wanted := f.Settings.LabelSchema[key]; wanted && known && value == "" {
				hits = append(hits, hit(in, "LABEL "+key, key))
			}
		})
		return hits
	},
}

var labelFormat = Check{
	Card: check.Card{
		ID: "dockerfile/label-format", Title: "a label's value is not of the kind that the project wants", Severity: finding.Info,
		Aliases: []string{"hadolint/DL3052", "hadolint/DL3053", "hadolint/DL3054", "hadolint/DL3055", "hadolint/DL3056", "hadolint/DL3058"},
		Page: check.Page{
			Why: "The project's settings (label-schema in .hadolint.yaml) say what each label holds: url, rfc3339, spdx,\n" +
				"hash, semver or email. What reads them stumbles over others.",
			Fix:  "Write the value in that form.",
			Bad:  "# labels: version semver\nFROM debian:12\nLABEL version=newest\n",
			Good: "# labels: version semver\nFROM debian:12\nLABEL version=1.2.3\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		labels(f, func(in *dockerfile.Instruction, key, value string, known bool) {
			kind := f.Settings.LabelSchema[key]
			if kind != "" && known && value != "" && !ofKind(kind, value) {
				hits = append(hits, hit(in, "LABEL "+key, key+" is to be "+kind))
			}
		})
		return hits
	},
}

// ofKind holds a value against a kind of label. What it does not know is text.
func ofKind(kind, value string) bool {
	switch strings.ToLower(kind) {
	case "url":
		u, err := url.Parse(value)
		return err == nil && u.Scheme != "" && u.Host != ""
	case "rfc3339":
		_, err := time.Parse(time.RFC3339, value)
		return err == nil
	case "spdx":
		ok, _ := spdxexp.ValidateLicenses([]string{value})
		return ok
	case "hash":
		return (len(value) == 40 || len(value) == 7 || len(value) == 64) && strings.Trim(value, "0123456789abcdef") == ""
	case "semver":
		return semantic(value)
	case "email":
		name, host, ok := strings.Cut(value, "@")
		return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(value, " \t<>") && !strings.Contains(host, "@")
	}
	return true
}

// semantic knows versions of semver.org's kind.
func semantic(v string) bool {
	v, build, hasBuild := strings.Cut(v, "+")
	v, pre, hasPre := strings.Cut(v, "-")
	if hasBuild && build == "" || hasPre && pre == "" {
		return false
	}
	parts := strings.Split(v, ".")
	return len(parts) == 3 && !slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || strings.Trim(p, "0123456789") != "" || len(p) > 1 && p[0] == '0'
	})
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
