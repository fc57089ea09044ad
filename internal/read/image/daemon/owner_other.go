//go:build !unix

package daemon

func ownedByRoot(string) bool { return false }
