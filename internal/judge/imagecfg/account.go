package imagecfg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// passwords finds the accounts with some kind of password, and the file that says so.
func (s *System) passwords(kind trait.Password) (names []string, file string) {
	for _, of := range []struct {
		users []trait.User
		file  string
	}{{s.Shadow, "etc/shadow"}, {s.Users, "etc/passwd"}} {
		for _, u := range of.users {
			if u.Password == kind && !slices.Contains(names, u.Name) {
				names = append(names, u.Name)
				file = of.file
			}
		}
	}
	return names, file
}

// accounts makes one hit of accounts.
func accounts(names []string, file, what string) []check.Hit {
	if len(names) == 0 {
		return nil
	}
	text := first(names, maxShown, func(s string) string { return fmt.Sprintf("%.60q", s) })
	return []check.Hit{{Where: file, Detail: what + text, At: []finding.Location{{Path: file}}}}
}

var emptyPassword = Check{
	Card: card("image/empty-password", "an account needs no password", finding.High, check.Page{
		Why: "With nothing in the field of the password anybody becomes that user with `su`, or logs in where a server lets him.\n" +
			"It was CVE-2019-5021 in Alpine's images.",
		Fix: "Lock the account: `RUN passwd -l root`, which writes `!` in the field.",
		Bad: "etc/shadow: root:::0:::::\n", Good: "etc/shadow: root:!::0:::::\n",
	}, "dockle/DKL-LI-0001"),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		names, file := f.System.passwords(trait.Empty)
		return accounts(names, file, "")
	},
}

var passwordHash = Check{
	Card: card("image/password-hash", "the image brings a password", finding.Medium, check.Page{
		Why: "Whoever can pull the image can guess at the hash for as long as he likes, and the password holds in every container.\n" +
			"A layer above that removes it does not take it out of the one below.",
		Fix: "Make accounts without a password (`useradd` alone) and let nobody log in. A build that used `chpasswd` needs a new one without it, and the password is known.",
		Bad: "etc/shadow: app:$6$saltsalt$ZXhhbXBsZQ:19000:0:99999:7:::\n", Good: "etc/shadow: app:!:19000:0:99999:7:::\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		names, file := f.System.passwords(trait.Hashed)
		return accounts(names, file, "of ")
	},
}

var secondRoot = Check{
	Card: card("image/second-root", "an account is root by another name", finding.High, check.Page{
		Why: "The system knows users by their number. Another account with the number 0 has all of root's rights, and is easily overlooked.",
		Fix: "Give the account a number of its own, or remove it.",
		Bad: "etc/passwd: admin:x:0:0::/root:/bin/sh\n", Good: "etc/passwd: admin:x:1000:1000::/home/admin:/bin/sh\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var names []string
		for _, u := range f.System.Users {
			// What ends up as the shell of a lifeless account can't be logged in to: Red Hat's systems have some.
			if u.UID == 0 && u.Name != "root" && !slices.Contains([]string{"sync", "shutdown", "halt", "operator"}, u.Name) {
				names = append(names, u.Name)
			}
		}
		return accounts(names, "etc/passwd", "")
	},
}

var duplicateAccounts = Check{
	Card: card("image/duplicate-accounts", "accounts share a name or a number", finding.Low, check.Page{
		Why: "Two users with one number can do all that the other can, and of two with one name only the first is ever found:\n" +
			"rights are not what the files seem to say.",
		Fix:  "Give each user and group a name and a number of its own.",
		Bad:  "etc/passwd: a:x:1000:1000::/:/bin/false\netc/passwd: b:x:1000:1000::/:/bin/false\n",
		Good: "etc/passwd: a:x:1000:1000::/:/bin/false\netc/passwd: b:x:1001:1001::/:/bin/false\n",
	}, "dockle/DKL-LI-0002"),
	needs: needsSystem,
	Look: func(f Facts) (hits []check.Hit) {
		var users, uids, groups, gids twice
		for _, u := range f.System.Users {
			users.add(fmt.Sprintf("user %.60q", u.Name))
			if u.UID != 0 { // who else is root is told elsewhere
				uids.add(fmt.Sprintf("user number %d", u.UID))
			}
		}
		for _, g := range f.System.Groups {
			groups.add(fmt.Sprintf("group %.60q", g.Name))
			gids.add(fmt.Sprintf("group number %d", g.GID))
		}
		for _, one := range []struct {
			words []string
			file  string
		}{{slices.Concat(users.found, uids.found), "etc/passwd"}, {slices.Concat(groups.found, gids.found), "etc/group"}} {
			if len(one.words) > 0 {
				hits = append(hits, check.Hit{
					Where: one.file, Detail: first(one.words, maxShown, strings.Clone), At: []finding.Location{{Path: one.file}},
				})
			}
		}
		return hits
	},
}

// twice finds what comes more than once.
type twice struct {
	seen  map[string]int
	found []string
}

func (t *twice) add(key string) {
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	if t.seen[key]++; t.seen[key] == 2 {
		t.found = append(t.found, key)
	}
}

var freeSudo = Check{
	Card: card("image/sudo-without-password", "sudo asks for no password", finding.Medium, check.Page{
		Why: "With NOPASSWD the application's user is root with one word, and USER in the Dockerfile protects from nothing.",
		Fix: "Remove sudo and its rules from the final stage; do what needs root before the USER line.",
		Bad: "etc/sudoers: app ALL=(ALL) NOPASSWD: ALL\n", Good: "etc/sudoers: %sudo ALL=(ALL:ALL) ALL\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		return accounts(f.System.Free, "etc/sudoers", "for ")
	},
}

var strangeOwner = Check{
	Card: card("image/unknown-owner", "files belong to a user whom the image does not know", finding.Info, check.Page{
		Why: "Whoever runs with that number, in this container or with a shared volume, owns the files. They mostly come\n" +
			"from the machine of the build, by COPY or ADD of a tar, and show that nobody chose their owner.",
		Fix:  "`COPY --chown=root:root`, or make the user whose files they are.",
		Bad:  "-rw-r--r-- 501 20 srv/cart/app.js\netc/passwd: root:x:0:0::/root:/bin/sh\n",
		Good: "-rw-r--r-- 0 0 srv/cart/app.js\netc/passwd: root:x:0:0::/root:/bin/sh\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		if f.System.Users == nil {
			return nil
		}
		var h check.Hit
		var words []string
		for i := range f.System.Owners {
			o := &f.System.Owners[i]
			if f.runsAs(o.UID) || slices.ContainsFunc(f.System.Users, func(u trait.User) bool { return u.UID == o.UID }) {
				continue
			}
			words = append(words, fmt.Sprintf("%s of %d", plural(o.Count, "file%s"), o.UID))
			if len(h.At) < maxPlaces {
				h.At = append(h.At, finding.Location{Path: o.Example, Layer: &o.Layer})
			}
		}
		if len(words) == 0 {
			return nil
		}
		h.Detail = first(words, maxShown, strings.Clone)
		h.Where = first(words, maxPlaces, strings.Clone)
		return []check.Hit{h}
	},
}

// runsAs says whether the configuration names the user by this number.
func (f Facts) runsAs(uid int) bool {
	if f.Config == nil {
		return false
	}
	name, _ := userOf(f.Config.User)
	return name == fmt.Sprint(uid)
}
