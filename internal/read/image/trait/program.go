package trait

import (
	"io/fs"
	"strings"
)

// Program says how a file is run.
type Program uint8

// The kinds of program.
const (
	NoProgram Program = iota
	Binary            // ELF, Mach-O or PE
	Script            // begins with #!
)

// ProgramOf is what a file is by its mode and first bytes. Libraries are no programs, though some systems mark
// them executable; a Windows program has no mode to go by.
func ProgramOf(path string, mode fs.FileMode, head []byte) Program {
	base := path[strings.LastIndexByte(path, '/')+1:]
	exe := strings.HasSuffix(strings.ToLower(base), ".exe")
	if mode&0o111 == 0 && !exe || strings.Contains(base, ".so.") || strings.HasSuffix(base, ".so") {
		return NoProgram
	}
	switch h := string(head); {
	case strings.HasPrefix(h, "#!"):
		return Script
	case strings.HasPrefix(h, "\x7fELF"), strings.HasPrefix(h, "MZ"),
		strings.HasPrefix(h, "\xcf\xfa\xed\xfe"), strings.HasPrefix(h, "\xca\xfe\xba\xbe"):
		return Binary
	}
	return NoProgram
}

// Role is what a program gives to somebody who has got in.
type Role string

// The roles that are counted.
const (
	Shell          Role = "shell"
	Interpreter    Role = "interpreter"
	PackageManager Role = "package manager"
)

var roles = map[string]Role{
	"sh": Shell, "bash": Shell, "dash": Shell, "ash": Shell, "zsh": Shell, "ksh": Shell, "mksh": Shell, "fish": Shell, "csh": Shell,
	"tcsh": Shell, "yash": Shell, "busybox": Shell, "toybox": Shell, "pwsh": Shell, "cmd.exe": Shell, "powershell.exe": Shell, "pwsh.exe": Shell,
	"perl": Interpreter, "python": Interpreter, "pypy": Interpreter, "ruby": Interpreter, "jruby": Interpreter, "node": Interpreter,
	"nodejs": Interpreter, "deno": Interpreter, "bun": Interpreter, "php": Interpreter, "lua": Interpreter, "luajit": Interpreter,
	"tclsh": Interpreter, "java": Interpreter, "jshell": Interpreter, "Rscript": Interpreter, "guile": Interpreter, "julia": Interpreter,
	"dotnet": Interpreter, "erl": Interpreter, "elixir": Interpreter,
	"apt": PackageManager, "apt-get": PackageManager, "dpkg": PackageManager, "apk": PackageManager, "rpm": PackageManager,
	"dnf": PackageManager, "yum": PackageManager, "microdnf": PackageManager, "tdnf": PackageManager, "zypper": PackageManager,
	"pacman": PackageManager, "opkg": PackageManager, "xbps-install": PackageManager, "emerge": PackageManager, "nix": PackageManager,
	"nix-env": PackageManager, "brew": PackageManager, "snap": PackageManager, "flatpak": PackageManager,
	"pip": PackageManager, "pipx": PackageManager, "uv": PackageManager, "poetry": PackageManager, "conda": PackageManager, "mamba": PackageManager,
	"micromamba": PackageManager, "npm": PackageManager, "yarn": PackageManager, "pnpm": PackageManager, "gem": PackageManager,
	"bundle": PackageManager, "cargo": PackageManager, "composer": PackageManager, "choco.exe": PackageManager,
}

// RoleOf is the role of a program by its name, with or without a version at its end (python3.11); empty when it has none.
func RoleOf(path string) Role {
	if strings.HasPrefix(path, "etc/") || strings.HasPrefix(path, "usr/share/") {
		return "" // what is run at times, and is named for what it serves
	}
	base := path[strings.LastIndexByte(path, '/')+1:]
	if r, ok := roles[base]; ok {
		return r
	}
	return roles[strings.TrimRight(base, "0123456789.-")]
}

// FamilyOf is the package manager whose program this is: apt and apt-get are one.
func FamilyOf(path string) string {
	base := strings.TrimRight(path[strings.LastIndexByte(path, '/')+1:], "0123456789.-")
	switch base {
	case "apt-get":
		return "apt"
	case "yum", "microdnf":
		return "dnf"
	case "nix-env":
		return "nix"
	}
	return base
}
