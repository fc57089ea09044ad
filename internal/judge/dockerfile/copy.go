package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// copied parts the sources of a COPY or ADD from its destination; false when it has none.
func copied(in *dockerfile.Instruction) (sources []string, dest string, ok bool) {
	last := len(in.Args) - 1
	if last < 1 {
		return nil, "", false
	}
	return in.Args[:last], in.Args[last], true
}

// isHeredoc says that a source is a here-document.
func isHeredoc(source string) bool { return strings.HasPrefix(source, "<<") }

// remote says that a source is fetched: an address, or a repository of git.
func remote(source string) bool { return strings.Contains(source, "://") || isGit(source) }

// isGit knows what ADD takes for a repository.
func isGit(source string) bool {
	bare, _, _ := strings.Cut(source, "#")
	bare, _, _ = strings.Cut(bare, "?")
	return strings.HasPrefix(source, "git@") || strings.HasPrefix(source, "git://") || strings.HasPrefix(source, "ssh://") ||
		strings.Contains(source, "://") && strings.HasSuffix(bare, ".git")
}

// archive knows what ADD unpacks.
func archive(source string) bool {
	source = strings.ToLower(source)
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".gz", ".tar.bz2", ".tbz2", ".tbz", ".bz2", ".tar.xz", ".txz", ".xz", ".tar.zst", ".tzst", ".zst", ".tb2", ".lz", ".lzma", ".tlz", ".tpz", ".z"} {
		if strings.HasSuffix(source, end) {
			return true
		}
	}
	return false
}

var addInsteadOfCopy = Check{
	Card: check.Card{
		ID: "dockerfile/add-instead-of-copy", Title: "ADD does what COPY does", Severity: finding.Low,
		Aliases:  []string{"hadolint/DL3020", "trivy/DS-0005", "checkov/CKV_DOCKER_4", "dockle/CIS-DI-0009"},
		Controls: []string{"cis-docker-1.7/4.9"},
		Page: check.Page{
			Why: "ADD also unpacks archives and fetches addresses: a file that turns out to be an archive spreads over the\n" +
				"image. COPY only copies.",
			Fix:  "Write COPY.",
			Bad:  "FROM debian:12\nADD app.conf /etc/app.conf\n",
			Good: "FROM debian:12\nCOPY app.conf /etc/app.conf\nADD root.tar.gz /\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ADD", func(in *dockerfile.Instruction) {
			sources, dest, ok := copied(in)
			if !ok || f.Built {
				return // a history keeps a digest in place of what was added
			}
			for _, s := range sources {
				value, known := in.Expand(s)
				if !known || remote(value) || archive(value) || strings.ContainsAny(value, "*?[") {
					return
				}
			}
			hits = append(hits, mended(hit(in, "ADD "+dest, strings.Join(sources, " ")), "Write COPY in place of ADD."))
		})
		return hits
	},
}

