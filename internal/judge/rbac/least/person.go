package least

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Person is what somebody did with an account that programs are meant to have, by a program that people use.
type Person struct {
	Account string // system:serviceaccount:shop:cart
	Tool    string // as it calls itself, without its version
	Count   int
	Last    time.Time
}

// tools are how programs call themselves that people use (User-Agent). A job that calls one of them is told, too.
var tools = []string{"kubectl", "k9s", "Lens", "freelens", "OpenLens", "headlamp", "stern", "kubens", "kubectx", "Mozilla", "curl", "oc"}

// mostPeople bounds how many of these are kept: a log names as many programs as it likes.
const mostPeople = 10_000

// Person notes that an account was used by a program, where that is one that people use.
func (u *Use) Person(account, agent string, at time.Time) {
	name, _, _ := strings.Cut(agent, "/")
	i := slices.IndexFunc(tools, func(t string) bool { return strings.EqualFold(t, name) || strings.HasPrefix(name, t+"-") })
	if i < 0 || !strings.HasPrefix(account, "system:serviceaccount:") {
		return
	}
	key := [2]string{account, tools[i]}
	p := u.people[key]
	if p == nil {
		if len(u.people) >= mostPeople {
			return
		}
		if u.people == nil {
			u.people = map[[2]string]*Person{}
		}
		p = &Person{Account: account, Tool: tools[i]}
		u.people[key] = p
	}
	p.Count++
	if at.After(p.Last) {
		p.Last = at
	}
}

// People are all of them, by account.
func (u *Use) People() (all []Person) {
	for _, p := range u.people {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Person) int { return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Tool, b.Tool)) })
	return all
}
