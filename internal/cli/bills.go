package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
)

const (
	// maxBills bounds how many SBOMs one word may name.
	maxBills = 100_000
	// manyBills is from where on they are not told of one by one.
	manyBills = 20
)

// expand puts the files of a folder, and those that a pattern matches, in place of a word that names SBOMs so.
// Files whose names begin with a dot are passed over, and so are folders in the folder.
func (o *targetOptions) expand(words []string) ([]string, error) {
	var all []string
	for _, word := range words {
		scheme, path := "", word
		if o.as != string(locate.SBOM) {
			rest, ok := strings.CutPrefix(word, string(locate.SBOM)+":")
			if !ok {
				all = append(all, word)
				continue
			}
			scheme, path = string(locate.SBOM)+":", rest
		}
		files, err := billsOf(path)
		if err != nil {
			return nil, usage("%s: %v", word, err)
		}
		for _, f := range files {
			all = append(all, scheme+f)
		}
	}
	return all, nil
}

// billsOf lists the files that a path means: those of a folder, those that a pattern matches, or itself.
func billsOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(path, "*?["):
		files, err := filepath.Glob(path)
		if err == nil && len(files) == 0 {
			err = errors.New("no file matches it")
		}
		slices.Sort(files)
		return files, err
	default:
		return []string{path}, nil // what is wrong with it is told by who opens it
	}
	entries, err := os.ReadDir(path) // in the order of names
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if files = append(files, name); len(files) > maxBills {
			return nil, fmt.Errorf("more than %d files", maxBills)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("the folder holds no file")
	}
	return files, nil
}

// bills reads the SBOMs among the words, as many at a time as there are processors, by word. What cannot be
// read is left to whoever opens the word next, and tells why.
func (o *targetOptions) bills(g *global, words []string) (map[string]*scan.Bill, error) {
	paths := map[string]string{}
	for _, word := range words {
		path, ok := strings.CutPrefix(word, string(locate.SBOM)+":")
		if o.as == string(locate.SBOM) {
			path, ok = word, true
		}
		if ok && path != "-" {
			paths[word] = path
		}
	}
	if len(paths) < 2 {
		return nil, nil
	}
	read := make([]*scan.Bill, len(words))
	var cost atomic.Int64
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, word := range words {
		path, ok := paths[word]
		if !ok {
			continue
		}
		group.Go(func() error {
			if cost.Load() > maxBillsCost {
				return usage("%d SBOMs list more packages than one run keeps: name fewer at a time", len(paths))
			}
			if b, err := readBill(path, nil); err == nil {
				cost.Add(inventory.CostOfPackages(b.Packages))
				read[i] = b
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := map[string]*scan.Bill{}
	for i, word := range words {
		if read[i] == nil {
			continue
		}
		out[word] = read[i]
		if len(paths) < manyBills {
			g.say("%s: taken for an SBOM (%s)", paths[word], read[i].Origin)
		}
	}
	if len(out) >= manyBills {
		g.say("%s: taken for SBOMs", count(len(out), "file"))
	}
	return out, nil
}

// maxBillsCost bounds what the packages of all SBOMs take in memory before they are judged, in bytes.
const maxBillsCost = 1 << 30
