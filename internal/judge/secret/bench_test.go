package secret

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// text is a file of a tree, as the scan of one sees it.
type text struct {
	path string
	body []byte
}

// texts reads what would be searched of a tree, up to so many bytes.
func texts(tb testing.TB, root string, most int64) (all []text, size int64) {
	tb.Helper()
	e := engine(tb)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || size > most {
			return nil
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(root, p)
		if err != nil || !e.Wants(filepath.ToSlash(rel), info.Size()) {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil || !IsText(b[:min(len(b), 512)]) {
			return nil
		}
		b = b[:min(len(b), MaxFile)]
		all = append(all, text{filepath.ToSlash(rel), b})
		size += int64(len(b))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all, size
}

// goroot is where Go's own sources are.
func goroot(b *testing.B) string {
	b.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Skipf("no Go here: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// BenchmarkScan searches Go's own source, and the tree that PLIMSOLL_BENCH_TREE names.
func BenchmarkScan(b *testing.B) {
	for name, root := range map[string]string{"goroot": filepath.Join(goroot(b), "src"), "tree": os.Getenv("PLIMSOLL_BENCH_TREE")} {
		if root == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			all, size := texts(b, root, 200<<20)
			e := engine(b)
			b.SetBytes(size)
			start, n := cpu(), 0
			for b.Loop() {
				hits := 0
				n++
				for _, f := range all {
					hits += len(e.Scan(f.path, f.body).Hits)
				}
				b.ReportMetric(float64(hits), "hits")
			}
			b.ReportMetric(float64(size)*float64(n)/1e6/(cpu()-start).Seconds(), "MB/cpu-s")
		})
	}
}

// BenchmarkWords is the automaton alone.
func BenchmarkWords(b *testing.B) {
	all, size := texts(b, filepath.Join(goroot(b), "src", "net"), 50<<20)
	e := engine(b)
	b.SetBytes(size)
	start, loops := cpu(), 0
	for b.Loop() {
		loops++
		n := 0
		for _, f := range all {
			e.words.find(f.body, func(int, int) { n++ })
		}
		b.ReportMetric(float64(n), "words")
	}
	b.ReportMetric(float64(size)*float64(loops)/1e6/(cpu()-start).Seconds(), "MB/cpu-s")
}

// BenchmarkNew is what every start pays that looks for secrets.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		engine(b)
	}
}

// TestTree lists what is found below the folder that PLIMSOLL_SECRET_TREE names, to look at each alarm.
func TestTree(t *testing.T) {
	root := os.Getenv("PLIMSOLL_SECRET_TREE")
	if root == "" {
		return
	}
	all, size := texts(t, root, 4<<30)
	e := engine(t)
	n := 0
	for _, f := range all {
		res := e.Scan(f.path, f.body)
		lines := bytes.Split(f.body, []byte("\n"))
		for _, h := range res.Hits {
			n++
			line := lines[min(h.Line, len(lines))-1]
			from := max(0, min(h.Column-1-60, len(line)))
			t.Logf("%s %s:%d %s %s | %.160s", h.Rule, f.path, h.Line, h.Severity, h.Note, line[from:])
		}
	}
	t.Logf("%d files, %d bytes, %d hits", len(all), size, n)
}

// cpu is the processor time that the process has taken: on a busy machine it says more than the clock.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
