//go:build linux

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestHostileNames puts line ends, escape sequences and broken UTF-8 into every name that a report tells.
func TestHostileNames(t *testing.T) {
	evil := "x\nPackageName: injected\r\n| injected | row |\x1b[2J\x1b]0;owned\a\u202e\xff\xfe<b>&\"'`[a](http://evil)|"
	at := layerImage(t, func(w *tar.Writer) {
		entry(w, tar.Header{Name: "app/" + strings.ReplaceAll(evil, "/", "") + "/node_modules/lodash/package.json"}, `{"name":"lodash","version":"4.17.20","license":"MIT\nPackageName: injected"}`)
		entry(w, tar.Header{Name: "app2/node_modules/b/package.json"}, `{"name":"evil\n| injected | row |\u001b[2J","version":"1\nPackageName: injected"}`)
		entry(w, tar.Header{Name: "app3/node_modules/b/package-lock.json"}, "{ \x1b[2J\nPackageName: injected")
		entry(w, tar.Header{Name: "var/lib/dpkg/status"}, "Package: ok\x1b[2J\u202e\nStatus: install ok installed\nArchitecture: all\nVersion: 1\x1b]0;owned\a\nMaintainer: a <b>\x1b[2J\n")
	})
	for _, format := range []string{"table", "json", "sarif", "markdown", "cyclonedx", "cyclonedx-xml", "spdx", "spdx-tag"} {
		r := hostile(t, nil, "scan", "--no-cache", "--fail-on", "none", "-o", format, at)
		if r.stdout == "" {
			t.Errorf("%s: nothing is written: %s", format, r.stderr)
		}
		for _, out := range []string{r.stdout, r.stderr} {
			if i := strings.IndexAny(out, "\x1b\a\r"); i >= 0 {
				t.Errorf("%s: a control gets out: %q", format, out[max(0, i-40):min(len(out), i+40)])
			}
			if strings.Contains(out, "\u202e") && (format == "table" || format == "markdown") {
				t.Errorf("%s: a change of direction gets out", format)
			}
			if strings.ToValidUTF8(out, "") != out {
				t.Errorf("%s: what is written is no UTF-8", format)
			}
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "PackageName: injected") || strings.HasPrefix(line, "| injected") {
					t.Errorf("%s: foreign text makes a line of its own: %q", format, line)
				}
			}
		}
	}
}

