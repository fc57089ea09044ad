package node

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

func modeOf(m uint32) fs.FileMode { return fs.FileMode(m) }

// Octal is a mode as chmod takes it: 600.
func Octal(m uint32) string { return fmt.Sprintf("%03o", m) }

// Not wants a setting not to be one of some values.
func Not(name string, bad ...string) func(*Look) {
	return func(l *Look) {
		if v := l.Value(name); v.Is(bad...) {
			l.Hit(v, "")
		}
	}
}

// Must wants a setting to be one of some values.
func Must(name string, good ...string) func(*Look) {
	return func(l *Look) {
		if v := l.Value(name); !v.Is(good...) {
			l.Hit(v, "")
		}
	}
}

// Set wants each of some settings to be something.
func Set(names ...string) func(*Look) {
	return func(l *Look) {
		for _, name := range names {
			if v := l.Value(name); v.Text == "" {
				l.Hit(v, "")
			}
		}
	}
}

// Least wants a number to be no less.
func Least(name string, least int) func(*Look) {
	return func(l *Look) {
		v := l.Value(name)
		if n, ok := v.Number(); !ok || n < least {
			l.Hit(v, "")
		}
	}
}

// Lists wants a list to have an item.
func Lists(name, item string) func(*Look) {
	return func(l *Look) {
		if v := l.Value(name); !slices.Contains(v.List(), item) {
			l.Hit(v, "")
		}
	}
}

// Lacks wants a list not to have any of some items.
func Lacks(name string, items ...string) func(*Look) {
	return func(l *Look) {
		v := l.Value(name)
		for _, one := range v.List() {
			if slices.Contains(items, one) {
				l.Hit(v, "")
				return
			}
		}
	}
}

// Modes wants files, by their paths or by the settings that name them, to give no more rights.
func Modes(most uint32, paths ...string) func(*Look) {
	return func(l *Look) { l.Mode(most, l.Files(paths...)...) }
}

// RootOwned wants files to belong to root.
func RootOwned(paths ...string) func(*Look) {
	return func(l *Look) { l.Owner("root", "root", l.Files(paths...)...) }
}

// Loopback wants an address, with or without a port, to be of the host alone.
func Loopback(name string) func(*Look) {
	return func(l *Look) {
		v := l.Value(name)
		address := v.Text
		if !IsLoopback(address) {
			l.Hit(v, "")
		}
	}
}

// IsLoopback says that an address, with or without a port, is one of the host alone.
func IsLoopback(address string) bool {
	return strings.HasPrefix(address, "127.") || strings.HasPrefix(address, "localhost") || strings.HasPrefix(address, "[::1]") || address == "::1" || address == ""
}

// weak are cipher suites that no server should offer: without forward secrecy, with CBC and SHA-1, 3DES or RC4.
func weak(suite string) bool {
	suite = strings.ToUpper(suite)
	if strings.HasPrefix(suite, "TLS_AES_") || strings.HasPrefix(suite, "TLS_CHACHA20_") {
		return false // TLS 1.3
	}
	return !strings.HasPrefix(suite, "TLS_ECDHE_") || strings.Contains(suite, "3DES") || strings.Contains(suite, "RC4") || strings.Contains(suite, "_CBC_")
}

// Ciphers wants a list of cipher suites without weak ones. Without a list the library's own holds, which still offers
// CBC with SHA-1; with TLS 1.3 alone there is nothing to choose.
func Ciphers(list, version string) func(*Look) {
	return func(l *Look) {
		if least := l.C.Value(version); least.Is("VersionTLS13", "TLS1.3") {
			return
		}
		v := l.Value(list)
		if v.Text == "" {
			l.Hit(v, "")
			return
		}
		var bad []string
		for _, suite := range v.List() {
			if weak(suite) {
				bad = append(bad, suite)
			}
		}
		if len(bad) > 0 {
			l.Hit(v, strings.Join(bad, ", "))
		}
	}
}

// TLSVersion wants a least version of 1.2 or newer.
func TLSVersion(name string) func(*Look) {
	return Not(name, "VersionTLS10", "VersionTLS11", "TLS1.0", "TLS1.1")
}

// All wants all of some.
func All(looks ...func(*Look)) func(*Look) {
	return func(l *Look) {
		for _, one := range looks {
			one(l)
		}
	}
}
