package chart

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// loaded is a chart whose files know where they lie.
type loaded struct {
	root  *v2.Chart
	paths map[*byte]string // a file's first byte → where it lies
}

// maxNested bounds how deep charts are packed in charts.
const maxNested = 8

func load(ask render.Chart) (*loaded, error) {
	archive.MaxDecompressedChartSize = render.MaxInput
	l := &loaded{paths: map[*byte]string{}}
	files, err := unpacked(ask)
	if err != nil {
		return nil, err
	}
	if files, err = expand(files, 0); err != nil {
		return nil, err
	}
	for _, f := range files {
		if len(f.Data) > 0 {
			l.paths[&f.Data[0]] = strings.ReplaceAll(f.Name, packed+"/", "!/")
		}
	}
	l.root, err = loader.LoadFiles(files)
	return l, err
}

// at is where a file of the chart lies; after !/ in a chart that is packed.
func (l *loaded) at(f *common.File) string {
	if f != nil && len(f.Data) > 0 {
		if at, ok := l.paths[&f.Data[0]]; ok {
			return at
		}
	}
	return "Chart.yaml"
}

// unpacked are the files of a chart: what an archive holds, or a folder without what .helmignore leaves out.
func unpacked(ask render.Chart) ([]*archive.BufferedFile, error) {
	if len(ask.Packed) > 0 {
		return archive.LoadArchiveFiles(bytes.NewReader(ask.Packed))
	}
	rules := ignore.Empty()
	for _, f := range ask.Files {
		if f.Path == ignore.HelmIgnore {
			var err error
			if rules, err = ignore.Parse(bytes.NewReader(f.Bytes)); err != nil {
				return nil, err
			}
		}
	}
	rules.AddDefaults()
	var all []*archive.BufferedFile
	for _, f := range ask.Files {
		if !ignored(rules, f.Path) {
			all = append(all, &archive.BufferedFile{Name: f.Path, Data: bytes.TrimPrefix(f.Bytes, []byte("\xef\xbb\xbf"))})
		}
	}
	return all, nil
}

// ignored asks the rules about a file and the folders above it.
func ignored(rules *ignore.Rules, at string) bool {
	for i := range at {
		if at[i] == '/' && rules.Ignore(at[:i], entry{path.Base(at[:i]), true}) {
			return true
		}
	}
	return rules.Ignore(at, entry{path.Base(at), false})
}

// entry is as much of a file as rules ask for.
type entry struct {
	name string
	dir  bool
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return 0 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}

// packed is put behind the name of an archive to make it that of a folder, which Helm takes for no archive.
const packed = "!"

// expand unpacks the charts that lie packed in charts folders, in place, so that their files have paths.
func expand(files []*archive.BufferedFile, deep int) (all []*archive.BufferedFile, err error) {
	if deep > maxNested {
		return nil, fmt.Errorf("charts are packed in each other more than %d times", maxNested)
	}
	for _, f := range files {
		dir, base := path.Split(f.Name)
		if path.Ext(base) != ".tgz" || dir != "charts/" && !strings.HasSuffix(dir, "/charts/") || strings.IndexAny(base, "_.") == 0 {
			all = append(all, f)
			continue
		}
		inner, err := archive.LoadArchiveFiles(bytes.NewReader(f.Data))
		if err == nil {
			inner, err = expand(inner, deep+1)
		}
		if err != nil {
			return nil, fmt.Errorf("error unpacking subchart %s: %w", f.Name, err)
		}
		for _, one := range inner {
			one.Name = f.Name + packed + "/" + one.Name
			all = append(all, one)
		}
	}
	size := 0
	for _, f := range all {
		if size += len(f.Data); size > render.MaxInput || len(all) > render.MaxFiles {
			return nil, fmt.Errorf("the chart has more than %d MiB or %d files", render.MaxInput>>20, render.MaxFiles)
		}
	}
	return all, nil
}