// TestHostileTexts has documents that grow when they are read: each is a gap or nothing, and the rest of
// the image stands.
func TestHostileTexts(t *testing.T) {
	aliases := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 30; i++ {
		aliases += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	entities := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "xxxxxxxxxx">`
	for i := 1; i < 30; i++ {
		entities += fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	entities += `]><project><groupId>&a29;</groupId><artifactId>x</artifactId><version>1</version></project>`
	deep := 2_000_000
	at := layerImage(t, func(w *tar.Writer) {
		for name, body := range map[string]string{
			"y/pnpm-lock.yaml": aliases, "y/yarn.lock": aliases, "y/Chart.yaml": aliases,
			"x/pom.xml": entities, "x/packages.lock.json": strings.Repeat("[", deep),
			"d/package-lock.json": `{"packages":` + strings.Repeat(`{"a":`, deep), "d/package.json": strings.Repeat(`{"a":`, deep),
			"d/pnpm-lock.yaml": strings.Repeat("[", deep), "e/pnpm-lock.yaml": strings.Repeat("- ", 100_000), "f/pnpm-lock.yaml": strings.Repeat("? ", 100_000),
			"d/poetry.lock": "a = " + strings.Repeat("[", deep), "d/Cargo.lock": strings.Repeat("[", deep), "e/Cargo.lock": "a" + strings.Repeat(".a", deep) + " = 1",
			"e/pom.xml": strings.Repeat("<a>", deep), "d/bun.lock": strings.Repeat("[", deep), "d/composer.lock": strings.Repeat(`{"packages":[`, deep),
			"d/uv.lock": "a = " + strings.Repeat("{a = ", deep), "d/app.deps.json": strings.Repeat(`{"libraries":`, deep),
			"d/gradle.lockfile": strings.Repeat("a", 5_000_000), "d/go.mod": strings.Repeat("require (\n", 300_000), "d/Gemfile.lock": strings.Repeat("GEM\n  specs:\n", 300_000),
			"opt/bitnami/x/.spdx-x.spdx": strings.Repeat(`{"packages":[`, deep),
		} {
			entry(w, tar.Header{Name: name}, body)
		}
		entry(w, tar.Header{Name: "app/node_modules/lodash/package.json"}, `{"name":"lodash","version":"4.17.20"}`)
	})
	r := hostile(t, nil, "scan", "--no-cache", "--fail-on", "none", "-o", "json", at)
	rep := r.report(t)
	if !strings.Contains(packages(rep), "pkg:npm/lodash@4.17.20") || r.status != 3 {
		t.Errorf("status %d, gaps %s", r.status, gaps(rep))
	}
}

// TestHostileBills reads bills of materials that are too deep, too many or cut.
func TestHostileBills(t *testing.T) {
	cdx := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`
	for name, body := range map[string]string{
		"x.cdx.json":  cdx + strings.Repeat(`{"type":"library","name":"a","components":[`, 1_000_000),
		"y.cdx.json":  cdx + `{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}`,
		"x.cdx.xml":   `<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>` + strings.Repeat(`<component><components>`, 1_000_000),
		"e.cdx.xml":   `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaa">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components><component type="library"><name>&a;</name></component></components></bom>`,
		"x.spdx":      "SPDXVersion: SPDX-2.3\n" + strings.Repeat("PackageName: a\n", 10) + "PackageComment: <text>" + strings.Repeat("a\n", 1_000_000),
		"x.spdx.json": `{"spdxVersion":"SPDX-2.3","packages":` + strings.Repeat("[", 5_000_000),
		"x.json":      `{"schema":"plimsoll/report/v1","packages":` + strings.Repeat("[", 5_000_000),
	} {
		r := hostile(t, nil, "scan", "--fail-on", "none", "sbom:"+imagetest.WriteFile(t, name, []byte(body)))
		if r.status == 0 && name != "x.spdx" || len(r.stderr) > 2000 {
			t.Errorf("%s: status %d, %.2000s", name, r.status, r.stderr)
		}
	}
}

// TestZipBombs has jars that inflate to far more than they are.
func TestZipBombs(t *testing.T) {
	zeros := deflated(1 << 30)
	nested := jar(t, func(w *zip.Writer) { raw(t, w, "META-INF/maven/g/a/pom.properties", zeros, 1<<30) })
	for range 12 {
		inner := nested
		nested = jar(t, func(w *zip.Writer) {
			for i := range 4 {
				f, err := w.Create(fmt.Sprintf("lib/%d.jar", i))
				if err != nil {
					t.Fatal(err)
				}
				f.Write(inner)
			}
		})
		if len(nested) > 8<<20 {
			break
		}
	}
	for name, body := range map[string][]byte{
		"one large text": jar(t, func(w *zip.Writer) { raw(t, w, "META-INF/MANIFEST.MF", zeros, 1<<30) }),
		"a lie of sizes": jar(t, func(w *zip.Writer) { raw(t, w, "META-INF/maven/g/a/pom.properties", zeros, 100) }),
		"a large jar":    jar(t, func(w *zip.Writer) { raw(t, w, "lib/a.jar", zeros, 1<<30) }),
		"nested":         nested,
		"overlapping":    overlapping(zeros[:1<<20], 20_000),
		"no directory":   append([]byte("PK\x03\x04"), make([]byte, 1000)...),
	} {
		at := layerImage(t, func(w *tar.Writer) {
			entry(w, tar.Header{Name: "app/bad.jar"}, string(body))
			entry(w, tar.Header{Name: "app/node_modules/lodash/package.json"}, `{"name":"lodash","version":"4.17.20"}`)
		})
		r := hostile(t, nil, "scan", "--no-cache", "--fail-on", "none", "-o", "json", at)
		rep := r.report(t)
		if !strings.Contains(packages(rep), "pkg:npm/lodash@4.17.20") || r.status != 3 || gaps(rep) == "" {
			t.Errorf("%s: status %d, gaps %q", name, r.status, gaps(rep))
		}
	}
}

func jar(t *testing.T, fill func(w *zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func raw(t *testing.T, w *zip.Writer, name string, body []byte, size uint64) {
	t.Helper()
	f, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(len(body)), UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	f.Write(body)
}

// deflated is n zeros.
func deflated(n int64) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.CopyN(w, zero{}, n)
	w.Close()
	return b.Bytes()
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// overlapping is a zip whose n entries all have the same bytes (D. Fifield, "A better zip bomb").
func overlapping(body []byte, n int) []byte {
	le := binary.LittleEndian
	local := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00"), make([]byte, 12)...)
	local = le.AppendUint16(local, 5)
	local = append(le.AppendUint16(local, 0), "a.jar"...)
	out := append(local, body...)
	at := len(out)
	for i := range n {
		name := fmt.Sprintf("lib/%d.jar", i)
		out = append(out, "PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00"...)
		out = le.AppendUint32(out, crc32.ChecksumIEEE(nil))
		out = le.AppendUint32(out, uint32(len(body)))
		out = le.AppendUint32(out, 1<<28)
		out = le.AppendUint16(out, uint16(len(name)))
		out = append(out, make([]byte, 16)...)
		out = append(out, name...)
	}
	size := len(out) - at
	out = append(out, "PK\x05\x06\x00\x00\x00\x00"...)
	out = le.AppendUint16(le.AppendUint16(out, uint16(n)), uint16(n))
	return le.AppendUint16(le.AppendUint32(le.AppendUint32(out, uint32(size)), uint32(at)), 0)
}

// TestHostileWords puts what steers terminals into names of images, platforms, users and files that stderr
// tells of, in errors too.
func TestHostileWords(t *testing.T) {
	evil := "x\x1b[2J\x1b]0;owned\a\nplimsoll: all is well\u202e:1"
	img := func(i int) imagetest.Image {
		return imagetest.Image{
			Name: fmt.Sprint(evil, i), Platform: "linux/amd64\x1b[2J", Config: map[string]any{"User": evil},
			Layers: []imagetest.Layer{{CreatedBy: evil, Files: []imagetest.File{{Path: fmt.Sprint(i)}}}},
		}
	}
	for name, args := range map[string][]string{
		"one image":       {imagetest.WriteFile(t, "one.tar", imagetest.OldDockerTar(img(1)))},
		"two images":      {imagetest.WriteFile(t, "two.tar", imagetest.OldDockerTar(img(1), img(2)))},
		"no such file":    {"./" + evil},
		"no such image":   {"--offline", evil},
		"a name that is":  {imagetest.WriteFile(t, "x\x1b[2J\u202e.tar", imagetest.OldDockerTar(img(1)))},
		"another machine": {"--platform", "linux/arm64", imagetest.WriteFile(t, "one.tar", imagetest.OldDockerTar(img(1)))},
	} {
		r := hostile(t, nil, append([]string{"scan", "--fail-on", "none"}, args...)...)
		for _, out := range []string{r.stdout, r.stderr} {
			if i := strings.IndexAny(out, "\x1b\a\r\u202e"); i >= 0 {
				t.Errorf("%s: a control gets out: %q", name, out[max(0, i-40):min(len(out), i+40)])
			}
			if strings.Contains(out, "\nplimsoll: all") {
				t.Errorf("%s: foreign text looks like ours: %q", name, out)
			}
		}
	}
}
