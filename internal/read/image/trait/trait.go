// Package trait knows what is special about single files of an image: programs that run as another user,
// capabilities in extended attributes, accounts, and what should not have been left there. It looks at
// one file at a time; what the container sees of them is for package inventory.
package trait

import "io/fs"

// Class says what a file that is known by its name or first bytes is.
type Class string

// The classes.
const (
	Plain Class = "" // nothing that is known
)

// Of is the class of a file by its path and mode.
func Of(path string, mode fs.FileMode) Class { return Plain }
