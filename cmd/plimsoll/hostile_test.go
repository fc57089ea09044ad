//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// A run is one call of the program, in a process of its own.
type run struct {
	stdout, stderr string
	status         int
	memory         int64 // at its peak, in bytes
}

// Bounds of every run on hostile input, with room for a busy machine.
const (
	mostTime   = 2 * time.Minute
	mostMemory = 256 << 20
)

// hostile calls the program with input that means it no good. Whatever that is, it ends in time, within
// its memory, and without a panic; what it says of itself is returned.
func hostile(t *testing.T, env []string, args ...string) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), mostTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "plimsoll", args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "DOCKER_CONFIG="+home, "DOCKER_HOST=unix:///nowhere",
		"CONTAINER_HOST=unix:///nowhere", "CONTAINERD_ADDRESS=/nowhere", "CONTAINERD_ROOT=/nowhere")
	peak := filepath.Join(home, "peak")
	cmd.Env = append(append(cmd.Env, peakFile+"="+peak), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("plimsoll %q hangs", args)
	}
	r := run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), 0}
	if status, err := os.ReadFile(peak); err == nil {
		_, line, _ := strings.Cut(string(status), "VmHWM:")
		fmt.Sscan(line, &r.memory)
		r.memory <<= 10
	}
	if r.memory == 0 {
		t.Errorf("plimsoll %q did not end by itself: %.2000s", args, r.stderr)
	}
	if r.memory > mostMemory {
		t.Errorf("plimsoll %q took %d MB", args, r.memory>>20)
	}
	if r.status < 0 || r.status > 3 || strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "panic") {
		t.Errorf("plimsoll %q broke: status %d, %.2000s", args, r.status, r.stderr)
	}
	if r.status == 2 && r.stderr == "" {
		t.Errorf("plimsoll %q fails without a word", args)
	}
	return r
}

// report reads the JSON that a run wrote.
func (r run) report(t *testing.T) finding.Report {
	t.Helper()
	var rep finding.Report
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		t.Fatalf("status %d, %v: %.500s\n%.500s", r.status, err, r.stdout, r.stderr)
	}
	return rep
}

// gaps are the classes of the blocking gaps, in order.
func gaps(rep finding.Report) string {
	var classes []string
	for _, g := range rep.Coverage {
		if g.Blocking {
			classes = append(classes, g.Class)
		}
	}
	return strings.Join(classes, " ")
}

// packages are the purls of a report.
func packages(rep finding.Report) string {
	var all []string
	for _, p := range rep.Packages {
		all = append(all, p.PURL)
	}
	return strings.Join(all, "\n")
}

// small is an image with packages of several kinds.
func small(c imagetest.Compression) imagetest.Image {
	return imagetest.Image{Name: "shop/small:1", Platform: "linux/amd64", Layers: []imagetest.Layer{
		{CreatedBy: "base", Compression: c, Files: []imagetest.File{
			{Path: "etc/os-release", Body: "ID=debian\nVERSION_ID=\"12\"\n"},
			{Path: "var/lib/dpkg/status", Body: "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u2\n\n" +
				"Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\n"},
		}},
		{CreatedBy: "COPY app /app", Compression: c, Files: []imagetest.File{
			{Path: "app/node_modules/lodash/package.json", Body: `{"name":"lodash","version":"4.17.20"}`},
		}},
	}}
}

// TestCutArchives cuts archives at many places. What is read is whole, or the gate does not pass.
func TestCutArchives(t *testing.T) {
	for name, b := range map[string][]byte{
		"docker": imagetest.New(small(imagetest.Gzip)).DockerTar(), "old": imagetest.OldDockerTar(small(imagetest.None)),
		"oci": imagetest.New(small(imagetest.Zstd)).Tar(), "packed": imagetest.Compress(imagetest.OldDockerTar(small(imagetest.None)), imagetest.Gzip),
	} {
		whole := packages(hostile(t, nil, "sbom", "-o", "json", imagetest.WriteFile(t, "x.tar", b)).report(t))
		for i := range 12 {
			at := len(b) * i / 12
			r := hostile(t, nil, "sbom", "-o", "json", imagetest.WriteFile(t, "x.tar", b[:at]))
			if r.status == 0 && packages(r.report(t)) != whole || r.status != 0 && r.stderr == "" {
				t.Errorf("%s cut at %d of %d: status %d, %s", name, at, len(b), r.status, r.stderr)
			}
		}
	}
}

// TestDamagedArchives changes single bytes. With --verify nothing that differs may pass.
func TestDamagedArchives(t *testing.T) {
	for name, b := range map[string][]byte{
		"docker": imagetest.New(small(imagetest.Gzip)).DockerTar(), "old": imagetest.OldDockerTar(small(imagetest.None)),
	} {
		whole := packages(hostile(t, nil, "sbom", "--verify", "-o", "json", imagetest.WriteFile(t, "x.tar", b)).report(t))
		for i := range 30 {
			bad := bytes.Clone(b)
			at := (i*7919 + 13) * 31 % len(b)
			bad[at] ^= 0x41
			r := hostile(t, nil, "sbom", "--verify", "-o", "json", imagetest.WriteFile(t, "x.tar", bad))
			if r.status == 0 && packages(r.report(t)) != whole || r.status == 2 && r.stderr == "" {
				t.Errorf("%s damaged at %d: status %d, %s", name, at, r.status, r.stderr)
			}
		}
	}
}

