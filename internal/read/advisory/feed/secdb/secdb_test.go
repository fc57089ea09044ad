package secdb

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

func read(document string) ([]string, feed.Info, error) {
	var rows []string
	info, err := Read(context.Background(), strings.NewReader(document), "Alpine:v3.11", "alpine/v3.11/main", func(r feed.Record) error {
		for _, a := range r.Affected {
			s := a.Ecosystem + " " + a.Package + " " + r.ID
			if a.Row.Unaffected {
				s += " never"
			}
			for _, g := range a.Row.Ranges {
				s += " <" + g.Fixed
			}
			rows = append(rows, strings.Join(append([]string{s}, r.Aliases...), " ="))
		}
		return nil
	})
	slices.Sort(rows)
	return rows, info, err
}

// TestRead reads the layout as Alpine and Wolfi publish it, with the ways in which people wrote ids.
func TestRead(t *testing.T) {
	rows, info, err := read(`{"distroversion":"v3.11","reponame":"main","archs":["x86_64"],"urlprefix":"https://dl-cdn.alpinelinux.org/alpine","apkurl":"{{urlprefix}}/x","packages":[
		{"pkg":{"name":"openssl","secfixes":{"1.1.1d-r3":["CVE-2019-1551"],"1.1.1a-r0":["CVE-2018-0734","CVE-2018-0735"],"0":["CVE-2026-0001"]}}},
		{"pkg":{"name":"xen","secfixes":{"4.7.0-r0":["CVE-2016-6258 XSA-182","CVE-2016-9815 CVE-2016-9816 XSA-201","XSA-207"]}}},
		{"pkg":{"name":"odd","secfixes":{"1-r0":["CVE_2019-2426","CVE 2018-16859","CVE-2018-10103 (SMB - partially fixed, but SMB printing disabled)","CVE-2017-2616 (+ regression fix)","wnpa-sec-2017-18","GHSA-abcd-1234-wxyz",""]}}},
		{"pkg":{"name":"empty","secfixes":{}}}, {"pkg":{"name":"null","secfixes":null}}]}`)
	want := []string{
		"Alpine:v3.11 odd CVE-2017-2616 <1-r0", "Alpine:v3.11 odd CVE-2018-10103 <1-r0", "Alpine:v3.11 odd CVE-2018-16859 <1-r0",
		"Alpine:v3.11 odd CVE-2019-2426 <1-r0", "Alpine:v3.11 odd GHSA-abcd-1234-wxyz <1-r0", "Alpine:v3.11 odd wnpa-sec-2017-18 <1-r0",
		"Alpine:v3.11 openssl CVE-2018-0734 <1.1.1a-r0", "Alpine:v3.11 openssl CVE-2018-0735 <1.1.1a-r0", "Alpine:v3.11 openssl CVE-2019-1551 <1.1.1d-r3",
		"Alpine:v3.11 openssl CVE-2026-0001 never",
		"Alpine:v3.11 xen CVE-2016-6258 <4.7.0-r0 =XSA-182", "Alpine:v3.11 xen CVE-2016-9815 <4.7.0-r0", "Alpine:v3.11 xen CVE-2016-9816 <4.7.0-r0", "Alpine:v3.11 xen XSA-207 <4.7.0-r0",
	}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil || info.Records != 5 {
		t.Error(diff, err, info)
	}
}

func TestBroken(t *testing.T) {
	whole := `{"packages":[{"pkg":{"name":"a","secfixes":{"1":["CVE-2026-1234"]}}}]}`
	for cut := range len(whole) {
		if _, _, err := read(whole[:cut]); err == nil || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%s: %v", whole[:cut], err)
		}
	}
	for _, document := range []string{`{}`, `[]`, `{"packages":{}}`, whole + whole, `{"packages":[{"pkg":{"secfixes":[]}}]}`} {
		if _, _, err := read(document); err == nil {
			t.Errorf("%s is read", document)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"packages":[{"pkg":{"name":"a","secfixes":{"1":["CVE-2026-1234 XSA-1 (x)"],"0":["GHSA-a"]}}}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		_, _ = Read(context.Background(), strings.NewReader(document), "Wolfi", "wolfi", func(r feed.Record) error {
			if r.ID == "" || strings.ContainsAny(r.ID, " \t\n,()") {
				t.Errorf("%q is no id", r.ID)
			}
			return nil
		})
	})
}
