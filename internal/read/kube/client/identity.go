package client

import (
	"context"
	"fmt"
	"net/http"
)

// first is the namespace that every cluster has from its first moment on, and by whose uid it is known.
const first = "kube-system"

// Version is that of the API server, as in v1.37.2.
func (c *Cluster) Version(ctx context.Context) (string, error) {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	err := c.ask(ctx, http.MethodGet, "/version", nil, &version)
	return version.GitVersion, err
}

// UID is what tells a cluster from all others, whatever it is called: that of its namespace kube-system.
func (c *Cluster) UID(ctx context.Context) (string, error) {
	var of struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := c.ask(ctx, http.MethodGet, "/api/v1/namespaces/"+first, nil, &of); err != nil {
		return "", err
	}
	if of.Metadata.UID == "" {
		return "", fmt.Errorf("namespace %s has no uid", first)
	}
	return of.Metadata.UID, nil
}

// Identify notes which cluster the contents are of, where its namespace kube-system was read.
func (c *Contents) Identify() {
	for _, o := range c.Objects {
		if o.Is("", "Namespace") && o.Name == first {
			head, _ := o.Fields["metadata"].(map[string]any)
			c.UID, _ = head["uid"].(string)
		}
	}
}
