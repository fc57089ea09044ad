package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// maxAnswer bounds what is read of one answer that is no object.
const maxAnswer = 4 << 20

// Cluster is an API server, which can be asked also what is no object.
type Cluster struct {
	Interface
	Name string // of the context in the kubeconfig, or the address
	http *http.Client
	url  string
}

// OpenCluster is as [Open].
func OpenCluster(kubeconfig string) (*Cluster, error) {
	c, name, err := config(kubeconfig, "")
	if err != nil {
		return nil, err
	}
	c.QPS = -1 // the API server shares itself out, and a review must not wait for others
	all, err := newCluster(c)
	if err == nil {
		all.Name = name
	}
	return all, err
}

func newCluster(c *rest.Config) (*Cluster, error) {
	c.UserAgent = "plimsoll"
	all, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(c)
	if err != nil {
		return nil, err
	}
	return &Cluster{Interface: all, Name: c.Host, http: client, url: strings.TrimSuffix(base.String(), "/")}, nil
}

// ErrUnserved says that a cluster has no such kind.
var ErrUnserved = errors.New("the cluster does not serve it")

// Resource is the name under which the objects of a kind are served, and whether they are in namespaces.
func (c *Cluster) Resource(ctx context.Context, kind schema.GroupVersionKind) (r schema.GroupVersionResource, namespaced bool, err error) {
	path := "/apis/" + url.PathEscape(kind.Group) + "/" + url.PathEscape(kind.Version)
	if kind.Group == "" {
		path = "/api/" + url.PathEscape(kind.Version)
	}
	var list metav1.APIResourceList
	if err := c.ask(ctx, http.MethodGet, path, nil, &list); err != nil {
		if refused := (statusError{}); errors.As(err, &refused) && refused.code == http.StatusNotFound {
			err = ErrUnserved
		}
		return r, false, fmt.Errorf("ask how %s is served: %w", kind.Kind, err)
	}
	i := slices.IndexFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind.Kind && !strings.Contains(r.Name, "/") })
	if i < 0 {
		return r, false, fmt.Errorf("%w: no %s of %s", ErrUnserved, kind.Kind, kind.GroupVersion())
	}
	return kind.GroupVersion().WithResource(list.APIResources[i].Name), list.APIResources[i].Namespaced, nil
}

// Review asks the API server what somebody may do.
func (c *Cluster) Review(ctx context.Context, question *authorizationv1.SubjectAccessReview) (authorizationv1.SubjectAccessReviewStatus, error) {
	var answer authorizationv1.SubjectAccessReview
	err := c.ask(ctx, http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", question, &answer)
	return answer.Status, err
}

// statusError is an answer that is none.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

func (c *Cluster) ask(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return err
	case res.StatusCode >= http.StatusMultipleChoices:
		var status metav1.Status
		_ = json.Unmarshal(text, &status) // whatever it is, the status line says the rest
		return statusError{res.StatusCode, fmt.Sprintf("%s %s: %s: %.300s", method, path, res.Status, status.Message)}
	}
	return json.Unmarshal(text, into)
}
