package statute

import (
	"encoding/hex"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Book is what is in force: that of files, and that of a cluster. Any number may read it.
type Book struct {
	// Policies are those of files, and then those of the cluster.
	Policies []*policy.Policy
	// Broken are Policies of the cluster that are in force, and of which nobody knows what they say.
	Broken []Broken
	// Wrong says of each object that is wrong why, by its place.
	Wrong map[string]error
	// Exceptions are those of the cluster that are in force, by their place.
	Exceptions map[string]exceptionfile.Exception
	// Generations are those that are in force, by the place of the object; 0 where no API server counts them.
	Generations map[string]int64

	files    []exceptionfile.File
	of       map[string][]exceptionfile.File // of the cluster, by namespace; empty: those that hold in several
	versions map[string]hash.Hash

	sync.Mutex
	compiled map[string]*compiled // by namespace
}

// Broken is a Policy of which no version that was seen is right.
type Broken struct {
	Name   string
	Action finding.Action // what it says it would do
	Err    error
}

// compiled is what lets findings pass on one day.
type compiled struct {
	day string
	set *exception.Set
}

// Allow is what lets findings of a namespace pass at a time; nil: nothing does. Others' exceptions are not looked at, so
// that nobody pays for how many they have.
func (b *Book) Allow(namespace string, now time.Time) *exception.Set {
	if len(b.of[namespace]) == 0 {
		namespace = ""
	}
	day := now.UTC().Format(time.DateOnly)
	b.Lock()
	defer b.Unlock()
	if c := b.compiled[namespace]; c != nil && c.day == day {
		return c.set
	}
	files := slices.Concat(b.files, b.of[""])
	if namespace != "" {
		files = append(files, b.of[namespace]...)
	}
	var set *exception.Set
	if len(files) > 0 {
		var err error
		if set, err = exception.Compile(files, nil, now); err != nil {
			set = nil // files contradict each other, which was said at the start; without a set nothing is let pass
		}
	}
	b.compiled[namespace] = &compiled{day, set}
	return set
}

// Version names all that holds in a namespace: where it is the same, so is what is in force.
func (b *Book) Version(namespace string) string {
	all := hex.EncodeToString(b.versions[""].Sum(nil))
	if of := b.versions[namespace]; namespace != "" && of != nil {
		all += hex.EncodeToString(of.Sum(nil))
	}
	return all
}
