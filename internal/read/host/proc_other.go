//go:build !linux

package host

func procIsReal(string) bool { return false }
