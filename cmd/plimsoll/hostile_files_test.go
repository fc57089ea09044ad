//go:build linux

package main

import (
	"archive/tar"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

const fiftyGB = 50 << 30

// TestSparse has fifty gigabytes of nothing: in a sparse tar, in a file on disk, as a layer, as an archive.
func TestSparse(t *testing.T) {
	for _, format := range []string{"gnu", "pax"} {
		dir := t.TempDir()
		write(t, dir, "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
		sparse(t, dir, "var/big")
		sparse(t, dir, "var/lib/dpkg/status")
		blob, err := exec.Command("tar", "--sparse", "--format="+format, "-C", dir, "-cf", "-", ".").Output()
		if err != nil {
			t.Skip("needs GNU tar")
		}
		rep := hostile(t, nil, "sbom", "--no-cache", "-o", "json", blobImage(t, blob)).report(t)
		if !strings.Contains(gaps(rep), "unreadable-database") {
			t.Errorf("%s: gaps %q: a package database is sparse", format, gaps(rep))
		}
		rep = hostile(t, nil, "sbom", "--no-cache", "-o", "json", "rootfs:"+dir).report(t)
		if !strings.Contains(gaps(rep), "limit-reached") {
			t.Errorf("folder: gaps %q: a package database has 50 GB", gaps(rep))
		}
	}
	dir := t.TempDir()
	sparse(t, dir, "layer.tar")
	for _, args := range [][]string{{"./layer.tar"}, {"--as", "archive", "./layer.tar"}, {"--as", "sbom", "./layer.tar"}} {
		args[len(args)-1] = filepath.Join(dir, "layer.tar")
		if r := hostile(t, nil, append([]string{"scan", "--fail-on", "none"}, args...)...); r.status == 0 {
			t.Errorf("%q passes: %s", args, r.stdout)
		}
	}
}

// TestSparseLayer is a layout whose layer, manifest, configuration or index is a file of fifty gigabytes.
func TestSparseLayer(t *testing.T) {
	l := imagetest.New(small(imagetest.None))
	manifest := l.Index[0]
	m, err := image.ParseManifest(l.Blobs[manifest.Digest])
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"layer": blob(m.Layers[1].Digest), "configuration": blob(m.Config.Digest), "manifest": blob(manifest.Digest), "index": "index.json",
	} {
		dir := l.Folder(t)
		sparse(t, dir, path)
		r := hostile(t, nil, "scan", "--fail-on", "none", "-o", "json", dir)
		if r.status == 0 {
			t.Errorf("%s: passes: %s", name, r.stderr)
		}
	}
}

func blob(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

func write(t *testing.T, dir, name, body string) string {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

func sparse(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Truncate(write(t, dir, name, ""), fiftyGB); err != nil {
		t.Skip("the disk cannot hold a sparse file")
	}
}

// TestHostileFolder is a root file system with all that opening or following could hang on.
func TestHostileFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
	write(t, dir, "app/node_modules/lodash/package.json", `{"name":"lodash","version":"4.17.20"}`)
	secret := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(secret, []byte("Package: outside\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"var/lib/dpkg", "lib/apk/db", "a", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"var/lib/dpkg/status": secret, "a/loop": "../a", "b": "c", "c": "b", "up": "../../../../..", "usr/lib": "../usr"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"lib/apk/db/installed", "usr/bin/program", "package-lock.json"} {
		if err := syscall.Mkfifo(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_ = syscall.Mknod(filepath.Join(dir, "usr/bin/zero"), syscall.S_IFCHR|0o755, 1<<8|5) // as root only
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	rep := hostile(t, nil, "sbom", "--no-cache", "-o", "json", "rootfs:"+dir).report(t)
	if got := packages(rep); got != "pkg:npm/lodash@4.17.20" {
		t.Errorf("packages %q", got)
	}
	for _, as := range []string{"rootfs", "source"} {
		hostile(t, nil, "scan", "--as", as, "--fail-on", "none", dir)
	}
}

// TestPipesAsTargets names what is no file at all.
func TestPipesAsTargets(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	go func() { // a pipe with a writer is a stream as any other
		if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			f.Write(imagetest.OldDockerTar(small(imagetest.None)))
			f.Close()
		}
	}()
	if r := hostile(t, nil, "sbom", "-o", "json", pipe); r.status != 0 {
		t.Errorf("a pipe: status %d, %s", r.status, r.stderr)
	}
	for _, dev := range []string{"/dev/null", "/proc/self/mem"} {
		if r := hostile(t, nil, "scan", "--fail-on", "none", dev); r.status == 0 {
			t.Errorf("%s passes", dev)
		}
	}
}

// TestChangingFolder removes, grows and swaps files while they are read.
func TestChangingFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
	for i := range 300 {
		write(t, dir, fmt.Sprintf("app/node_modules/p%d/package.json", i), fmt.Sprintf(`{"name":"p%d","version":"1.0.0"}`, i))
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			at := filepath.Join(dir, fmt.Sprintf("app/node_modules/p%d", n%300))
			os.RemoveAll(at)
			switch n % 3 {
			case 0:
				os.Symlink("/etc", at)
			case 1:
				os.Mkdir(at, 0o755)
				syscall.Mkfifo(filepath.Join(at, "package.json"), 0o755)
			case 2:
				os.Mkdir(at, 0o755)
				os.WriteFile(filepath.Join(at, "package.json"), []byte(`{"name":"x","ver`), 0o644)
			}
		}
	}()
	for range 5 {
		hostile(t, nil, "scan", "--no-cache", "--fail-on", "none", "rootfs:"+dir)
	}
	close(done)
	<-stopped
}

// TestFullDisk has no room where something is to be written: an error, or a report without what needed it.
func TestFullDisk(t *testing.T) {
	full := t.TempDir()
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs the right to mount: " + err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(full, syscall.MNT_DETACH) })
	packed := imagetest.WriteFile(t, "x.tar.gz", imagetest.Compress(imagetest.OldDockerTar(imagetest.Image{Layers: []imagetest.Layer{
		{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\nVERSION_ID=\"12\"\n"}, {Path: "big", Body: strings.Repeat("x", 1<<20)}}},
	}}), imagetest.Gzip))
	if r := hostile(t, []string{"TMPDIR=" + full}, "scan", "--fail-on", "none", packed); r.status == 0 || !strings.Contains(r.stderr, "no space left") {
		t.Errorf("no room to unpack: status %d, %s", r.status, r.stderr)
	}
	shop := filepath.Join("..", "..", "examples", "shop", "shop.tar")
	if r := hostile(t, nil, "scan", "--fail-on", "none", "--cache-dir", filepath.Join(full, "cache"), shop); r.status != 0 {
		t.Errorf("no room for the cache: status %d, %s", r.status, r.stderr)
	}
	for _, format := range []string{"json", "table", "sarif", "markdown", "cyclonedx", "spdx"} {
		out := filepath.Join(full, "out."+format)
		_ = os.WriteFile(filepath.Join(full, "filler"), make([]byte, 128<<10), 0o644)
		if r := hostile(t, nil, "scan", "--fail-on", "none", "-o", format+"="+out, shop); r.status != 3 || !strings.Contains(r.stderr, "no space left") {
			t.Errorf("no room for %s: status %d, %s", format, r.status, r.stderr)
		}
	}
	if r := hostile(t, nil, "db", "export", filepath.Join(full, "db")); r.status == 0 {
		t.Errorf("no room for a database: status %d", r.status)
	}
	cmd := exec.Command("sh", "-c", "plimsoll scan --fail-on none "+shop+" >/dev/full")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "no space left") {
		t.Errorf("standard output is full: %v, %s", err, out)
	}
}

