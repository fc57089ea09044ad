package advisory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// made is a shard of n packages, each with rows of its own, over several blocks.
func made(t testing.TB, n int) (file []byte, info ShardInfo) {
	t.Helper()
	w, err := NewShardWriter()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		w.Add([]string{name(i), "alias-of-" + name(i)}, EncodeRows(rowsOf(i)))
	}
	file, head, digest := w.Finish()
	return file, ShardInfo{Name: "npm", File: digest, Head: int64(head), Size: int64(len(file)), Names: n}
}

func name(i int) string { return fmt.Sprintf("package-%d", i) }

func rowsOf(i int) []Row {
	rnd := rand.New(rand.NewPCG(uint64(i), 1))
	return []Row{
		{ID: fmt.Sprintf("GHSA-%d", rnd.Uint64()), Feed: "osv/npm", Ranges: []Range{{"1.0", "1.2", "", ""}, {"2.0", "", "2.3", ""}, {"3.0", "", "", "4.0"}}, Symbols: []string{"a.F"}},
		{ID: "CVE-1", Feed: "osv/npm", Status: finding.StatusWillNotFix, Severity: finding.Low, Versions: []string{"9", "10"}, Arch: []string{"x86_64"}, Module: "m:1", Unaffected: true},
	}
}

func TestShard(t *testing.T) {
	const n = 1000
	file, info := made(t, n)
	if err := VerifyShard(bytes.NewReader(file), info); err != nil {
		t.Fatal(err)
	}
	s, err := openShard(bytes.NewReader(file), info.Head, info.File)
	if err != nil {
		t.Fatal(err)
	}
	if s.blocks < 3 {
		t.Errorf("%d blocks, want some", s.blocks)
	}
	for i := range n {
		for _, name := range []string{name(i), "alias-of-" + name(i)} {
			b, err := s.find(name)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := decodeRows(b)
			if diff := cmp.Diff(rowsOf(i), rows); diff != "" || err != nil {
				t.Fatal(diff, err)
			}
		}
	}
	if b, err := s.find("unknown"); b != "" || err != nil {
		t.Errorf("%v, %v", b, err)
	}
	if s.size > keptBytes {
		t.Errorf("%d bytes are kept", s.size)
	}
	again, _ := made(t, n)
	if !bytes.Equal(file, again) {
		t.Error("the same packages gave another shard")
	}
}

// TestDamagedShard changes and cuts every part of a shard. Verify always sees it; a look-up gives what
// was written, or an error, and never something else.
func TestDamagedShard(t *testing.T) {
	file, info := made(t, 100)
	want := string(EncodeRows(rowsOf(7)))
	look := func(b []byte) (string, error) {
		s, err := openShard(bytes.NewReader(b), info.Head, info.File)
		if err != nil {
			return "", err
		}
		return s.find(name(7))
	}
	for at := 0; at < len(file); at += 3 {
		changed := bytes.Clone(file)
		changed[at] ^= 0x40
		for what, b := range map[string][]byte{"changed": changed, "cut": file[:at]} {
			if err := VerifyShard(bytes.NewReader(b), info); err == nil || !strings.Contains(err.Error(), "verify shard npm: the shard is damaged") {
				t.Fatalf("%s at %d: %v", what, at, err)
			}
			if got, err := look(b); err == nil && got != want {
				t.Fatalf("%s at %d: found %q", what, at, got)
			}
		}
	}
}

func TestVulnerabilityCodec(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, want := range []Vulnerability{
		{ID: "CVE-1"},
		{
			ID: "CVE-1", Aliases: []string{"GHSA-1", "GO-1"}, Covers: []string{"CVE-2"}, Published: day, Modified: day.AddDate(0, 1, 0), KEV: day.AddDate(1, 0, 0),
			Ratings: []finding.Rating{{Source: "ghsa", Severity: finding.High, Vector: "CVSS:3.1/x", Score: 7.5}}, EPSS: 0.94358, EPSSRank: 0.99959, Malware: true, CWEs: []string{"CWE-79"},
		},
	} {
		got, err := decodeVulnerability(string(EncodeVulnerability(want)))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// FuzzShard reads a head that passes for one: nothing beyond the digest protects it here.
func FuzzShard(f *testing.F) {
	file, info := made(f, 5)
	f.Add(file, int(info.Head), name(3))
	f.Add([]byte(shardMagic+"\x01\x00\x00\x00\x01\x00\x00\x00"), headFixed, "x")
	f.Fuzz(func(_ *testing.T, b []byte, head int, name string) {
		if head < 0 || head > len(b) {
			return
		}
		s, err := parseHead(bytes.NewReader(b), b[:head])
		if err != nil {
			return
		}
		if value, err := s.find(name); err == nil {
			_, _ = decodeRows(value)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(EncodeRows(rowsOf(1)))
	f.Add(EncodeVulnerability(Vulnerability{ID: "CVE-1", Aliases: []string{"GHSA-1"}, Ratings: []finding.Rating{{Source: "x", Score: 1}}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := decodeRows(string(b))
		if err == nil && len(rows) > len(b) {
			t.Errorf("%d rows of %d bytes", len(rows), len(b))
		}
		if v, err := decodeVulnerability(string(b)); err == nil && len(v.ID) > len(b) {
			t.Error(v)
		}
	})
}
