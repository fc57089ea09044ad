package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Settings are what the API shows of how a cluster is set, beside the static pods among its objects.
type Settings struct {
	Nodes []Node            `json:"nodes,omitempty"`
	Flags map[string]string `json:"flags,omitempty"` // of the API server, as it answers for /flagz
}

// Node is a machine of a cluster, by what it says of itself.
type Node struct {
	Name    string `json:"name"`
	Kubelet string `json:"kubelet"` // its version
	Runtime string `json:"runtime,omitempty"`
}

// mostNodes bounds how many nodes are read; Kubernetes itself is made for 5,000.
const mostNodes = 20_000

// settings reads them. What this account may not ask is not visible: it may be a provider's.
func (r *reading) settings(ctx context.Context) {
	if len(r.of.Namespaces)+len(r.of.Kinds) > 0 {
		return // a part of the cluster is asked for
	}
	s := &Settings{}
	r.contents.Settings = s
	if text, err := r.c.text(ctx, "/flagz"); err != nil {
		r.hidden("how the API server is set: %v", err)
	} else {
		s.Flags = flags(text)
	}
	next := ""
	for ctx.Err() == nil && len(s.Nodes) < mostNodes {
		var page struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
				Status struct {
					NodeInfo struct {
						KubeletVersion          string `json:"kubeletVersion"`
						ContainerRuntimeVersion string `json:"containerRuntimeVersion"`
					} `json:"nodeInfo"`
				} `json:"status"`
			} `json:"items"`
		}
		if err := r.c.ask(ctx, http.MethodGet, "/api/v1/nodes?limit="+strconv.Itoa(pageSize)+"&continue="+url.QueryEscape(next), nil, &page); err != nil {
			r.hidden("which versions nodes have: %v", err)
			return
		}
		for _, n := range page.Items {
			s.Nodes = append(s.Nodes, Node{n.Metadata.Name, n.Status.NodeInfo.KubeletVersion, n.Status.NodeInfo.ContainerRuntimeVersion})
		}
		if next = page.Metadata.Continue; next == "" {
			return
		}
	}
}

// flags reads what /flagz answers: a line for each flag, its value behind a colon, an equals sign or a blank. Which of them
// it is the server throws dice for, so that nobody reads it who should not (k8s.io/apiserver/pkg/server/flagz); a flag's
// name has none of them.
func flags(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " ")
		end := strings.IndexAny(line, ":= ")
		if end <= 0 || strings.Trim(line[:end], "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			continue
		}
		value := strings.Trim(strings.TrimSpace(line[end+1:]), `"`)
		if inner, ok := strings.CutPrefix(value, "["); ok { // a list
			value = strings.TrimSuffix(inner, "]")
		}
		all[line[:end]] = value
	}
	return all
}

func (r *reading) hidden(format string, args ...any) {
	r.contents.Missing = append(r.contents.Missing, Missing{Class: "not-visible", What: fmt.Sprintf(format, args...)})
}

// text asks for what is no JSON.
func (c *Cluster) text(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "text/plain")
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusForbidden:
		return "", fmt.Errorf("it takes the right to get %s, which this account does not have", path)
	case res.StatusCode != http.StatusOK || json.Valid(text):
		return "", fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return string(text), nil
}
