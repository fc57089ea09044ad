// Package imagecfg judges what an image says of itself: how it runs, on which distribution, and which of
// its files are dangerous. The same checks judge the final stage of a Dockerfile, of which less is known.
package imagecfg

import (
	"io/fs"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// Facts are what these checks look at. What is nil is not known, and not judged.
type Facts struct {
	Name     string // as the user names the image; empty when it has no name
	Platform string // OS/ARCH[/VARIANT]
	OS       *finding.OS
	Now      time.Time
	Config   *Config
	System   *System
}

// Config is how an image runs, as its configuration says it, or as a Dockerfile's final stage sets it.
type Config struct {
	// From is the base image where it is not at hand, as a Dockerfile names it: what is not set here may
	// be set there. Its place is where one stands who misses something. Empty when all is known.
	From        Value
	User        Value // USER[:GROUP]; empty when none is set
	Env         []Value
	Ports       []Value // PORT[-PORT][/PROTOCOL]
	Volumes     []Value
	Entrypoint  Command
	Cmd         Command
	WorkingDir  Value
	Healthcheck Command // CMD, CMD-SHELL or NONE and what follows
	// NoHealthcheck says that the format of the image has no place for one.
	NoHealthcheck bool
	Labels        []Value
	StopSignal    Value
	OnBuild       []Value
	History       []Value // the steps of the build, oldest first, as a Dockerfile would say them
}

// Value is one thing that a configuration says. Name is that of a variable or a label.
type Value struct {
	Name, Text string
	At         []finding.Location // where it is said; empty in a built image
}

// Variable is one variable of an environment, NAME=VALUE.
func Variable(text string) Value {
	name, value, _ := strings.Cut(text, "=")
	return Value{Name: name, Text: value}
}

// Command is a command line in the form in which a configuration holds it: what is given to a shell
// begins with the shell.
type Command struct {
	Args []string
	At   []finding.Location
}

// System is what the container sees of its files, as far as they matter here.
type System struct {
	Files []File // those that are not like most, by path
	// Users and Groups are nil when the image has no such file. Shadow are the passwords of etc/shadow, Free whom
	// sudo asks for none.
	Users, Shadow []trait.User
	Groups        []trait.Group
	Free          []string
	// Owners are the owners of files, other than root.
	Owners []Owner
	// Managed says that a package manager lists its files, so that what it does not list is nobody's.
	Managed bool
	// Look gives the rights of any path, links followed; false when nothing stands there.
	Look func(path string) (File, bool)
}

// File is one file of an image.
type File struct {
	Path         string
	Also         []string // other names of the same file
	Mode         fs.FileMode
	UID, GID     int
	Size         int64
	Capabilities []string // cap_net_raw … of its extended attribute, sorted
	Class        trait.Class
	Program      trait.Program
	Manager      string // the package manager that it is a program of; empty when it is none
	Package      string // the OS package whose file it is; empty: nobody's
	Known        bool   // a package of a language was recognised in it
	Layer        int
	Base         bool // the base image brought it
}

// Owner counts the files of one user.
type Owner struct {
	UID, Count int
	Example    string
	Layer      int
}

// Check is a card and the function that looks.
type Check struct {
	check.Card
	needs need
	Look  func(Facts) []check.Hit
}

// need is what must be known for a check to have something to look at.
type need uint8

const (
	needsOS need = 1 << iota
	needsConfig
	needsSystem
	needsName
)

// Applies says whether what the check looks at is known.
func (c Check) Applies(f Facts) bool {
	var have need
	if f.OS != nil {
		have |= needsOS
	}
	if f.Config != nil {
		have |= needsConfig
	}
	if f.System != nil {
		have |= needsSystem
	}
	if f.Name != "" {
		have |= needsName
	}
	return c.needs&^have == 0
}

// Checks lists all checks of an image's configuration and files.
func Checks() []Check {
	return []Check{
		badPort, capabilities, credentialFile, dangerousCommand, databasePort, debugEnv, debugPort, deviceNode, duplicateAccounts, emptyPassword,
		endOfLife, enginePort, freeSudo, latestTag, leftover, loaderEnv, loginPort, loginSoftware, memoryDump, namedUser, noHealthcheck, onBuild,
		packageManager, passwordHash, rootUser, searchPath, secondRoot, setuid, shellEntrypoint, strangeOwner, systemVolume, unknownUser,
		unownedProgram, unverifiedTLS, worldWritable, writableAccounts, writableCode,
	}
}
