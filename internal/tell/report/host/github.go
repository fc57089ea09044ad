package host

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// The body of POST /repos/OWNER/REPO/dependency-graph/snapshots, as GitHub's REST description has it.
type (
	snapshot struct {
		Version   int                 `json:"version"`
		SHA       string              `json:"sha"`
		Ref       string              `json:"ref"`
		Job       snapshotJob         `json:"job"`
		Detector  snapshotDetector    `json:"detector"`
		Scanned   string              `json:"scanned"`
		Metadata  map[string]any      `json:"metadata,omitempty"`
		Manifests map[string]manifest `json:"manifests"`
	}
	snapshotJob struct {
		ID         string `json:"id"`
		Correlator string `json:"correlator"`
		URL        string `json:"html_url,omitempty"`
	}
	snapshotDetector struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		URL     string `json:"url"`
	}
	manifest struct {
		Name     string              `json:"name"`
		File     *manifestFile       `json:"file,omitempty"`
		Metadata map[string]any      `json:"metadata,omitempty"`
		Resolved map[string]resolved `json:"resolved"`
	}
	manifestFile struct {
		Source string `json:"source_location"`
	}
	resolved struct {
		PURL         string   `json:"package_url"`
		Relationship string   `json:"relationship"`
		Scope        string   `json:"scope"`
		Dependencies []string `json:"dependencies,omitempty"`
	}
)

// GitHubSnapshot writes the packages of a report as a snapshot for GitHub's dependency graph: one manifest
// for each target, and one for each lock file of a source folder. GitHub itself looks for vulnerabilities in
// it, so findings have no place there. The run says for which commit it is.
func GitHubSnapshot(w io.Writer, r *finding.Report, run Run, at time.Time) error {
	out := snapshot{
		SHA: run.SHA, Ref: run.Ref,
		Job:      snapshotJob{ID: cmp.Or(run.ID, "0"), Correlator: cmp.Or(strings.Trim(run.Workflow+"_"+run.Job, "_"), "plimsoll"), URL: run.URL},
		Detector: snapshotDetector{"plimsoll", cmp.Or(r.Tool.Version, "unknown"), "https://github.com/plimsoll/plimsoll"},
		Scanned:  when(at).Format(time.RFC3339), Manifests: map[string]manifest{},
	}
	gaps := 0
	for _, g := range r.Coverage {
		if g.Blocking && !g.Allowed {
			gaps += max(g.Count, 1)
		}
	}
	if gaps > 0 {
		out.Metadata = map[string]any{"plimsoll:not-assessed": gaps}
	}
	targets, packages := byID(r)
	needed := map[string]bool{}
	for i := range r.Packages {
		for _, d := range r.Packages[i].DependsOn {
			needed[d] = true
		}
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		t := targets[p.Target]
		if t == nil || p.PURL == "" || p.Main {
			continue // the project is not a dependency of itself
		}
		m := manifestOf(t, p)
		if _, ok := out.Manifests[m.Name]; !ok {
			out.Manifests[m.Name] = m
		}
		one := resolved{PURL: p.PURL, Relationship: "direct", Scope: "runtime"}
		if needed[p.ID] {
			one.Relationship = "indirect"
		}
		if p.Dev {
			one.Scope = "development"
		}
		for _, id := range p.DependsOn {
			if d := packages[id]; d != nil {
				one.Dependencies = append(one.Dependencies, d.PURL)
			}
		}
		out.Manifests[m.Name].Resolved[p.PURL] = one
	}
	return encode(w, out)
}

// manifestOf is the manifest in which a package is listed.
func manifestOf(t *finding.Target, p *finding.Package) manifest {
	m := manifest{Name: nameOf(t), Resolved: map[string]resolved{}}
	if p.Declared && t.Kind == "source" && len(p.Locations) > 0 && p.Locations[0].Path != "" {
		file := relative(p.Locations[0].Path)
		m.Name, m.File = fmt.Sprintf("%s: %s", nameOf(t), file), &manifestFile{file}
	}
	add := func(name, value string) {
		if value != "" && m.File == nil {
			if m.Metadata == nil {
				m.Metadata = map[string]any{}
			}
			m.Metadata["plimsoll:"+name] = value
		}
	}
	add("kind", t.Kind)
	add("digest", t.Digest)
	add("platform", t.Platform)
	return m
}
