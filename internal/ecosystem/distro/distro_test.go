package distro

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func release(t *testing.T, path, content string) *ecosystem.Release {
	t.Helper()
	if !Ecosystem.Wants(ecosystem.Stat{Path: path}) {
		t.Errorf("%s is not wanted", path)
	}
	found, err := Ecosystem.Read(t.Context(), &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(content))},
		Reader: bytes.NewReader([]byte(content)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.Release
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, path, content string
		want                *ecosystem.Release
	}{
		{
			"Debian", "usr/lib/os-release",
			"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\r\nNAME=\"Debian GNU/Linux\"\r\nVERSION_ID=\"12\"\r\nVERSION_CODENAME=bookworm\r\nID=debian\r\n",
			&ecosystem.Release{ID: "debian", Version: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)"},
		},
		{
			"quotes, escapes, comments", "etc/os-release",
			"# ID=no\nID='rocky'\nVERSION_ID=9.3\nNAME=\"a \\\"b\\\" \\$c\"\nVERSION='x'\nID_LIKE=\"rhel centos fedora\"",
			&ecosystem.Release{ID: "rocky", Version: "9.3", Name: "a \"b\" $c x", Like: "rhel centos fedora"},
		},
		{
			"old testing", "etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux buster/sid\"\nID=debian\n",
			&ecosystem.Release{ID: "debian", Codename: "buster", Name: "Debian GNU/Linux buster/sid"},
		},
		{"no ID", "etc/os-release", "NAME=x\n", nil},
		{"empty", "etc/os-release", "", nil},
		{"Alpine", "etc/alpine-release", "3.19.1\n", &ecosystem.Release{ID: "alpine", Version: "3.19.1", Name: "Alpine Linux 3.19.1"}},
		{"Debian by number", "etc/debian_version", "11.9\n", &ecosystem.Release{ID: "debian", Version: "11", Name: "Debian GNU/Linux 11.9"}},
		{"could be Ubuntu", "etc/debian_version", "bookworm/sid\n", nil},
		{
			"CentOS 6", "etc/redhat-release", "CentOS release 6.10 (Final)\n",
			&ecosystem.Release{ID: "centos", Version: "6.10", Name: "CentOS release 6.10 (Final)"},
		},
		{
			"old Ubuntu", "etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\nDISTRIB_CODENAME=precise\nDISTRIB_DESCRIPTION=\"Ubuntu 12.04\"\n",
			&ecosystem.Release{ID: "ubuntu", Version: "12.04", Codename: "precise", Name: "Ubuntu 12.04"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, release(t, test.path, test.content)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEndOfLife(t *testing.T) {
	tests := []struct {
		on   ecosystem.Release
		want string
	}{
		{ecosystem.Release{ID: "debian", Version: "12"}, "2028-06-30"},
		{ecosystem.Release{ID: "ubuntu", Version: "22.04"}, "2027-04-01"},
		{ecosystem.Release{ID: "alpine", Version: "3.19.1"}, "2025-11-01"},
		{ecosystem.Release{ID: "alpine", Version: "3.22_alpha20250108"}, ""},
		{ecosystem.Release{ID: "almalinux", Version: "9.4"}, "2032-05-31"},
		{ecosystem.Release{ID: "centos", Version: "8", Name: "CentOS Linux 8"}, "2021-12-31"},
		{ecosystem.Release{ID: "centos", Version: "8", Name: "CentOS Stream 8"}, "2024-05-31"},
		{ecosystem.Release{ID: "wolfi", Version: "20230201"}, ""},
		{ecosystem.Release{ID: "sles", Version: "15.5"}, "2024-12-31"},
		{ecosystem.Release{ID: "photon", Version: "3.0"}, "2025-10-02"},
		{ecosystem.Release{ID: "mariner", Version: "2.0.20240301"}, "2025-07-31"},
		{ecosystem.Release{ID: "amzn", Version: "2017.09"}, "2023-12-31"},
		{ecosystem.Release{ID: "ubuntu", Version: "17.10"}, "2018-07-19"},
		{ecosystem.Release{ID: "debian", Codename: "trixie"}, ""},
		{ecosystem.Release{ID: "opensuse-tumbleweed", Version: "20260101"}, ""},
		{ecosystem.Release{}, ""},
	}
	for _, test := range tests {
		got := ""
		if date, ok := EndOfLife(test.on); ok {
			got = date.Format(time.DateOnly)
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.on, got, test.want)
		}
	}
}

// TestTable reads the whole table: each line is complete, and none is there twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		if len(w) != 3 && len(w) != 5 {
			t.Errorf("%q: want ID, version, day", line)
			continue
		}
		for i := 2; i < len(w); i += 2 {
			if _, err := time.Parse(time.DateOnly, w[i]); err != nil {
				t.Error(err)
			}
		}
		if key := w[0] + " " + w[1]; seen[key] {
			t.Errorf("%s is there twice", key)
		} else {
			seen[key] = true
		}
	}
	if !strings.Contains(table, TableDate) {
		t.Errorf("the table does not name its date, %s", TableDate)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("os-release", "ID=\"a\\")
	f.Add("redhat-release", "CentOS release 6")
	f.Add("debian_version", "12")
	f.Fuzz(func(_ *testing.T, base, text string) {
		EndOfLife(parse(base, text))
	})
}
