package node

import (
	"fmt"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// supported are the days on which minor releases of Kubernetes 1 get their last fix (https://kubernetes.io/releases/,
// read in November 2026).
var supported = map[int]string{
	24: "2023-07-28", 25: "2023-10-28", 26: "2024-02-28", 27: "2024-06-28", 28: "2024-10-28", 29: "2025-02-28", 30: "2025-07-15",
	31: "2025-11-11", 32: "2026-02-28", 33: "2026-06-28", 34: "2026-10-27", 35: "2027-02-28", 36: "2027-06-28", 37: "2027-10-28",
}

// EndOfSupport is the day of a minor release's last fix; false where it is not known: it is newer than the table.
func EndOfSupport(v host.Version) (time.Time, bool) {
	if v.Major == 1 && v.Minor > 0 && v.Minor < 24 {
		v.Minor = 24 // older ones ended before
	}
	day, ok := supported[v.Minor]
	if v.Major != 1 || !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateOnly, day)
	return t, err == nil
}

// EndOfLife tells of a component whose release gets no more fixes.
func (l *Look) EndOfLife(c *host.Component) {
	switch c.Name {
	case "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy":
	default:
		return
	}
	end, ok := EndOfSupport(c.Version)
	if !ok {
		if c.Version.Text == "" {
			l.Doubt("the version of " + c.Name + " (" + c.Where() + ")")
		}
		return
	}
	l.Saw()
	if l.Now.After(end.AddDate(0, 0, 1)) {
		l.hits = append(l.hits, hitVersion(c, fmt.Sprintf("%s %s, to %s", c.Name, c.Version.Text, end.Format(time.DateOnly))))
	}
}

func hitVersion(c *host.Component, detail string) check.Hit {
	return check.Hit{Where: detail + ", says " + c.Version.From, Detail: detail, Subject: &finding.Subject{Kind: "component", Name: c.Name, Field: "version"}}
}
