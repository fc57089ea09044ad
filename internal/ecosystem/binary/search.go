package binary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	window  = 256 << 10 // bytes searched at once
	around  = 256       // bytes on either side of an anchor that the expression sees
	maxSize = 2 << 30   // bytes of a program
	maxHits = 100_000   // anchors without a version at them
)

// needle is a classifier made ready for one file.
type needle struct {
	name   string
	anchor []byte
	expr   *regexp.Regexp
	found  string
	hits   int
}

// readProgram searches a program, as a stream, for the versions of the classifiers that fit its name.
func readProgram(ctx context.Context, f *ecosystem.File, base string) (ecosystem.Found, error) {
	needles, err := needlesFor(base)
	if err != nil || len(needles) == 0 {
		return ecosystem.Found{}, err
	}
	err = search(ctx, io.LimitReader(f.Reader, maxSize), needles)
	var found ecosystem.Found
	for _, n := range needles {
		if n.found != "" {
			found.Packages = append(found.Packages, program(n.name, n.found))
			break
		}
	}
	if err == nil && f.Size > maxSize && len(found.Packages) == 0 {
		err = ecosystem.Limit("%d bytes, at most %d are searched", f.Size, int64(maxSize))
	}
	if err != nil {
		err = fmt.Errorf("search program for its version: %w", err)
	}
	return found, err
}

func needlesFor(base string) ([]*needle, error) {
	var needles []*needle
	nameVersion := regexp.MustCompile(`\d+\.\d+`)
	for _, i := range classifiersFor(base) {
		c := &classifiers[i]
		v := nameVersion.FindString(base)
		if v == "" && strings.Contains(c.anchor, "{v}") {
			continue
		}
		expr, err := regexp.Compile(strings.ReplaceAll(c.expr, "{v}", regexp.QuoteMeta(v)))
		if err != nil {
			return nil, fmt.Errorf("compile the classifier of %s: %w", c.name, err)
		}
		needles = append(needles, &needle{name: c.name, anchor: []byte(strings.ReplaceAll(c.anchor, "{v}", v)), expr: expr})
	}
	return needles, nil
}

// search reads the stream through a window that keeps what an anchor at its edge needs, until the
// first needle is found or the stream ends.
func search(ctx context.Context, r io.Reader, needles []*needle) error {
	buf := make([]byte, 0, window+2*around)
	searched := 0 // bytes of buf before which every anchor was looked at
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		last := err != nil
		if last && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		end := len(buf)
		if !last {
			end -= around
		}
		for _, needle := range needles {
			needle.look(buf, searched, end)
		}
		if last || needles[0].found != "" {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		keep := end - around
		searched = end - keep
		buf = buf[:copy(buf, buf[keep:])]
	}
}

// look tries the anchors that begin in buf[from:to].
func (n *needle) look(buf []byte, from, to int) {
	for n.found == "" && n.hits < maxHits {
		limit := min(to+len(n.anchor)-1, len(buf))
		if from >= limit {
			return
		}
		i := bytes.Index(buf[from:limit], n.anchor)
		if i < 0 {
			return
		}
		at := from + i
		n.hits++
		if m := n.expr.FindSubmatch(buf[max(0, at-around):min(len(buf), at+around)]); m != nil {
			n.found = string(m[1])
		}
		from = at + 1
	}
}
