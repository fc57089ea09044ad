package imagecfg

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// systemFolders are where a distribution puts programs, and where nobody should.
var systemFolders = []string{"bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/lib/", "usr/libexec/", "usr/local/bin/", "usr/local/sbin/", "tmp/", "var/tmp/", "dev/shm/"}

var unownedProgram = Check{
	Card: card("image/unowned-program", "programs that no package manager knows", finding.Info, check.Page{
		Why: "Nobody's advisories speak of a binary that was copied or downloaded into the system's folders: its faults are not found,\n" +
			"and no upgrade replaces it. What is recognised in it, by Go's or Rust's own list for one, is judged and not counted here.",
		Fix: "Install it as a package, or write down where it comes from with its checksum, and scan its SBOM.",
		Bad: "-rwxr-xr-x 0 0 usr/bin/apt-get apt\n-rwxr-xr-x 0 0 usr/local/bin/kubectl\n", Good: "-rwxr-xr-x 0 0 usr/bin/apt-get apt\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		if !f.System.Managed {
			return nil // nobody lists any file
		}
		var found []File
		for _, one := range f.System.Files {
			if one.Program == trait.Binary && one.Package == "" && !one.Known && slices.ContainsFunc(systemFolders, func(dir string) bool { return strings.HasPrefix(one.Path, dir) }) &&
				!strings.Contains(one.Path, "/node_modules/") && !strings.Contains(one.Path, "-packages/") {
				found = append(found, one)
			}
		}
		return together(found, "program%s", "")
	},
}

var writableCode = Check{
	Card: card("image/writable-code", "the application's user can change what it runs", finding.Medium, check.Page{
		Why: "USER keeps somebody who breaks into the process from changing the system, and not from changing the program: he\n" +
			"leaves his own in its place, which runs with the next start and for everybody who uses it.",
		Fix: "Let root own the code and the application's user read it: `COPY --chown=root:root --chmod=755`. Own by the user only what it writes.",
		Bad: "USER 10001\nENTRYPOINT [\"/srv/cart\"]\n-rwxr-xr-x 10001 10001 srv/cart\n", Good: "USER 10001\nENTRYPOINT [\"/srv/cart\"]\n-rwxr-xr-x 0 0 srv/cart\n",
	}),
	needs: needsConfig | needsSystem,
	Look: func(f Facts) []check.Hit {
		uid, gids, ok := f.identity()
		if !ok || uid == 0 {
			return nil // root changes what it likes
		}
		may := func(one File) bool {
			return one.Mode&0o002 != 0 || one.UID == uid && one.Mode&0o200 != 0 || slices.Contains(gids, one.GID) && one.Mode&0o020 != 0
		}
		var found []File
		for _, p := range f.code() {
			if one, ok := f.System.Look(p); ok && !slices.ContainsFunc(found, func(f File) bool { return f.Path == one.Path }) {
				if may(one) {
					found = append(found, one)
				} else if dir, ok := f.System.Look(path.Dir(one.Path)); ok && may(dir) && dir.Mode&fs.ModeSticky == 0 && !one.Mode.IsDir() {
					found = append(found, one) // he can put another in its place
				}
			}
		}
		return together(found, "place%s of code", "")
	},
}

// code are the paths of what the container runs: its command, the scripts in its arguments, and the folders of PATH.
func (f Facts) code() (all []string) {
	c := f.Config
	dirs := []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"}
	for _, v := range c.Env {
		if v.Name == "PATH" {
			dirs = dirs[:0]
			for dir := range strings.SplitSeq(v.Text, ":") {
				dirs = append(dirs, strings.Trim(path.Clean("/"+dir), "/"))
			}
		}
	}
	for _, cmd := range c.commands() {
		for i, word := range cmd.words() {
			if i > maxWords || strings.HasPrefix(word, "-") || word == "" {
				continue
			}
			if !strings.Contains(word, "/") {
				for _, dir := range dirs {
					all = append(all, path.Join(dir, word))
				}
			}
			if !path.IsAbs(word) {
				word = path.Join("/", c.WorkingDir.Text, word)
			}
			all = append(all, strings.TrimPrefix(path.Clean(word), "/"))
		}
	}
	return append(f.runnable(all), dirs...)
}

// maxWords bounds the arguments of a command that are taken for paths.
const maxWords = 50

// runnable are those of the paths at which there is a file: a folder in the arguments may be data.
func (f Facts) runnable(paths []string) []string {
	return slices.DeleteFunc(paths, func(p string) bool {
		one, ok := f.System.Look(p)
		return !ok || one.Mode.IsDir() || isData(p)
	})
}

// isData knows files that a command is given to read.
func isData(p string) bool {
	return slices.Contains([]string{".conf", ".cfg", ".ini", ".json", ".yaml", ".yml", ".toml", ".xml", ".pem", ".crt", ".key", ".txt", ".log", ".db", ".pid", ".sock", ".properties"}, path.Ext(p))
}

// identity is who the process is, with all groups; false when the image does not say.
func (f Facts) identity() (uid int, gids []int, ok bool) {
	name, group := userOf(f.Config.User)
	if isRoot(name) {
		return 0, nil, true
	}
	uid, err := strconv.Atoi(name)
	if err == nil {
		ok = true
	}
	for _, u := range f.System.Users {
		if u.Name == name || ok && u.UID == uid {
			uid, ok = u.UID, true
			gids = append(gids, u.GID)
			break
		}
	}
	switch {
	case group == "" && len(gids) == 0:
		gids = append(gids, 0) // who has no line in etc/passwd is in group 0
	case group != "":
		gids = gids[:0]
		for _, g := range f.System.Groups {
			if g.Name == group || fmt.Sprint(g.GID) == group {
				gids = append(gids, g.GID)
			}
		}
		if n, err := strconv.Atoi(group); err == nil {
			gids = append(gids, n)
		}
	}
	return uid, gids, ok
}