var severalToOneFile = Check{
	Card: check.Card{
		ID: "dockerfile/several-to-one-file", Title: "several sources are copied to what is no folder", Severity: finding.Medium,
		Aliases: []string{"hadolint/DL3021", "trivy/DS-0011"},
		Page: check.Page{
			Why:  "The builder refuses it: with more than one source, the destination must be a folder and end with a slash.",
			Fix:  "End the destination with a slash.",
			Bad:  "FROM debian:12\nCOPY package.json yarn.lock /app\n",
			Good: "FROM debian:12\nCOPY package.json yarn.lock /app/\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "COPY ADD", func(in *dockerfile.Instruction) {
			sources, dest, ok := copied(in)
			value, known := in.Expand(dest)
			if !ok || len(sources) < 2 || !known || f.Built || strings.HasSuffix(value, "/") || strings.HasSuffix(value, `\`) || value == "." || strings.HasSuffix(value, "/.") {
				return
			}
			hits = append(hits, mended(hit(in, in.Name+" "+dest, dest), fmt.Sprintf("Write %s/ as the destination.", dest)))
		})
		return hits
	},
}

var copyFromUnknown = Check{
	Card: check.Card{
		ID: "dockerfile/copy-from-unknown", Title: "COPY --from names no earlier stage", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3022"},
		Page: check.Page{
			Why: "A stage that comes later ends the build. A name that no stage has is taken for an image of a registry,\n" +
				"and one without a tag for its latest: a slip of the pen copies a stranger's files.",
			Fix:  "Name an earlier stage, or the image with its tag: `COPY --from=nginx:1.27 …`.",
			Bad:  "FROM golang:1.26 AS build\nFROM scratch\nCOPY --from=biuld /app /app\n",
			Good: "FROM golang:1.26 AS build\nFROM scratch\nCOPY --from=build /app /app\nCOPY --from=nginx:1.27 /etc/nginx /etc/nginx\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "COPY", func(in *dockerfile.Instruction) {
			from, ok := in.Flag("from")
			if !ok || from == "" || in.OnBuild || strings.ContainsAny(from, "$") || in.Stage == nil {
				return
			}
			what := "COPY --from=" + from
			switch s := f.Find(from); {
			case s == in.Stage && s != nil:
			case s != nil && s.Index > in.Stage.Index:
				h := mended(hit(in, what, fmt.Sprintf("%s comes later, on line %d", from, s.From.Start)), "Move the stage "+from+" before this one.")
				h.Severity = finding.Medium
				hits = append(hits, h)
			case s == nil && strings.Trim(from, "0123456789") == "":
				h := hit(in, what, fmt.Sprintf("there are %d stages, counted from 0", len(f.Stages)))
				h.Severity = finding.Medium
				hits = append(hits, h)
			case s == nil:
				if ref, ok := parseReference(from); ok && ref.tag == "" && ref.digest == "" {
					hits = append(hits, hit(in, what, from))
				}
			}
		})
		return hits
	},
}

var copyFromItself = Check{
	Card: check.Card{
		ID: "dockerfile/copy-from-itself", Title: "a stage copies from itself", Severity: finding.Medium,
		Aliases: []string{"hadolint/DL3023", "trivy/DS-0006"},
		Page: check.Page{
			Why:  "The builder refuses it: a stage can only copy from one that is finished.",
			Fix:  "Name another stage, or copy inside of the stage with RUN cp.",
			Bad:  "FROM debian:12 AS build\nCOPY --from=build /a /b\n",
			Good: "FROM debian:12 AS build\nRUN cp /a /b\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "COPY", func(in *dockerfile.Instruction) {
			if from, ok := in.Flag("from"); ok && in.Stage != nil && f.Find(from) == in.Stage && !in.OnBuild {
				hits = append(hits, hit(in, "COPY --from="+from, from))
			}
		})
		return hits
	},
}

var relativeCopy = Check{
	Card: check.Card{
		ID: "dockerfile/relative-copy", Title: "files are copied to a relative path, and no WORKDIR says from where", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3045"},
		Page: check.Page{
			Why:  "They land in the folder that the base image was left in, which is often / and changes with it.",
			Fix:  "Write the whole path, or set WORKDIR first.",
			Bad:  "FROM debian:12\nCOPY app.conf conf/\n",
			Good: "FROM debian:12\nWORKDIR /srv/app\nCOPY app.conf conf/\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "COPY", func(in *dockerfile.Instruction) {
			_, dest, ok := copied(in)
			value, known := in.Expand(dest)
			if !ok || !known || in.Stage == nil || in.OnBuild || absolute(value) || setsWorkdir(in) {
				return
			}
			hits = append(hits, mended(hit(in, "COPY "+value, value), "Write the whole path of the destination, or WORKDIR before it."))
		})
		return hits
	},
}

// setsWorkdir says that a WORKDIR stands before it in its stage, or in one that it is built from.
func setsWorkdir(in *dockerfile.Instruction) bool {
	for s := in.Stage; s != nil; s = s.Parent {
		for _, before := range s.Instructions {
			if before == in {
				break
			}
			if before.Name == "WORKDIR" {
				return true
			}
		}
	}
	return false
}

var copyWholeFilesystem = Check{
	Card: check.Card{
		ID: "dockerfile/copy-whole-filesystem", Title: "the whole file system of an image is copied", Severity: finding.Low,
		Aliases: []string{"hadolint/DL3067"},
		Page: check.Page{
			Why: "Everything of the other stage comes along: its package manager and its caches, and links and devices of\n" +
				"the system lie over those of this one. On a stage that is scratch it is a way to squash layers, which\n" +
				"no scanner can look behind.",
			Fix:  "Copy the folders that are needed.",
			Bad:  "FROM debian:12 AS build\nFROM debian:12\nCOPY --from=build / /\n",
			Good: "FROM debian:12 AS build\nFROM debian:12\nCOPY --from=build /srv/app /srv/app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "COPY", func(in *dockerfile.Instruction) {
			from, ok := in.Flag("from")
			sources, dest, _ := copied(in)
			if !ok || len(sources) != 1 || sources[0] != "/" || dest != "/" || in.Stage == nil || strings.EqualFold(in.Stage.Base, "scratch") {
				return
			}
			hits = append(hits, hit(in, "COPY --from="+from, from))
		})
		return hits
	},
}
