//go:build !linux

package containerd

import "fmt"

// rootOf needs Linux' /proc.
func rootOf(address string) (string, error) {
	return "", fmt.Errorf("find the state of containerd at %s: name it by CONTAINERD_ROOT", address)
}
