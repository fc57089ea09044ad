// Package client makes the one client that speaks with a cluster: as the pod it runs in, or as a kubeconfig says.
package client

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Interface is the client: objects as they are, of any kind.
type Interface = dynamic.Interface

// Open makes the client. The kubeconfig is a file; empty: what the environment names, or the pod's own account.
func Open(kubeconfig string) (Interface, error) {
	c, err := Config(kubeconfig)
	if err != nil {
		return nil, err
	}
	return dynamic.NewForConfig(c)
}

// Config says how to reach the cluster, for who makes a client of another kind.
func Config(kubeconfig string) (*rest.Config, error) {
	c, _, err := config(kubeconfig, "")
	if err != nil {
		return nil, err
	}
	c.UserAgent = "plimsoll"
	return c, nil
}

// config says how to reach the cluster, and what the cluster is called there.
func config(kubeconfig, named string) (c *rest.Config, name string, err error) {
	if kubeconfig == "" && named == "" {
		c, err := rest.InClusterConfig()
		if !errors.Is(err, rest.ErrNotInCluster) {
			return c, "in-cluster", err
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: named})
	switch c, err = loader.ClientConfig(); {
	case clientcmd.IsEmptyConfig(err):
		return nil, "", fmt.Errorf("find a cluster: none stands in %s; name the file of one", strings.Join(rules.GetLoadingPrecedence(), ", "))
	case err != nil:
		return nil, "", fmt.Errorf("find a cluster: %w", err)
	}
	if all, err := loader.RawConfig(); err == nil && named == "" {
		named = all.CurrentContext
	}
	return c, cmp.Or(named, c.Host), nil
}
