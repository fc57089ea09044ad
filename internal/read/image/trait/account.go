package trait

import (
	"bytes"
	"strconv"
	"strings"
)

// Password says what stands in the place of a password. The password's hash itself is never kept.
type Password uint8

// What an account's password may be.
const (
	Elsewhere Password = iota // in etc/shadow
	Empty                     // anybody gets in
	Hashed                    // whoever has the image can guess it
	Locked                    // nobody gets in by password
)

// User is one line of etc/passwd or, with name and password alone, of etc/shadow.
type User struct {
	Name     string
	UID, GID int
	Shell    string
	Password Password
}

// Group is one line of etc/group.
type Group struct {
	Name string
	GID  int
}

// Bounds of what is read of account files.
const (
	MaxAccounts = 1 << 20 // bytes of one file
	maxLines    = 20_000  // accounts of one file
	maxName     = 256     // bytes of a name or a shell
)

// Users reads etc/passwd (passwd(5)). Lines that are none are passed over, as the C library does.
func Users(b []byte) (all []User) {
	for f := range lines(b, 7) {
		uid, ok := number(f[2])
		gid, ok2 := number(f[3])
		if !ok || !ok2 {
			continue
		}
		u := User{Name: f[0], UID: uid, GID: gid, Shell: f[6], Password: password(f[1])}
		if f[1] == "x" {
			u.Password = Elsewhere
		}
		all = append(all, u)
	}
	return all
}

// Shadow reads etc/shadow (shadow(5)).
func Shadow(b []byte) (all []User) {
	for f := range lines(b, 2) {
		all = append(all, User{Name: f[0], Password: password(f[1])})
	}
	return all
}

// Groups reads etc/group (group(5)).
func Groups(b []byte) (all []Group) {
	for f := range lines(b, 3) {
		if gid, ok := number(f[2]); ok {
			all = append(all, Group{Name: f[0], GID: gid})
		}
	}
	return all
}

// WithoutPassword gives whom the rules of sudo (sudoers(5)) let in without a password: the user, %group or alias that
// a line with NOPASSWD begins with.
func WithoutPassword(b []byte) (who []string) {
	for line := range bytes.Lines(bytes.ReplaceAll(b, []byte("\\\n"), []byte(" "))) {
		text, _, _ := strings.Cut(string(line[:min(len(line), 16*maxName)]), "#")
		if f := strings.Fields(text); len(f) > 1 && strings.Contains(text, "NOPASSWD:") && len(who) < maxLines {
			who = append(who, f[0][:min(len(f[0]), maxName)])
		}
	}
	return who
}

// password knows the forms of crypt(5): a hash begins with $, or with _, or is the thirteen characters of DES.
// All else is no valid hash, and locks the account.
func password(field string) Password {
	switch {
	case field == "":
		return Empty
	case strings.HasPrefix(field, "$") && len(field) > 4, len(field) == 20 && field[0] == '_', len(field) == 13 && !strings.ContainsAny(field, "*!:"):
		return Hashed
	}
	return Locked
}

// lines gives the fields of each line that has at least so many.
func lines(b []byte, fields int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		n := 0
		for line := range bytes.Lines(b) {
			text := strings.TrimRight(string(line[:min(len(line), 16*maxName)]), "\r\n")
			if text == "" || text[0] == '#' || text[0] == '+' || text[0] == '-' {
				continue
			}
			f := strings.Split(text, ":")
			if len(f) < fields || f[0] == "" {
				continue
			}
			for i := range f {
				f[i] = strings.Clone(f[i][:min(len(f[i]), maxName)])
			}
			if n++; n > maxLines || !yield(f) {
				return
			}
		}
	}
}

func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil
}
