package dockerfile

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

var unverifiedAdd = Check{
	Card: check.Card{
		ID: "dockerfile/unverified-add", Title: "ADD fetches a file that nothing verifies", Severity: finding.Medium,
		Page: check.Page{
			Why: "Whoever holds the server, or the name of its host tomorrow, decides what is in the image. Over plain\n" +
				"http, everybody on the way does.",
			Fix:  "Add the file's digest: `ADD --checksum=sha256:… https://…`.",
			Bad:  "FROM debian:12\nADD https://example.com/tool /usr/local/bin/tool\n",
			Good: "FROM debian:12\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool /usr/local/bin/tool\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ADD", func(in *dockerfile.Instruction) {
			sources, dest, _ := copied(in)
			if sum, ok := in.Flag("checksum"); ok && sum != "" || in.Stage != nil && !in.Stage.Used {
				return
			}
			for _, s := range sources {
				address, _ := in.Expand(s)
				if address == "" {
					address = s
				}
				plain := strings.HasPrefix(address, "http://")
				if isGit(address) || !plain && !strings.HasPrefix(address, "https://") {
					continue
				}
				h := mended(hit(in, "ADD "+dest, shell.Host(address)), "Write ADD --checksum=sha256:DIGEST, with the digest of the file as its makers publish it.")
				if plain {
					h.Severity = finding.High
					h.Detail += " over plain http"
				}
				hits = append(hits, h)
			}
		})
		return hits
	},
}

var unpinnedGit = Check{
	Card: check.Card{
		ID: "dockerfile/unpinned-git", Title: "ADD takes a repository at a branch or tag", Severity: finding.Low,
		Page: check.Page{
			Why:  "Branches move and tags can be moved: the next build has other sources, and nobody decided that.",
			Fix:  "Name the commit: `ADD https://example.com/app.git#COMMIT /src`, or add `--checksum=COMMIT` to the tag.",
			Bad:  "FROM debian:12\nADD https://example.com/app.git#main /src\n",
			Good: "FROM debian:12\nADD https://example.com/app.git#3c1b5ed0a9f54ee3a36a80ab14b4a2c4bb6c3b3d /src\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		named(f, "ADD", func(in *dockerfile.Instruction) {
			sources, dest, _ := copied(in)
			if sum, ok := in.Flag("checksum"); ok && sum != "" || in.Stage != nil && !in.Stage.Used {
				return
			}
			for _, s := range sources {
				address, known := in.Expand(s)
				if !known || !isGit(address) || pinned(address) {
					continue
				}
				bare, ref, _ := strings.Cut(address, "#")
				if ref == "" {
					ref = "its default branch"
				}
				hits = append(hits, hit(in, "ADD "+dest, fmt.Sprintf("%s at %s", shell.Host(bare), ref)))
			}
		})
		return hits
	},
}

// pinned says that the address of a repository names a commit.
func pinned(address string) bool {
	_, ref, _ := strings.Cut(address, "#")
	ref, _, _ = strings.Cut(ref, ":")
	if _, query, ok := strings.Cut(address, "?"); ok {
		for _, part := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == '#' }) {
			if sum, ok := strings.CutPrefix(part, "checksum="); ok {
				ref = sum
			} else if sum, ok := strings.CutPrefix(part, "commit="); ok {
				ref = sum
			}
		}
	}
	return len(ref) >= 40 && strings.Trim(strings.ToLower(ref), "0123456789abcdef") == ""
}
