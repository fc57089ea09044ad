package inventory

import (
	"cmp"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// Traits are what is special about files of one layer: programs, what runs as another user, what others
// may change, accounts. No bytes of a file are among them.
type Traits struct {
	Files    []Trait
	Rights   []Rights // of files and folders that are not root's, or that others than their owner may change
	Implied  []uint64 // hashes of folders that have no entry of their own: their rights come from the layers below
	Owners   []Owners
	Accounts []Accounts
}

// Trait is one file that is not like most. Paths are its names: hard links give it several.
type Trait struct {
	Paths        []string
	Mode         fs.FileMode
	UID, GID     int
	Size         int64
	Capabilities trait.Capabilities
	Class        trait.Class
	Program      trait.Program
}

// Rights are who owns a file or folder and who may do what with it.
type Rights struct {
	Path     uint64 // its hash
	Mode     fs.FileMode
	UID, GID int
}

// Owners are some of the files of one user that is not root.
type Owners struct {
	UID   int
	Paths []string
}

// Accounts is what one of the account files says.
type Accounts struct {
	Path   string
	Users  []trait.User
	Groups []trait.Group
	Free   []string // whom sudo asks for no password, as its rules name them
}

// Bounds of what is kept of owners.
const (
	maxOwners   = 1000 // users of one layer
	maxExamples = 4    // files of each
)

// costTrait is what a trait takes beside its names, with what finds it again; costRights what rights take.
const (
	costTrait  = 256
	costRights = 64
)

// traitRead gathers the traits of one layer.
type traitRead struct {
	at     map[string]spot // path → where the traits have it
	rights map[uint64]Rights
	owners map[int]int // user → owners
	here   uint64      // hash of the path of the entry that is looked at
}

func newTraitRead() *traitRead {
	return &traitRead{at: map[string]spot{}, rights: map[uint64]Rights{}, owners: map[int]int{}}
}

// cost is what traits take in memory.
func (t *Traits) cost() int64 {
	n := int64(len(t.Rights)) * costRights // what is implied is within what a folder costs
	for i := range t.Files {
		n += costTrait + costOf(t.Files[i].Paths...)
	}
	for i := range t.Owners {
		n += costTrait + costOf(t.Owners[i].Paths...)
	}
	for _, a := range t.Accounts {
		n += costOf(a.Path) + int64(len(a.Users)+len(a.Groups))*costTrait + costOf(a.Free...)
	}
	return n
}

// trait keeps what is special about a file, of which head are the first bytes where they were read.
func (w *layerRead) trait(e *layer.Entry, at string, head []byte) {
	if w.traits == nil {
		return
	}
	w.own(e, at)
	one := Trait{Paths: []string{at}, Mode: mode(e), UID: e.UID, GID: e.GID, Size: e.Size}
	if e.Kind == layer.File {
		one.Program = trait.ProgramOf(at, e.Mode, head)
		if one.Class = trait.Of(at); one.Class == trait.Dump && !isDump(e) {
			one.Class = trait.Plain
		}
		if e.Mode&0o111 != 0 {
			if c, err := trait.ParseCapabilities([]byte(e.Capability())); err == nil {
				one.Capabilities = c // the kernel ignores what makes no sense
			}
		}
	}
	if !one.special(e.Kind) || !w.spend(costTrait+costOf(at)) {
		return
	}
	w.traits.at[at] = spot{len(w.c.Traits.Files), 0}
	w.c.Traits.Files = append(w.c.Traits.Files, one)
}

func (t *Trait) special(kind layer.Kind) bool {
	switch kind {
	case layer.File:
		return t.Program != trait.NoProgram || t.Class != trait.Plain || t.Mode&(fs.ModeSetuid|fs.ModeSetgid|0o002) != 0 ||
			t.Capabilities.Permitted|t.Capabilities.Inheritable != 0
	case layer.Dir:
		return t.Mode&0o002 != 0 && t.Mode&fs.ModeSticky == 0
	}
	return t.Mode&fs.ModeDevice != 0
}

func isDump(e *layer.Entry) bool {
	head, err := e.Head(64)
	return err == nil && trait.IsDump(head)
}

// own keeps the rights of a file or folder, and some files of each user.
func (w *layerRead) own(e *layer.Entry, at string) {
	t := w.traits
	h := t.here
	if e.UID == 0 && e.Mode&0o022 == 0 || e.Kind == layer.Symlink {
		delete(t.rights, h)
		return
	}
	if _, had := t.rights[h]; !had && !w.spend(costRights) {
		return
	}
	t.rights[h] = Rights{Path: h, Mode: mode(e), UID: e.UID, GID: e.GID}
	if e.UID == 0 {
		return
	}
	i, ok := t.owners[e.UID]
	if !ok {
		if len(t.owners) == maxOwners || !w.spend(costTrait) {
			return
		}
		i = len(w.c.Traits.Owners)
		t.owners[e.UID] = i
		w.c.Traits.Owners = append(w.c.Traits.Owners, Owners{UID: e.UID})
	}
	if o := &w.c.Traits.Owners[i]; len(o.Paths) < maxExamples && w.spend(costOf(at)) {
		o.Paths = append(o.Paths, at)
	}
}

func mode(e *layer.Entry) fs.FileMode {
	if e.Kind == layer.Dir {
		return e.Mode | fs.ModeDir
	}
	return e.Mode
}

// traitName gives the traits of a file one more name.
func (w *layerRead) traitName(file, at string) {
	if w.traits == nil {
		return
	}
	if r, ok := w.traits.rights[w.places.hash.path(file)]; ok && w.spend(costRights) {
		r.Path = w.places.hash.path(at)
		w.traits.rights[r.Path] = r
	}
	s, ok := w.traits.at[file]
	if !ok || !w.spend(2*costOf(at)) {
		return
	}
	of := &w.c.Traits.Files[s.read]
	w.traits.at[at] = spot{s.read, len(of.Paths)}
	of.Paths = append(of.Paths, at)
}

// forgetTrait takes a name from what an earlier entry of the same path said.
func (w *layerRead) forgetTrait(at string) {
	if w.traits == nil {
		return
	}
	if s, ok := w.traits.at[at]; ok {
		w.c.Traits.Files[s.read].Paths[s.name] = "" // and taken out at the end
		delete(w.traits.at, at)
	}
	if wantsAccounts(at) {
		w.c.Traits.Accounts = slices.DeleteFunc(w.c.Traits.Accounts, func(a Accounts) bool { return a.Path == at })
	}
}

// settleTraits keeps of each path what stands there in the end.
func (w *layerRead) settleTraits() {
	if w.traits == nil {
		return
	}
	t := &w.c.Traits
	for i := range t.Files {
		t.Files[i].Paths = slices.DeleteFunc(t.Files[i].Paths, func(p string) bool { return p == "" })
	}
	t.Files = slices.DeleteFunc(t.Files, func(f Trait) bool { return len(f.Paths) == 0 })
	for i := range t.Files {
		slices.Sort(t.Files[i].Paths)
	}
	slices.SortStableFunc(t.Files, func(a, b Trait) int { return cmp.Compare(a.Paths[0], b.Paths[0]) })
	t.Rights = slices.SortedFunc(maps.Values(w.traits.rights), func(a, b Rights) int { return cmp.Compare(a.Path, b.Path) })
	t.Implied = slices.Sorted(maps.Keys(w.places.implied))
	slices.SortFunc(t.Owners, func(a, b Owners) int { return cmp.Compare(a.UID, b.UID) })
}

// wantsAccounts knows the files that say who may do what. They are read whole.
func wantsAccounts(at string) bool {
	rest, ok := strings.CutPrefix(at, "etc/")
	return ok && (rest == "passwd" || rest == "shadow" || rest == "group" || rest == "sudoers" || path.Dir(rest) == "sudoers.d")
}

// maxAccounts bounds the account files of one layer: rules of sudo may stand in many.
const maxAccounts = 100

// readAccounts reads one of the account files.
func (w *layerRead) readAccounts(b *fileBody, at string) {
	text, err := io.ReadAll(io.LimitReader(b.reader(), trait.MaxAccounts))
	if err != nil {
		w.gap(Gap{Class: "unreadable-file", Blocking: true, What: err.Error(), Path: at})
		return
	}
	if b.size > trait.MaxAccounts || len(w.c.Traits.Accounts) == maxAccounts {
		w.gap(Gap{Class: "limit-reached", Blocking: true, What: "the image lists more accounts than are read", Path: at})
		return
	}
	a := Accounts{Path: at}
	switch path.Base(at) {
	case "passwd":
		a.Users = trait.Users(text)
	case "shadow":
		a.Users = trait.Shadow(text)
	case "group":
		a.Groups = trait.Groups(text)
	default:
		a.Free = trait.WithoutPassword(text)
	}
	if w.spend(costOf(at) + int64(len(a.Users)+len(a.Groups))*costTrait + costOf(a.Free...)) {
		w.c.Traits.Accounts = append(w.c.Traits.Accounts, a)
	}
}
