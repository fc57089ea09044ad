package scan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// judged is the report on one subject, by the advisories that Plimsoll brings.
func judged(t *testing.T, one scan.Subject) *finding.Report {
	t.Helper()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return judgedBy(t, one, db)
}

func judgedBy(t *testing.T, one scan.Subject, db *advisory.DB) *finding.Report {
	t.Helper()
	r, err := scan.Run(context.Background(), []scan.Subject{one}, scan.Options{
		Kinds: all.Ecosystems(), Lookup: db, Tool: finding.Tool{Database: db.Describe()}, Line: gate.Default, Jobs: 1,
		Checks: []string{"vuln"}, Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// static is a static pod of a program.
func static(program, version string) string {
	return fmt.Sprintf("# /etc/kubernetes/manifests/%s.yaml\nkind: Pod\nspec:\n  containers:\n  - command: [%[1]s]\n    image: registry.k8s.io/%[1]s:%s\n", program, version)
}

// TestComponents holds the versions of programs against what Kubernetes' own feed and Go's database say of them.
func TestComponents(t *testing.T) {
	for _, test := range []struct{ program, version, id, fixed string }{ // fixed: empty where it is not affected
		{"kube-apiserver", "v1.12.2", "CVE-2018-1002105", "1.12.3"},
		{"kube-apiserver", "v1.12.3", "CVE-2018-1002105", ""},
		{"kube-apiserver", "v1.15.1", "CVE-2019-11247", "1.15.2"},
		{"kube-apiserver", "v1.15.2", "CVE-2019-11247", ""},
		{"kubelet", "v1.17.2", "CVE-2020-8551", "1.17.3"},
		{"kubelet", "v1.17.3", "CVE-2020-8551", ""},
		{"kube-proxy", "v1.18.3", "CVE-2020-8558", "1.18.4"},
		{"kube-proxy", "v1.18.4", "CVE-2020-8558", ""},
		{"kube-scheduler", "v1.17.2", "CVE-2020-8551", ""}, // it is the kubelet's
		{"kubelet", "v1.17.2-gke.100", "CVE-2020-8551", "1.17.3"},
		{"kubelet", "v1.17.3-gke.100", "CVE-2020-8551", ""},
		{"kubelet", "v1.17.2-eks-a737599", "CVE-2020-8551", "1.17.3"},
		{"kubelet", "v1.17.2_k3s1", "CVE-2020-8551", "1.17.3"}, // no tag has a plus sign
		{"kubelet", "v1.17.3-rc.1", "CVE-2020-8551", "1.17.3"},
		// What was told since stands in Go's database alone, of Kubernetes as a whole.
		{"kube-apiserver", "v1.33.1", "CVE-2025-4563", "1.33.2"},
		{"kube-apiserver", "v1.33.1-gke.100", "CVE-2025-4563", "1.33.2"},
		{"kube-apiserver", "v1.33.2", "CVE-2025-4563", ""},
		{"kubelet", "v1.19.5", "CVE-2020-8559", ""}, // it is the API server's, says the other feed
		{"kube-apiserver", "v1.18.6", "CVE-2020-8559", ""},
		{"etcd", "3.5.15-0", "CVE-2026-44283", "3.5.30"},
		{"etcd", "3.5.30-0", "CVE-2026-44283", ""},
		{"etcd", "3.5.27-0", "CVE-2026-33413", "3.5.28"},
		{"etcd", "3.6.9-0", "CVE-2026-33413", ""},
	} {
		t.Run(test.program+" "+test.version+" "+test.id, func(t *testing.T) {
			r := judged(t, scan.Subject{Host: hosttest.Host(t, static(test.program, test.version))})
			i := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == test.id })
			switch {
			case i < 0 && test.fixed != "":
				t.Errorf("not found: %+v", r.Coverage)
			case i >= 0 && r.Findings[i].Fixed != test.fixed:
				t.Errorf("fixed in %q, want %q", r.Findings[i].Fixed, test.fixed)
			}
			for _, f := range r.Findings {
				if vendor := strings.Contains(f.Evidence, "distributor"); vendor != strings.ContainsAny(test.version[1:], "gk") {
					t.Errorf("%s: %s", f.Rule, f.Evidence)
				}
			}
		})
	}
}

// TestNewestComponents finds in what is newer than all advisories what has no fix alone, and says how old those are.
func TestNewestComponents(t *testing.T) {
	text := ""
	for _, program := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"} {
		text += static(program, "v1.37.2")
	}
	r := judged(t, scan.Subject{Host: hosttest.Host(t, text)})
	var found []string
	for _, f := range r.Findings {
		found = append(found, f.Rule+f.Fixed)
	}
	slices.Sort(found)
	if got := strings.Join(found, " "); got != "CVE-2024-7598 CVE-2025-1767" || r.Verdict.Action != finding.Pass { // neither is mended
		t.Errorf("%s: %s, %+v", r.Verdict.Action, got, r.Coverage)
	}
	wantGap(t, r, "feed-date", "osv/Kubernetes 2024-09-16")
}

