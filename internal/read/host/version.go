package host

import (
	"debug/buildinfo"
	"io"
	"strconv"
	"strings"
)

// Version is a component's; zero: not known.
type Version struct {
	Major, Minor, Patch int
	Text                string // as it was written: v1.34.2+k3s1
	From                string // what says so
}

// ParseVersion reads v1.34.2, 1.34.2-1.1 or v1.34.2+k3s1; false where it is none.
func ParseVersion(text, from string) (v Version, ok bool) {
	rest := strings.TrimPrefix(text, "v")
	if cut := strings.IndexAny(rest, "-+_ ~"); cut >= 0 {
		rest = rest[:cut]
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 3 {
		return Version{}, false
	}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return Version{}, false
		}
		*into = int(n)
	}
	v.Text, v.From = text, from
	return v, true
}

// built is the version of a program of Kubernetes by its file.
func (w *world) built(name string) (v Version) {
	at, info, err := w.resolve(name)
	if err != nil || !info.Mode().IsRegular() {
		return v
	}
	f, err := w.fs.Open(at)
	if err != nil {
		return v
	}
	defer f.Close()
	if r, ok := f.(io.ReaderAt); ok {
		v, _ = builtOf(r)
	}
	return v
}

// builtOf is the version that Go wrote into a program of Kubernetes.
func builtOf(r io.ReaderAt) (v Version, ok bool) {
	info, err := buildinfo.Read(r)
	if err != nil {
		return v, false
	}
	const module, from = "k8s.io/kubernetes", "the program's build information"
	for _, s := range info.Settings {
		if _, after, found := strings.Cut(s.Value, "version.gitVersion="); s.Key == "-ldflags" && found {
			text, _, _ := strings.Cut(after, " ")
			if v, ok = ParseVersion(strings.Trim(text, `'"`), from); ok {
				return v, true
			}
		}
	}
	if info.Main.Path == module {
		if v, ok = ParseVersion(info.Main.Version, from); ok && v.Major > 0 {
			return v, true
		}
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return ParseVersion(d.Version, from)
		}
	}
	return Version{}, false
}
