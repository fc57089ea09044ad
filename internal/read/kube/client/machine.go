package client

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// tokenSeconds is how long a token of [Cluster.Token] lives: the least that the API server gives.
const tokenSeconds = 600

// maxNodes bounds how many nodes of a cluster are listed.
const maxNodes = 20_000

// OpenMachines reaches a cluster for who speaks with its machines, and not only with its API server: server is that
// one's address, and authority the certificates, as PEM, of who signs for the cluster; empty where the kubeconfig says none.
func OpenMachines(kubeconfig, context string) (c *Cluster, server *url.URL, authority []byte, err error) {
	of, name, err := config(kubeconfig, context)
	if err != nil {
		return nil, nil, nil, err
	}
	if c, err = newCluster(of); err != nil {
		return nil, nil, nil, err
	}
	c.Name = name
	if server, _, err = rest.DefaultServerUrlFor(of); err != nil {
		return nil, nil, nil, err
	}
	if err := rest.LoadTLSFiles(of); err != nil {
		return nil, nil, nil, err
	}
	return c, server, of.CAData, nil
}

// NodeAddresses are those of all nodes, each once, within and without the cluster's network.
func (c *Cluster) NodeAddresses(ctx context.Context) (all []netip.Addr, err error) {
	type node struct {
		Status struct {
			Addresses []struct{ Type, Address string } `json:"addresses"`
		} `json:"status"`
	}
	for next, n := "", 0; ; {
		var page struct {
			Metadata metav1.ListMeta `json:"metadata"`
			Items    []node          `json:"items"`
		}
		if err := c.ask(ctx, http.MethodGet, "/api/v1/nodes?limit=100&continue="+url.QueryEscape(next), nil, &page); err != nil {
			return nil, fmt.Errorf("list nodes: %w", err)
		}
		for _, one := range page.Items {
			for _, a := range one.Status.Addresses {
				if a.Type != "InternalIP" && a.Type != "ExternalIP" {
					continue
				}
				if ip, err := netip.ParseAddr(a.Address); err == nil {
					all = append(all, ip.Unmap())
				}
			}
		}
		if n += len(page.Items); n > maxNodes {
			return nil, fmt.Errorf("list nodes: there are more than %d", maxNodes)
		}
		if next = page.Metadata.Continue; next == "" {
			break
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all), nil
}

// Token has the API server make a token of a service account, which it forgets ten minutes later.
func (c *Cluster) Token(ctx context.Context, namespace, name string) (string, error) {
	question := map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{"expirationSeconds": tokenSeconds}}
	var answer struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	path := "/api/v1/namespaces/" + url.PathEscape(namespace) + "/serviceaccounts/" + url.PathEscape(name) + "/token"
	if err := c.ask(ctx, http.MethodPost, path, question, &answer); err != nil {
		return "", fmt.Errorf("make a token of service account %s/%s: %w", namespace, name, err)
	}
	return answer.Status.Token, nil
}
