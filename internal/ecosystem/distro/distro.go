// Package distro knows which distribution an image is, and until when that is supported.
//
// os-release(5) says it. /etc/os-release is usually a symbolic link to /usr/lib/os-release, so either
// suffices; where neither is there, the older files of single distributions speak. What the image
// says of its kin (ID_LIKE) is kept for the eye: it never chooses advisories, because a distribution
// that is made from another still builds its own packages.
package distro

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is the distribution itself: it finds a release and no packages.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "distro",
	Version: 1,
	Wants:   func(s ecosystem.Stat) bool { return slices.Contains(paths, s.Path) },
	Read:    read,
	Fixed:   paths,
}

// paths in the order in which they are believed. Derived distributions often keep the files of what
// they are made from, so the more particular file comes first.
var paths = []string{
	"etc/os-release", "usr/lib/os-release", "etc/lsb-release", "etc/alpine-release", "etc/oracle-release",
	"etc/system-release", "etc/redhat-release", "etc/debian_version",
}

// maxSize bounds each of these files; they have some hundred bytes.
const maxSize = 64 << 10

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxSize)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read the distribution's name: %w", err)
	}
	r := parse(f.Base(), string(b))
	if r.ID == "" {
		return ecosystem.Found{}, nil
	}
	return ecosystem.Found{Release: &r}, nil
}

func parse(base, text string) ecosystem.Release {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	switch base {
	case "os-release":
		return osRelease(assignments(text))
	case "lsb-release":
		v := assignments(text)
		return ecosystem.Release{
			ID: strings.ToLower(v["DISTRIB_ID"]), Version: v["DISTRIB_RELEASE"],
			Codename: v["DISTRIB_CODENAME"], Name: v["DISTRIB_DESCRIPTION"],
		}
	case "alpine-release":
		if line != "" {
			return ecosystem.Release{ID: "alpine", Version: line, Name: "Alpine Linux " + line}
		}
	case "debian_version":
		return debian(line)
	case "oracle-release", "system-release", "redhat-release":
		return redHat(line)
	}
	return ecosystem.Release{}
}

func osRelease(v map[string]string) ecosystem.Release {
	r := ecosystem.Release{
		ID: strings.ToLower(v["ID"]), Version: v["VERSION_ID"],
		Codename: v["VERSION_CODENAME"], Name: v["PRETTY_NAME"], Like: v["ID_LIKE"],
	}
	if r.Name == "" {
		r.Name = strings.TrimSpace(v["NAME"] + " " + v["VERSION"])
	}
	if r.ID == "debian" && r.Version == "" && r.Codename == "" {
		// Older testing and unstable say it in PRETTY_NAME alone: "Debian GNU/Linux buster/sid".
		last := r.Name[strings.LastIndexByte(r.Name, ' ')+1:]
		r.Codename, _, _ = strings.Cut(last, "/")
	}
	return r
}

// assignments reads lines NAME=VALUE with the shell's quotes (os-release(5)).
func assignments(text string) map[string]string {
	v := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && name != "" && name[0] != '#' {
			v[name] = unquote(strings.TrimSpace(value))
		}
	}
	return v
}

func unquote(s string) string {
	n := len(s)
	switch {
	case n >= 2 && s[0] == '\'' && s[n-1] == '\'':
		return s[1 : n-1]
	case n >= 2 && s[0] == '"' && s[n-1] == '"':
		s = s[1 : n-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// debian reads /etc/debian_version: "12.4". The form "trixie/sid" alone says too little: Ubuntu has
// that too.
func debian(line string) ecosystem.Release {
	if line == "" || strings.Trim(line, "0123456789.") != "" {
		return ecosystem.Release{}
	}
	major, _, _ := strings.Cut(line, ".")
	return ecosystem.Release{ID: "debian", Version: major, Name: "Debian GNU/Linux " + line}
}

// families are the names that /etc/redhat-release begins with.
var families = []struct{ prefix, id string }{
	{"Red Hat Enterprise Linux", "rhel"},
	{"CentOS", "centos"},
	{"AlmaLinux", "almalinux"},
	{"Rocky Linux", "rocky"},
	{"Oracle Linux", "ol"},
	{"Fedora", "fedora"},
	{"Amazon Linux", "amzn"},
	{"Scientific Linux", "scientific"},
}

// redHat reads "CentOS Linux release 7.9.2009 (Core)". Amazon Linux 2 has "release 2 (Karoo)".
func redHat(line string) ecosystem.Release {
	for _, f := range families {
		if !strings.HasPrefix(line, f.prefix) {
			continue
		}
		_, rest, _ := strings.Cut(line, " release ")
		version, _, _ := strings.Cut(rest, " ")
		return ecosystem.Release{ID: f.id, Version: version, Name: line}
	}
	return ecosystem.Release{}
}
