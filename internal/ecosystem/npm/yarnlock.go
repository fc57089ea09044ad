package npm

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readYarnLock reads yarn.lock, version 1 and the YAML of later Yarns: blocks that begin with the
// ranges that were asked for, then indented fields. Later Yarns say in "resolution" what a range came
// to; version 1 leaves the name to the ranges. Neither tells what is for development.
func readYarnLock(r io.Reader) (ecosystem.Found, error) {
	var y yarnReader
	err := eachLine(r, y.line)
	if err == nil {
		err = y.flush()
	}
	if err == nil && y.text && !y.known {
		err = errors.New("no block in it has a version: it is no lock file of Yarn's")
	}
	if err != nil {
		return y.found, fmt.Errorf("read yarn.lock: %w", err)
	}
	return y.found, nil
}

type yarnReader struct {
	list
	block   yarnBlock
	depends bool // the lines are those of a list of dependencies
	text    bool // there is something in the file
	known   bool // and a block as Yarn writes them
}

type yarnBlock struct {
	line                         int
	ranges, version              string
	resolution, resolved, linked string
	depends                      []string
}

func (y *yarnReader) line(number, indent int, text string) error {
	y.text = true
	switch {
	case indent == 0:
		err := y.flush()
		y.block = yarnBlock{line: number, ranges: strings.TrimSuffix(text, ":")}
		return err
	case indent == 2:
		key, value := keyValue(text)
		y.depends = key == "dependencies" || key == "optionalDependencies"
		switch key {
		case "version":
			y.block.version = value
		case "resolution":
			y.block.resolution = value
		case "resolved":
			y.block.resolved = value
		case "linkType":
			y.block.linked = value
		}
	case y.depends && indent == 4:
		name, wanted := keyValue(text)
		if !isLocal(wanted) {
			y.block.depends = append(y.block.depends, realName(name, wanted))
		}
	}
	return nil
}

// flush adds the block that has ended.
func (y *yarnReader) flush() error {
	b := y.block
	y.known = y.known || b.version != "" || b.ranges == "__metadata"
	if b.version == "" || b.ranges == "__metadata" {
		return nil
	}
	name, where := b.identity()
	if isLocal(where) || b.linked == "soft" {
		return nil
	}
	p := named(name, b.version)
	p.Line, p.Declared, p.Depends = b.line, true, b.depends
	p.Qualifiers = originOf(b.resolved)
	return y.add(p)
}

// identity is the real name of a block's package, and where it comes from.
func (b yarnBlock) identity() (name, where string) {
	if b.resolution != "" {
		return splitLocator(b.resolution) // "a@npm:1.0.0": aliases are resolved already
	}
	first, _, _ := strings.Cut(b.ranges, ",")
	name, where = splitLocator(strings.Trim(first, `" `))
	return realName(name, where), where
}
