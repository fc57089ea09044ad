// Package client makes the one client that speaks with a cluster: as the pod it runs in, or as a kubeconfig says.
package client

import (
	"errors"
	"fmt"

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
	c, err := config(kubeconfig)
	if err != nil {
		return nil, err
	}
	c.UserAgent = "plimsoll"
	return c, nil
}

func config(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		c, err := rest.InClusterConfig()
		if !errors.Is(err, rest.ErrNotInCluster) {
			return c, err
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find a cluster: %w", err)
	}
	return c, nil
}
