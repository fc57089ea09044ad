package scan_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// TestPlatforms scans an index of two platforms: the layer that they share is read once, and the worse
// verdict is the report's.
func TestPlatforms(t *testing.T) {
	shared := imagetest.Layer{Compression: imagetest.Gzip, Files: []imagetest.File{
		{Path: "etc/os-release", Body: "ID=alpine\nVERSION_ID=3.11.0\n"},
		{Path: "lib/apk/db/installed", Body: "P:openssl\nV:9.9.9-r0\nA:x86_64\n\n"},
	}}
	bad := imagetest.Layer{Compression: imagetest.Gzip, Files: []imagetest.File{
		{Path: "app/node_modules/minimist/package.json", Body: `{"name": "minimist", "version": "1.2.5"}`},
	}}
	good := imagetest.Layer{Compression: imagetest.Gzip, Files: []imagetest.File{{Path: "app/readme", Body: "nothing"}}}
	l := imagetest.New()
	l.Tag("shop", l.AddIndex(true,
		l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{shared, good}}),
		l.Add(imagetest.Image{Platform: "linux/arm64", Layers: []imagetest.Layer{shared, bad}})))
	path := filepath.Join(t.TempDir(), "shop.tar")
	if err := os.WriteFile(path, l.Tar(), 0o600); err != nil {
		t.Fatal(err)
	}
	// A file that was written just now may change within the same tick of the clock, and is not relied on.
	time.Sleep(50 * time.Millisecond)
	imgs, err := archive.Open(context.Background(), path, image.Options{Platform: "all"})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	var opened atomic.Int32
	var subjects []scan.Subject
	for _, img := range imgs {
		for i := range img.Layers {
			open := img.Layers[i].Open
			img.Layers[i].Open = func(ctx context.Context) (layer.Blob, error) {
				opened.Add(1)
				return open(ctx)
			}
		}
		subjects = append(subjects, scan.Subject{Image: img})
	}
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := scan.Run(context.Background(), subjects, scan.Options{Kinds: all.Ecosystems(), Lookup: db, Line: gate.Default, Jobs: 2, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Targets) != 2 || opened.Load() != 3 {
		t.Errorf("%d targets, %d layers read, want 2 and 3", len(r.Targets), opened.Load())
	}
	if r.Targets[0].Verdict != finding.Pass || r.Targets[1].Verdict != finding.Deny || r.Verdict.Action != finding.Deny {
		t.Errorf("verdicts %s, %s, in all %s", r.Targets[0].Verdict, r.Targets[1].Verdict, r.Verdict.Action)
	}
	if !r.Targets[0].Verified {
		t.Error("a compressed layer was read in full, and is not verified")
	}
}

// Of an image for another system nothing but its files is known: the gate does not pass on it.
func TestOtherSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "win.tar")
	img := imagetest.Image{Platform: "windows/amd64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "Files/app.exe", Body: "MZ"}}}}}
	if err := os.WriteFile(path, imagetest.OldDockerTar(img), 0o600); err != nil {
		t.Fatal(err)
	}
	imgs, err := archive.Open(context.Background(), path, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer imgs[0].Close()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := scan.Run(context.Background(), []scan.Subject{{Image: imgs[0]}}, scan.Options{Kinds: all.Ecosystems(), Lookup: db, Line: gate.Default, Jobs: 1, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Action != finding.Incomplete || len(r.Coverage) != 1 || r.Coverage[0].Class != "no-database" {
		t.Errorf("verdict %s, gaps %+v", r.Verdict.Action, r.Coverage)
	}
}
