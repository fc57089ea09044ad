package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// ofKubernetes are the programs that Kubernetes' own feed knows, by the names that images have them under.
var ofKubernetes = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// release is the module of Kubernetes as a whole, under which Go's database has what the other feed does not have yet.
const release = "k8s.io/kubernetes"

// modulesOf are the modules whose advisories speak of a component, by the major version that they begin with.
var modulesOf = map[string][]struct {
	from int
	path string
}{
	"containerd": {{0, "github.com/containerd/containerd"}, {2, "github.com/containerd/containerd/v2"}},
	"runc":       {{0, "github.com/opencontainers/runc"}},
	"crio":       {{0, "github.com/cri-o/cri-o"}},
	"dockerd":    {{0, "github.com/docker/docker"}, {29, ""}}, // from there on its module has numbers of its own
	"etcd":       {{0, etcdRoot}, {0, "go.etcd.io/etcd/server/v3"}},
}

// etcdRoot is the module of etcd that its server left with 3.5. What the database told of it before, under its older name, stands
// there without the versions that mended it, all of them before 3.5.
const etcdRoot = "go.etcd.io/etcd/v3"

// byCommit says that advisories go by commits, and not by the version of the component.
func byCommit(c *host.Component) bool {
	return c.Name == "etcd" && (c.Version.Major < 3 || c.Version.Major == 3 && c.Version.Minor < 5)
}

// running is a version of a program, and where it runs.
type running struct {
	inventory.Package
	on     []string
	vendor bool // a distributor may have built it
}

// vulnerabilities holds the versions of a host's or a cluster's programs against advisories, each version once.
func (s *scan) vulnerabilities(id string, h *host.Host) error {
	if !s.o.runs("vuln") {
		return nil
	}
	all, gaps := runningOn(h)
	for _, g := range gaps {
		g.Target = id
		s.report.Coverage = append(s.report.Coverage, g)
	}
	packages := make([]inventory.Package, 0, len(all))
	for _, one := range all {
		packages = append(packages, one.Package)
	}
	if !s.room(id, packages) {
		return nil
	}
	t := &s.report.Targets[len(s.report.Targets)-1]
	first := len(s.report.Packages)
	s.list(t, packages, ecosystem.Release{})
	subjects, of := s.subjects(packages)
	matches, unsure, err := vuln.Judge(subjects, ecosystem.Release{}, s.o.Lookup)
	if err != nil {
		return err
	}
	told, err := s.toldByKubernetes(all)
	if err != nil {
		return err
	}
	var open []string
	for i := range matches {
		m := &matches[i]
		one := &all[of[m.Subject]]
		switch {
		case one.FullName() == release && told[m.Vulnerability.ID]:
			continue
		case one.FullName() == etcdRoot && m.Fixed == "":
			open = append(open, m.Vulnerability.ID+" of "+one.FullName()+" "+one.Version)
			continue
		}
		s.finding(t, &one.Package, &s.report.Packages[first+of[m.Subject]], m)
		f := &s.report.Findings[len(s.report.Findings)-1]
		f.Deck = finding.Admit
		f.Evidence = strings.TrimPrefix(f.Evidence+"; "+one.where(), "; ")
	}
	s.packageGaps(id, subjects, unsure)
	s.feedDates(id, packages)
	if len(open) > 0 {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: "no-known-fix", Target: id, Count: len(open), What: "advisories that name no version without the fault were not held against these: " + some(open),
		})
	}
	return nil
}

// feedDates says how old the advisories are that versions were held against: what was told since is not known.
func (s *scan) feedDates(id string, packages []inventory.Package) {
	if s.o.Tool.Database == nil {
		return
	}
	var dates []string
	for _, source := range s.o.Tool.Database.Sources {
		of := map[string]string{"osv/Kubernetes": "binary", "osv/Go": "golang"}[source.Name]
		if !source.Modified.IsZero() && slices.ContainsFunc(packages, func(p inventory.Package) bool { return p.Ecosystem == of }) {
			dates = append(dates, source.Name+" "+source.Modified.UTC().Format(time.DateOnly))
		}
	}
	if len(dates) > 0 {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: "feed-date", Target: id, Count: len(dates), What: "versions were held against what was known on these days: " + strings.Join(dates, ", "),
		})
	}
}

