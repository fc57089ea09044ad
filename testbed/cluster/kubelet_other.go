//go:build !linux

package cluster

// StartKubelet needs Linux.
func (c *Cluster) StartKubelet(string) (port, readOnly string) {
	c.t.Helper()
	c.t.Skip("a kubelet runs on Linux")
	return "", ""
}
