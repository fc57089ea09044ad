package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// settle is how long changes are gathered: what is applied together comes into force together.
const settle = 100 * time.Millisecond

// Objects are those of a cluster as they are watched; client.Followed has them.
type Objects interface {
	Changed() <-chan struct{}
	Last(n kube.Need) (objects []*kube.Object, over []string, lost time.Time, err error)
}

// Follower has a line say also what the Policies and Exceptions of a cluster say, as they come and go. While nobody hears
// of them, what was last known stays in force.
type Follower struct {
	line     *admit.Line // of files
	compiler *statute.Compiler
	objects  Objects
	note     *slog.Logger
	now      atomic.Pointer[followed]
}

// followed is what is in force. It does not change.
type followed struct {
	line *admit.Line
	book *statute.Book
	over []string // KIND/NAMESPACE of those of which nothing is known, because they are too many
}

// Needs are what a follower has to know of a cluster.
func Needs() (all []kube.Need) {
	for _, k := range statute.Kinds() {
		all = append(all, kube.Need{Kind: k})
	}
	return all
}

// Follow makes a follower of a line, and of the files beside it.
func Follow(l *admit.Line, f statute.Files, objects Objects, note *slog.Logger) (*Follower, error) {
	c, err := statute.NewCompiler(f)
	if err != nil {
		return nil, err
	}
	return &Follower{line: l, compiler: c, objects: objects, note: note}, nil
}

// Run follows until the context ends.
func (f *Follower) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.objects.Changed():
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settle):
		}
		f.look()
	}
}

// look brings into force what is known now, as soon as all kinds are.
func (f *Follower) look() {
	var all []*kube.Object
	next := &followed{}
	for _, n := range Needs() {
		objects, over, _, err := f.objects.Last(n)
		if err != nil {
			return
		}
		if len(over) > 0 && n.Kind.Kind == "Policy" {
			f.note.Error("there are more Policies than can be known: what was in force stays")
			return
		}
		all = append(all, objects...)
		for _, in := range over {
			next.over = append(next.over, strings.TrimSuffix(n.Kind.Kind+"/"+in, "/"))
		}
	}
	before := f.now.Load()
	if before == nil {
		before = &followed{book: &statute.Book{}}
	}
	next.book = f.compiler.Compile(all)
	var err error
	if next.line, err = f.line.With(next.book); err != nil {
		f.note.Error("bring into force what the cluster holds: what was in force stays", "error", err)
		return
	}
	f.now.Store(next)
	f.tell(before.book, next.book)
}

// tell logs what is in force now, and was not before.
func (f *Follower) tell(was, is *statute.Book) {
	for _, place := range slices.Sorted(maps.Keys(is.Generations)) {
		if before, had := was.Generations[place]; !had || before != is.Generations[place] {
			f.note.Info("in force", "object", place, "generation", is.Generations[place])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(was.Generations)) {
		if _, has := is.Generations[place]; !has {
			f.note.Info("no longer in force", "object", place)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(is.Unknown)) {
		if was.Unknown[place] != is.Unknown[place] {
			f.note.Warn("an exception may be misspelt", "object", place, "what", is.Unknown[place])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(is.Wrong)) {
		if before := was.Wrong[place]; before == nil || before.Error() != is.Wrong[place].Error() {
			f.note.Error("wrong", "object", place, "inForce", is.Generations[place], "error", is.Wrong[place])
		}
	}
}

// current is the line that is in force; an error says why there is none yet.
func (f *Follower) current() (*admit.Line, error) {
	if now := f.now.Load(); now != nil {
		return now.line, nil
	}
	var all []error
	for _, n := range Needs() {
		_, over, _, err := f.objects.Last(n)
		if err == nil && len(over) > 0 {
			err = fmt.Errorf("there are more of %s than can be known", n.Kind.Kind)
		}
		all = append(all, err)
	}
	return nil, fmt.Errorf("the cluster's Policies and Exceptions were not read yet: %w", errors.Join(all...))
}

// behind is how long the API server was not heard.
func (f *Follower) behind(now time.Time) (longest time.Duration) {
	for _, n := range Needs() {
		if _, _, lost, _ := f.objects.Last(n); !lost.IsZero() {
			longest = max(longest, now.Sub(lost))
		}
	}
	return longest
}
