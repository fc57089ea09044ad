package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/shell"
)

// program is the address from which a command of step i downloads what is a program by where it is put, or by what is
// done with it afterwards.
func (r *scripts) program(i int, c *shell.Command) string {
	if !fetches(c) {
		return ""
	}
	from := c.Addresses()
	file := kept(c, from)
	if len(from) != 1 || file == "" || shell.Local(from[0]) {
		return ""
	}
	uses := func(d *shell.Command) bool { return usedAsProgram(d, file) }
	if amongPrograms(file) || r.steps[i].later(c, uses) {
		return from[0]
	}
	for _, s := range r.steps[i+1:] {
		if s.in.Stage == r.steps[i].in.Stage && slices.ContainsFunc(s.Commands, uses) {
			return from[0]
		}
	}
	return ""
}

// kept is the file that a download is written to; empty where none is, or none that is known.
func kept(c *shell.Command, from []string) string {
	if len(from) == 0 {
		return ""
	}
	for _, to := range c.Redirs {
		if (to.Op == ">" || to.Op == ">|") && (to.FD == "" || to.FD == "1") {
			return to.To.Text
		}
	}
	output, folder := []string{"-o", "--output"}, []string{"--output-dir"}
	switch c.Name {
	case "wget":
		output, folder = []string{"-O", "--output-document"}, []string{"-P", "--directory-prefix"}
	case "aria2c":
		output, folder = []string{"-o", "--out"}, []string{"-d", "--dir"}
	}
	name := ""
	if w := c.Value(output...); w != nil {
		name = w.Text
	} else if c.Name != "curl" || c.Has("-O", "--remote-name", "--remote-name-all") {
		bare, _, _ := strings.Cut(from[0], "?")
		name = path.Base(bare)
	}
	if name == "" || name == "-" || name == "/dev/stdout" || name == "/dev/null" {
		return ""
	}
	if w := c.Value(folder...); w != nil {
		return path.Join(w.Text, name)
	}
	return name
}

// amongPrograms says that a file lies where programs are looked for.
func amongPrograms(file string) bool {
	folder := path.Base(path.Dir(file))
	return folder == "bin" || folder == "sbin"
}

// usedAsProgram says that a command runs, unpacks or installs a file, or makes it a program.
func usedAsProgram(c *shell.Command, file string) bool {
	of := func(w shell.Word) bool { return sameFile(w.Text, file) }
	ops := c.Operands()
	switch c.Name {
	case "chmod":
		mode, at := modeOf(c)
		return executable(mode) && slices.ContainsFunc(at, func(p string) bool { return sameFile(p, file) })
	case "install", "mv", "cp", "ln":
		if len(ops) < 2 {
			return false
		}
		to := ops[len(ops)-1].Text // a folder, or the file's new name
		return (amongPrograms(to) || amongPrograms(path.Join(to, "it"))) && slices.ContainsFunc(ops[:len(ops)-1], of)
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "python", "python2", "python3", "perl", "ruby", "node", "php", "java", "source", ".",
		"tar", "bsdtar", "unzip", "7z", "gunzip", "dpkg", "rpm", "apt", "apt-get", "apk", "yum", "dnf", "pip":
		return slices.ContainsFunc(c.Args, of)
	}
	return c.Name != "" && c.Name == path.Base(file)
}

// sameFile compares names as far as both say where a file is.
func sameFile(a, b string) bool {
	a, b = path.Clean(a), path.Clean(b)
	return a == b || path.Base(a) == path.Base(b) && (!path.IsAbs(a) || !path.IsAbs(b))
}

// executable says that a mode lets somebody run a file.
func executable(mode string) bool {
	if mode == "" {
		return false
	}
	if strings.Trim(mode, "01234567") == "" {
		return strings.ContainsAny(mode[max(0, len(mode)-3):], "1357")
	}
	for part := range strings.SplitSeq(mode, ",") {
		if i := strings.IndexAny(part, "+="); i >= 0 && strings.ContainsAny(part[i:], "xX") {
			return true
		}
	}
	return false
}
