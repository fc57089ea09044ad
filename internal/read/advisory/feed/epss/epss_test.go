package epss

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const csv = "#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99959\nCVE-1999-0001,0.0123,0.78\n"

func pack(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	scores, info, err := Read(bytes.NewReader(pack(t, csv)))
	want := map[string]Score{"CVE-2021-44228": {0.94358, 0.99959}, "CVE-1999-0001": {0.0123, 0.78}}
	if diff := cmp.Diff(want, scores); diff != "" || err != nil || info.Records != 2 || info.Modified.Format(time.DateOnly) != "2026-08-16" {
		t.Error(diff, info, err)
	}
}

func TestBroken(t *testing.T) {
	b := pack(t, csv)
	for cut := range len(b) {
		if _, _, err := Read(bytes.NewReader(b[:cut])); err == nil {
			t.Errorf("the first %d of %d bytes are taken for the scores", cut, len(b))
		}
	}
	for _, text := range []string{"", "CVE-1,0.1,0.1\n", strings.Replace(csv, "0.78", "7.8", 1), strings.Replace(csv, "0.0123", "x", 1), csv + "CVE-1\n", csv + strings.Repeat("x", 1<<17)} {
		if _, _, err := Read(bytes.NewReader(pack(t, text))); err == nil {
			t.Errorf("%.100q is read", text)
		}
	}
}

// TestNotANumber: strconv reads NaN, and every comparison with it is false.
func TestNotANumber(t *testing.T) {
	if _, _, err := Read(bytes.NewReader(pack(t, strings.Replace(csv, "0.0123", "NaN", 1)))); err == nil {
		t.Error("NaN is taken for a probability")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(csv)
	f.Fuzz(func(t *testing.T, text string) {
		scores, _, err := Read(bytes.NewReader(pack(t, text)))
		for id, s := range scores {
			if err == nil && !(s.Probability >= 0 && s.Probability <= 1 && s.Percentile >= 0 && s.Percentile <= 1) {
				t.Errorf("%s: %+v", id, s)
			}
		}
	})
}