// toldByKubernetes are the ids that Kubernetes' own feed has of its programs: it knows which of them each concerns, and
// from which version on it is gone.
func (s *scan) toldByKubernetes(all []running) (map[string]bool, error) {
	told := map[string]bool{}
	if !slices.ContainsFunc(all, func(one running) bool { return one.FullName() == release }) {
		return told, nil
	}
	kind := s.byName()["binary"]
	if kind == nil {
		return told, nil
	}
	for _, name := range ofKubernetes {
		p := ecosystem.Package{Type: "generic", Name: name}
		feed, _ := kind.Advisories(p, ecosystem.Release{})
		rows, _, err := s.o.Lookup.Package(feed, kind.Key(p))
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", name, err)
		}
		for i := range rows {
			told[rows[i].ID] = true
		}
	}
	return told, nil
}

// runningOn are the programs whose versions are known, and what is not.
func runningOn(h *host.Host) (all []running, gaps []finding.Gap) {
	var unknown, packaged, numbered, commits []string
	at, seen := map[string]int{}, map[string]bool{} // by what runs, and where
	add := func(c *host.Component, kind string, p ecosystem.Package) {
		key, where := p.FullName()+" "+p.Version, c.Where()
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, running{Package: inventory.Package{Package: p, Ecosystem: kind, Owner: -1}})
		}
		one := &all[i]
		one.vendor = one.vendor || c.Version.Vendor() || c.Bare && modulesOf[c.Name] != nil // what an API tells of engines does not say whose they are
		if file := strings.TrimPrefix(cmp.Or(c.Manifest, c.Unit), "/"); file != "" && !slices.ContainsFunc(one.Places, func(p inventory.Place) bool { return p.Path == file }) {
			one.Places = append(one.Places, inventory.Place{Path: file})
		}
		if !seen[key+where] {
			one.on, seen[key+where] = append(one.on, where), true
		}
	}
	for _, c := range h.Components {
		switch {
		case c.Version.Text == "":
			unknown = append(unknown, c.Name+" ("+c.Where()+")")
		case c.Version.Distribution:
			packaged = append(packaged, c.Name+" "+c.Version.Text+", "+c.Version.From)
		case slices.Contains(ofKubernetes, c.Name):
			add(c, "binary", ecosystem.Package{Type: "generic", Name: c.Name, Version: strings.TrimPrefix(c.Version.Text, "v")})
			add(c, "golang", module(release, c.Version))
		default:
			if byCommit(c) {
				commits = append(commits, c.Name+" "+c.Version.Text)
			}
			paths := pathsOf(c)
			if len(paths) == 0 {
				numbered = append(numbered, c.Name+" "+c.Version.Text)
			}
			for _, path := range paths {
				add(c, "golang", module(path, c.Version))
			}
		}
	}
	for _, g := range []struct {
		class, what string
		blocking    bool
		of          []string
	}{
		{vuln.GapUnknownVersion, "no advisory was held against programs whose versions are not known: ", true, unknown},
		{"distribution-package", "the distribution mends these under its own versions, which plimsoll scan of the root file system holds against its advisories: ", false, packaged},
		{vuln.GapNoFeed, "no advisories go by the versions of these: ", false, numbered},
		{vuln.GapNoFeed, "some advisories go by commits, and were not held against the versions of these: ", true, commits},
	} {
		if len(g.of) > 0 {
			gaps = append(gaps, finding.Gap{Class: g.class, Blocking: g.blocking, Count: len(g.of), What: g.what + some(g.of)})
		}
	}
	return all, gaps
}

// pathsOf are the modules under which advisories file a component of its version; none: they have other numbers.
func pathsOf(c *host.Component) (paths []string) {
	from := -1
	for _, m := range modulesOf[c.Name] {
		if c.Version.Major < m.from {
			continue
		}
		if m.from > from {
			from, paths = m.from, nil
		}
		if m.path != "" {
			paths = append(paths, m.path)
		}
	}
	return paths
}

func module(path string, v host.Version) ecosystem.Package {
	p := ecosystem.Package{Type: "golang", Name: path, Version: "v" + v.Upstream()}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		p.Namespace, p.Name = path[:i], path[i+1:]
	}
	return p
}

// where says where the version runs, and whether its number tells all.
func (r *running) where() string {
	text := "runs as " + some(r.on)
	if len(r.on) > 1 {
		text = fmt.Sprintf("runs %d times: %s", len(r.on), some(r.on))
	}
	if r.vendor {
		text += "; its distributor may have mended it without another number"
	}
	return text
}