// TestOldEtcd has etcd that advisories know by its commits alone be told as not compared whole, and no newer one.
func TestOldEtcd(t *testing.T) {
	for version, blocks := range map[string]bool{"3.4.41-0": true, "3.3.10": true, "2.3.8": true, "3.5.33-0": false} {
		r := judged(t, scan.Subject{Host: hosttest.Host(t, static("etcd", version))})
		if got := slices.ContainsFunc(r.Coverage, func(g finding.Gap) bool { return g.Class == "no-feed" && g.Blocking }); got != blocks {
			t.Errorf("%s: %+v", version, r.Coverage)
		}
		wantGap(t, r, "no-known-fix", "GHSA-vjg6-93fv-qv64 of go.etcd.io/etcd/v3") // mended by 3.4.10, under another name
	}
}

func wantGap(t *testing.T, r *finding.Report, class, what string) {
	t.Helper()
	if !slices.ContainsFunc(r.Coverage, func(g finding.Gap) bool { return g.Class == class && strings.Contains(g.What, what) }) {
		t.Errorf("no gap %s says %q: %+v", class, what, r.Coverage)
	}
}

// TestPackagedComponents leaves to a distribution what it mends under its own versions, and to nobody what nobody knows.
func TestPackagedComponents(t *testing.T) {
	const dpkg = "# /var/lib/dpkg/status\n"
	const unit = "# /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=%s/containerd\n"
	for _, test := range []struct{ name, text, gap, what, finds string }{
		{"Debian's", fmt.Sprintf(unit, "/usr/bin") + dpkg + "Package: containerd\nStatus: install ok installed\nVersion: 1.6.20~ds1-1+deb12u3\n", "distribution-package", "containerd 1.6.20~ds1-1+deb12u3, the package containerd", ""},
		{"Docker's", fmt.Sprintf(unit, "/usr/bin") + dpkg + "Package: containerd.io\nStatus: install ok installed\nVersion: 1.7.12-1\n", "feed-date", "", "CVE-2024-40635"},
		{"removed", fmt.Sprintf(unit, "/usr/bin") + dpkg + "Package: containerd.io\nStatus: deinstall ok config-files\nVersion: 1.7.12-1\n", "unknown-version", "containerd (", ""},
		{"another than Debian's", fmt.Sprintf(unit, "/usr/local/bin") + dpkg + "Package: containerd\nStatus: install ok installed\nVersion: 1.6.20~ds1-1\n", "unknown-version", "containerd (", ""},
		{"of a number that advisories don't have", "$ dockerd\n" + dpkg + "Package: docker-ce\nStatus: install ok installed\nVersion: 5:29.1.2-1~debian.12~bookworm\n", "no-feed", "dockerd 5:29.1.2", ""},
		{"with an epoch", "$ dockerd\n" + dpkg + "Package: docker-ce\nStatus: install ok installed\nVersion: 5:27.1.0-1~debian.12~bookworm\n", "feed-date", "", "CVE-2024-41110"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := judged(t, scan.Subject{Host: hosttest.Host(t, test.text)})
			wantGap(t, r, test.gap, test.what)
			if test.gap == "unknown-version" && r.Verdict.Action != finding.Incomplete {
				t.Errorf("of an unknown version, and the verdict is %s", r.Verdict.Action)
			}
			if found := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == test.finds }); found != (test.finds != "") || !found && len(r.Findings) > 0 {
				t.Errorf("found %+v", r.Findings)
			}
		})
	}
}

// TestNodesAreCounted has a version that many nodes have give one finding, which counts them.
func TestNodesAreCounted(t *testing.T) {
	c := &client.Contents{Name: "test", Version: "v1.37.2", Settings: &client.Settings{}}
	for i := range 3000 {
		c.Settings.Nodes = append(c.Settings.Nodes, client.Node{Name: fmt.Sprintf("n%04d", i), Kubelet: "v1.27.1-gke.400", Runtime: "containerd://1.7.12"})
	}
	c.Settings.Nodes = append(c.Settings.Nodes, client.Node{Name: "old", Kubelet: "v1.26.1", Runtime: "docker://24.0.1"}, client.Node{Name: "odd", Kubelet: "?", Runtime: "mocker"})
	r := judged(t, scan.Subject{Cluster: &scan.Cluster{Contents: c}})
	var of []string
	for _, f := range r.Findings {
		if f.Rule == "CVE-2023-2431" || f.Rule == "CVE-2024-40635" || f.Rule == "CVE-2024-41110" {
			of = append(of, f.Rule+" "+f.Title[:strings.Index(f.Title, ":")]+": "+f.Evidence[strings.Index(f.Evidence, "runs"):])
		}
	}
	slices.Sort(of)
	const counted = "runs 3000 times: node n0000, node n0001, node n0002, node n0003, node n0004 and 2995 more; its distributor may have mended it without another number"
	want := []string{
		"CVE-2023-2431 kubelet 1.26.1: runs as node old",
		"CVE-2023-2431 kubelet 1.27.1-gke.400: " + counted,
		"CVE-2024-40635 github.com/containerd/containerd v1.7.12: " + counted,
		"CVE-2024-41110 github.com/docker/docker v24.0.1: runs as node old; its distributor may have mended it without another number",
	}
	if fmt.Sprint(of) != fmt.Sprint(want) {
		t.Errorf("found\n%s, want\n%s", strings.Join(of, "\n"), strings.Join(want, "\n"))
	}
	wantGap(t, r, "unknown-version", "kubelet (node odd)")
}