// TestHostileDocuments has manifests, indexes and configurations that are too many, too deep or wrong.
func TestHostileDocuments(t *testing.T) {
	deep := strings.Repeat("[", 5_000_000)
	many := "[" + strings.Repeat(`"0/layer.tar",`, 99_999) + `"0/layer.tar"]`
	for name, files := range map[string][]imagetest.File{
		"manifest with 100,000 layers": {{Path: "manifest.json", Body: `[{"Config":"c.json","Layers":` + many + `}]`}, {Path: "c.json", Body: "{}"}},
		"deep manifest":                {{Path: "manifest.json", Body: deep}},
		"deep index":                   {{Path: "index.json", Body: deep}},
		"manifest is null":             {{Path: "manifest.json", Body: "null"}},
		"manifest is empty":            {{Path: "manifest.json"}},
		"no configuration":             {{Path: "manifest.json", Body: `[{}]`}},
		"configuration is a folder":    {{Path: "manifest.json", Body: `[{"Config":"d","Layers":[]}]`}, {Path: "d/", Type: tar.TypeDir}},
		"configuration leads out":      {{Path: "manifest.json", Body: `[{"Config":"../../etc/passwd","Layers":[]}]`}},
		"layer is a link to itself":    {{Path: "manifest.json", Body: `[{"Config":"c.json","Layers":["l"]}]`}, {Path: "c.json", Body: `{"rootfs":{"diff_ids":["sha256:` + strings.Repeat("a", 64) + `"]}}`}, {Path: "l", Type: tar.TypeSymlink, Link: "l"}},
		"negative size":                {{Path: "index.json", Body: `{"manifests":[{"digest":"sha256:` + strings.Repeat("a", 64) + `","size":-1}]}`}},
		"digest leads out":             {{Path: "index.json", Body: `{"manifests":[{"digest":"sha256:../../../etc/passwd","size":1}]}`}},
		"no digest":                    {{Path: "index.json", Body: `{"manifests":[{}]}`}},
	} {
		r := hostile(t, nil, "scan", "--fail-on", "none", imagetest.WriteFile(t, "x.tar", imagetest.Tar(files...)))
		if r.status == 0 || r.stderr == "" || len(r.stderr) > 2000 {
			t.Errorf("%s: status %d, %.3000s", name, r.status, r.stderr)
		}
	}
}

// TestMountedProc has the kernel's own files mounted in a root file system, as a chroot has: they are no
// part of it, and walking them costs nothing and fails at nothing.
func TestMountedProc(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
	write(t, dir, "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n")
	for _, name := range []string{"proc", "sys"} {
		at := filepath.Join(dir, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount(name, at, map[string]string{"proc": "proc", "sys": "sysfs"}[name], syscall.MS_RDONLY, ""); err != nil {
			t.Skip("needs the right to mount: " + err.Error())
		}
		t.Cleanup(func() { syscall.Unmount(at, syscall.MNT_DETACH) })
	}
	rep := hostile(t, nil, "sbom", "-o", "json", "--no-cache", "rootfs:"+dir).report(t)
	if got := gaps(rep); got != "" {
		t.Errorf("gaps %q: %+v", got, rep.Coverage)
	}
}
