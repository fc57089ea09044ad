package dockerfile

import (
	"fmt"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// fromContext visits the sources that are copied from the folder that is built from.
func fromContext(f *dockerfile.File, visit func(in *dockerfile.Instruction, source string)) {
	named(f, "COPY ADD", func(in *dockerfile.Instruction) {
		if _, ok := in.Flag("from"); ok || f.Built {
			return
		}
		sources, _, _ := copied(in)
		for _, s := range sources {
			if value, known := in.Expand(s); known && !remote(value) && !isHeredoc(value) {
				visit(in, value)
			}
		}
	})
}

var ignoredFile = Check{
	Card: check.Card{
		ID: "dockerfile/ignored-file", Title: "a file is copied that .dockerignore keeps out", Severity: finding.Low,
		Aliases: []string{"buildkit/CopyIgnoredFile"},
		Page: check.Page{
			Why:  "The builder never sees the file: the build ends here, or goes on without it.",
			Fix:  "Take the file out of .dockerignore, or the line out of the Dockerfile.",
			Bad:  "# .dockerignore: *.tmp\nFROM debian:12\nCOPY notes.tmp /srv/\n",
			Good: "# .dockerignore: *.tmp\nFROM debian:12\nCOPY notes.txt /srv/\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if f.Ignore == nil || f.Ignore.Excepts() {
			return nil // as BuildKit has it: with exceptions, it takes the files to tell
		}
		fromContext(f, func(in *dockerfile.Instruction, source string) {
			if f.Ignore.Covers(source) {
				hits = append(hits, hit(in, in.Name+" "+source, source))
			}
		})
		return hits
	},
}

var noDockerignore = Check{
	Card: check.Card{
		ID: "dockerfile/no-dockerignore", Title: "the whole folder is copied, and no .dockerignore keeps anything out", Severity: finding.Low,
		Page: check.Page{
			Why: "Everything that lies there becomes part of the image: .git with its history, .env with its passwords,\n" +
				"keys, dumps, and node_modules of another system.",
			Fix:  "Write a .dockerignore beside the Dockerfile with at least .git, .env and what the build makes; or copy what is needed by name.",
			Bad:  "# folder\nFROM node:22\nCOPY . /srv/app\n",
			Good: "# .dockerignore: .git, .env\nFROM node:22\nCOPY . /srv/app\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		if f.Ignore != nil || !f.Folder {
			return nil
		}
		fromContext(f, func(in *dockerfile.Instruction, source string) {
			if clean := path.Clean("/" + source); clean != "/" || in.Stage != nil && !in.Stage.Used {
				return
			}
			h := hit(in, in.Name+" .", "")
			if !ships(in) {
				h.Severity = finding.Info // the stage is left behind
			}
			hits = append(hits, h)
		})
		return hits
	},
}

// secretFiles are names of files that hold nothing but secrets.
func secretFile(source string) bool {
	name := strings.ToLower(path.Base(source))
	dir := strings.ToLower(path.Base(path.Dir(source)))
	switch name {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env", ".netrc", "_netrc", ".pgpass", ".git-credentials", ".htpasswd", ".vault-token", ".envrc":
		return true
	case "credentials":
		return dir == ".aws"
	case "config.json":
		return dir == ".docker"
	case "config":
		return dir == ".kube"
	case ".ssh", ".aws", ".gnupg", ".kube":
		return true
	}
	for _, end := range []string{".p12", ".pfx", ".jks", ".kdbx", ".ppk", ".ovpn", ".keytab"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	for _, begin := range []string{".env.prod", ".env.local"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return strings.HasSuffix(name, ".key") && !strings.Contains(name, "pub") || strings.HasSuffix(name, "-key.pem") || name == "key.pem" || name == "privkey.pem"
}

var copiedCredentials = Check{
	Card: check.Card{
		ID: "dockerfile/copied-credentials", Title: "a file of credentials is copied into the image", Severity: finding.High,
		Aliases:  []string{"trivy/DS-0031", "dockle/CIS-DI-0010"},
		Controls: []string{"cis-docker-1.7/4.10"},
		Page: check.Page{
			Why: "Whoever can pull the image has the file, also when a later instruction removes it: the layer that brought\n" +
				"it stays.",
			Fix: "Hand it to the one RUN that needs it: `RUN --mount=type=secret,id=key …`, built with `--secret id=key,src=…`.\n\n" +
				"What the program needs while it runs comes from the engine: a secret of Swarm or Kubernetes.",
			Bad:  "FROM debian:12\nCOPY id_rsa /root/.ssh/id_rsa\n",
			Good: "FROM debian:12\nRUN --mount=type=secret,id=key,target=/root/.ssh/id_rsa git clone git@example.com:app.git\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		fromContext(f, func(in *dockerfile.Instruction, source string) {
			if !secretFile(source) || f.Ignore != nil && !f.Ignore.Excepts() && f.Ignore.Covers(source) {
				return
			}
			h := mended(hit(in, in.Name+" "+source, source), "Leave the line out; mount "+path.Base(source)+" where it is needed: RUN --mount=type=secret,id="+path.Base(source)+" …")
			if !ships(in) {
				h.Severity = finding.Low // it stays in the cache of the builder
			}
			hits = append(hits, h)
		})
		return hits
	},
}

var writableCode = Check{
	Card: check.Card{
		ID: "dockerfile/writable-code", Title: "the program can change its own code", Severity: finding.Low,
		Page: check.Page{
			Why: "Code that belongs to the user that runs it, or that everybody may write, is where an intruder stays:\n" +
				"what is written there runs at the next start of the process.",
			Fix: "Copy code as root and without --chown: it can be read all the same. Give the user only the folders that it\n" +
				"writes to.",
			Bad:  "FROM node:22\nUSER node\nCOPY --chown=node:node . /srv/app\nCMD [\"node\", \"/srv/app\"]\n",
			Good: "FROM node:22\nCOPY . /srv/app\nRUN install -d -o node /srv/app/cache\nUSER node\nCMD [\"node\", \"/srv/app\"]\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		user := runtimeUser(f)
		named(f, "COPY ADD", func(in *dockerfile.Instruction) {
			_, dest, ok := copied(in)
			if !ok || in.Stage == nil || !in.Stage.Ships || in.OnBuild {
				return
			}
			mode, _ := in.Flag("chmod")
			owner, _ := in.Flag("chown")
			owner, _ = in.Expand(owner)
			name, _, _ := strings.Cut(owner, ":")
			switch {
			case worldWritable(mode):
				h := mended(hit(in, in.Name+" "+dest, "--chmod="+mode+" lets everybody write"), "Write --chmod="+withoutWorld(mode)+".")
				h.Severity = finding.Medium
				hits = append(hits, h)
			case user != "" && !root(user) && name != "" && name == user && !strings.HasPrefix(mode, "0555") && mode != "555" && mode != "a-w":
				hits = append(hits, mended(hit(in, in.Name+" "+dest, fmt.Sprintf("it belongs to %s, who runs it", name)), "Leave --chown="+owner+" out, unless it is a folder that the program writes to."))
			}
		})
		return hits
	},
}

// runtimeUser is who runs the image, without the group; empty where that is not known.
func runtimeUser(f *dockerfile.File) string {
	in := lastOf(f.Target, "USER")
	if in == nil || len(in.Args) == 0 {
		return ""
	}
	user, known := in.Expand(in.Args[0])
	if !known {
		return ""
	}
	user, _, _ = strings.Cut(user, ":")
	return user
}

// worldWritable reads a mode, in digits or in letters.
func worldWritable(mode string) bool {
	if mode != "" && strings.Trim(mode, "01234567") == "" {
		return (mode[len(mode)-1]-'0')&2 != 0
	}
	for one := range strings.SplitSeq(mode, ",") {
		who, what, ok := strings.Cut(one, "+")
		if !ok {
			who, what, ok = strings.Cut(one, "=")
		}
		if ok && strings.Contains(what, "w") && strings.ContainsAny(who, "ao") {
			return true
		}
	}
	return false
}

func withoutWorld(mode string) string {
	if strings.Trim(mode, "01234567") != "" {
		return "go-w"
	}
	last := mode[len(mode)-1] - '0'
	return mode[:len(mode)-1] + string('0'+last&^2)
}