// layerImage writes an old archive whose one layer is made by fill and compressed with zstd, so that a
// layer of gigabytes takes kilobytes.
func layerImage(t *testing.T, fill func(w *tar.Writer)) string {
	t.Helper()
	var blob bytes.Buffer
	z, err := zstd.NewWriter(&blob, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	entry(w, tar.Header{Name: "etc/os-release"}, "ID=debian\nVERSION_ID=\"12\"\n")
	fill(w)
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return blobImage(t, blob.Bytes())
}

// blobImage writes an OCI layout of one layer with these bytes. Its diff ID is not right: what is cut
// short by a bound is not hashed to its end.
func blobImage(t *testing.T, blob []byte) string {
	t.Helper()
	l := imagetest.New()
	m := image.Manifest{MediaType: imagetest.ManifestType, Layers: []image.Descriptor{l.Put("application/vnd.oci.image.layer.v1.tar", blob)}}
	m.Config = l.Put(imagetest.ConfigType, []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["`+m.Layers[0].Digest+`"]}}`))
	l.Tag("shop/bad:1", l.PutManifest(m))
	return l.Folder(t)
}

func entry(w *tar.Writer, h tar.Header, body string) {
	h.Size = int64(len(body))
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	if h.Mode == 0 {
		h.Mode = 0o644
	}
	if w.WriteHeader(&h) == nil {
		io.WriteString(w, body)
	}
}

// TestHostileLayers has layers that are small on disk and large in memory or time.
func TestHostileLayers(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 200)+"/", 15)
	for name, c := range map[string]struct {
		fill func(w *tar.Writer)
		gap  string // class of a blocking gap that must be there
		has  string // purl that must be there
	}{
		"links to a megabyte": {func(w *tar.Writer) {
			for i := range 300 {
				entry(w, tar.Header{Name: fmt.Sprint(i), Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("x", 1_000_000)}, "")
			}
		}, "limit-reached", ""},
		"whiteouts of long paths": {func(w *tar.Writer) {
			for i := range 60_000 {
				entry(w, tar.Header{Name: fmt.Sprintf("%s.wh.%d", long, i)}, "")
			}
		}, "limit-reached", ""},
		"many names of one file": {func(w *tar.Writer) {
			entry(w, tar.Header{Name: "a/package.json"}, `{"name":"lodash","version":"4.17.20"}`)
			for i := range 100_000 {
				entry(w, tar.Header{Name: fmt.Sprintf("n/node_modules/p%d/package.json", i%50_000), Typeflag: tar.TypeLink, Linkname: "a/package.json"}, "")
			}
		}, "", ""},
		"links in a circle": {func(w *tar.Writer) {
			for _, l := range []string{"a>b", "b>a", "c>c", "var/lib>../var/lib", "etc/os-release>../etc/os-release"} {
				from, to, _ := strings.Cut(l, ">")
				entry(w, tar.Header{Name: from, Typeflag: tar.TypeSymlink, Linkname: to}, "")
			}
			entry(w, tar.Header{Name: "a/package.json"}, `{"name":"lodash","version":"4.17.20"}`)
		}, "", ""},
		"paths that lead out": {func(w *tar.Writer) {
			entry(w, tar.Header{Name: "../../../../var/lib/dpkg/status"}, "Package: openssl\nStatus: install ok installed\nVersion: 3.0.11-1~deb12u2\nArchitecture: amd64\n")
			entry(w, tar.Header{Name: "/etc/passwd", Typeflag: tar.TypeSymlink, Linkname: "../../../../../etc/passwd"}, "")
			entry(w, tar.Header{Name: "out", Typeflag: tar.TypeLink, Linkname: "../../../../etc/passwd"}, "")
		}, "", "pkg:deb/debian/openssl@3.0.11-1~deb12u2"},
		"deep folders": {func(w *tar.Writer) {
			entry(w, tar.Header{Name: strings.Repeat("d/", 2000) + "node_modules/x/package.json"}, `{"name":"lodash","version":"4.17.20"}`)
		}, "limit-reached", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := hostile(t, nil, "sbom", "--no-cache", "-o", "json", layerImage(t, c.fill))
			rep := r.report(t)
			if c.gap != "" && (!strings.Contains(gaps(rep), c.gap) || r.status == 0) {
				t.Errorf("gaps %q, status %d, want %q", gaps(rep), r.status, c.gap)
			}
			if !strings.Contains(packages(rep), c.has) {
				t.Errorf("packages %q lack %q", packages(rep), c.has)
			}
		})
	}
}
