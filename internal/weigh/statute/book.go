package statute

import (
	"encoding/hex"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
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
	// Unknown says of each exception that is in force, and names rules that nobody has, which; Idle, that it names no others.
	Unknown map[string]string
	Idle    map[string]bool
	// Exceptions are those of the cluster that are in force, by their place.
	Exceptions map[string]exceptionfile.Exception
	// Generations are those that are in force, by the place of the object; 0 where no API server counts them.
	Generations map[string]int64

	of       map[string][]*exceptionfile.File // of the cluster, by namespace; empty: those that hold in several
	sets     map[string]set                   // by namespace, where it has exceptions of its own; empty: elsewhere
	versions map[string]hash.Hash
}

// set is what lets findings pass. Whoever asks first compiles it, and only who asks for the same one waits.
type set func() *exception.Set

// Broken is a Policy of which no version that was seen is right.
type Broken struct {
	Name   string
	Action finding.Action // what it says it would do
	Err    error
}

// Allow is what lets findings of a namespace pass at a time; nil: nothing does. Others' exceptions are not looked at, so
// that nobody pays for how many they have.
func (b *Book) Allow(namespace string, now time.Time) *exception.Set {
	of := b.sets[namespace]
	if of == nil {
		of = b.sets[""]
	}
	if of == nil {
		return nil
	}
	if s := of(); s != nil {
		return s.At(now)
	}
	return nil
}

// allow has each namespace know what lets findings pass there. What all share is compiled once, and what is the same as
// in the book before is not compiled again.
func (b *Book) allow(before *Book, files set) {
	same := slices.Equal(b.of[""], before.of[""])
	if same {
		b.sets[""] = before.sets[""]
	} else {
		b.sets[""] = files.with(b.of[""])
	}
	for namespace, of := range b.of {
		switch {
		case namespace == "":
		case same && slices.Equal(of, before.of[namespace]):
			b.sets[namespace] = before.sets[namespace]
		default:
			b.sets[namespace] = b.sets[""].with(of)
		}
	}
}

// ofFiles is what exceptions in files let pass.
func ofFiles(files []exceptionfile.File) set {
	if len(files) == 0 {
		return nil
	}
	return sync.OnceValue(func() *exception.Set {
		s, err := exception.Compile(files, nil, time.Time{})
		return unless(err, s)
	})
}

// with is a set with more exceptions.
func (s set) with(more []*exceptionfile.File) set {
	if len(more) == 0 {
		return s
	}
	return sync.OnceValue(func() *exception.Set {
		under := &exception.Set{}
		if s != nil {
			under = s()
		}
		if under == nil {
			return nil
		}
		all, err := under.With(more)
		return unless(err, all)
	})
}

// unless is a set that is right. Files that contradict each other were told at the start; without a set nothing is let
// pass.
func unless(err error, s *exception.Set) *exception.Set {
	if err != nil {
		return nil
	}
	return s
}

// Unknown says which exceptions of the files name rules that nobody has, by their places.
func (f Files) Unknown() map[string]string {
	b := f.Book()
	b.doubt(f)
	return b.Unknown
}

// doubt notes exceptions, of files and of the cluster, that name rules that nobody has.
func (b *Book) doubt(f Files) {
	policies := map[string]bool{}
	for _, p := range b.Policies {
		policies[check.Present(p.Name)] = true
	}
	for _, p := range b.Broken {
		policies[check.Present(p.Name)] = true
	}
	for _, name := range f.Taken {
		policies[check.Present(name)] = true
	}
	names := exception.Names{Rule: f.Rule, Policy: func(name string) bool { return policies[name] }}
	note := func(e *exceptionfile.Exception) {
		if text, idle := names.Unknown(e); text != "" {
			b.Unknown[e.Place()], b.Idle[e.Place()] = text, idle
		}
	}
	for i := range f.Exceptions {
		for j := range f.Exceptions[i].Exceptions {
			note(&f.Exceptions[i].Exceptions[j])
		}
	}
	for _, e := range b.Exceptions {
		note(&e)
	}
}

// Version names all that holds in a namespace: where it is the same, so is what is in force.
func (b *Book) Version(namespace string) string {
	all := hex.EncodeToString(b.versions[""].Sum(nil))
	if of := b.versions[namespace]; namespace != "" && of != nil {
		all += hex.EncodeToString(of.Sum(nil))
	}
	return all
}
