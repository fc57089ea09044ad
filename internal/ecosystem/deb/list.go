package deb

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// maxList bounds the bytes of one file list; that of the largest packages is near 2 MB.
const maxList = 64 << 20

// readList reads /var/lib/dpkg/info/NAME.list or NAME:ARCH.list: one absolute path a line, folders
// before what they hold.
func readList(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxList)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read a package's file list: %w", err)
	}
	name := strings.TrimSuffix(f.Base(), ".list")
	return owned(name, paths(string(b), func(line string) string { return line })), nil
}

// readSums reads the *.md5sums of distroless images: the digest, two blanks and a path a line. The
// package's name is the file's, which some builders write in base64.
func readSums(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxList)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read a package's file list: %w", err)
	}
	list := paths(string(b), func(line string) string {
		_, p, _ := strings.Cut(line, " ")
		return strings.TrimLeft(p, " *")
	})
	return owned(packageName(strings.TrimSuffix(f.Base(), md5sums)), list), nil
}

func owned(name string, list []string) ecosystem.Found {
	if len(list) == 0 {
		return ecosystem.Found{}
	}
	return ecosystem.Found{Owned: []ecosystem.Owned{{Package: name, Paths: list}}}
}

// paths takes the path out of each line, and leaves out folders that the next line shows to be one.
func paths(text string, of func(string) string) []string {
	list := make([]string, 0, strings.Count(text, "\n")+1)
	for line := range strings.Lines(text) {
		p := path.Clean("/" + of(strings.TrimRight(line, "\r\n")))[1:]
		if p == "" {
			continue
		}
		if n := len(list); n > 0 && len(p) > len(list[n-1]) && p[len(list[n-1])] == '/' && strings.HasPrefix(p, list[n-1]) {
			list = list[:n-1]
		}
		list = append(list, p)
	}
	return list
}

// packageName undoes base64, which is told by its capitals: names of packages have none (Debian
// Policy §5.6.1).
func packageName(base string) string {
	if strings.ToLower(base) == base {
		return base
	}
	name, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(base, "="))
	if err != nil || len(name) == 0 || strings.Trim(string(name), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return base
	}
	return string(name)
}
