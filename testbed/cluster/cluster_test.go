package cluster_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestStart holds that the server answers who may ask and refuses who may not, and that what it holds outlives a restart.
func TestStart(t *testing.T) {
	c := cluster.Start(t)
	do := func(user *http.Client, method, path, body string) int {
		req, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := user.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	admin := c.Client("admin", "system:masters")
	if got := do(admin, http.MethodPost, "/api/v1/namespaces", `{"metadata": {"name": "shop"}}`); got != http.StatusCreated {
		t.Fatal("creating a namespace:", got)
	}
	c.StopServer()
	c.StartServer()
	if got := do(c.Client("admin", "system:masters"), http.MethodGet, "/api/v1/namespaces/shop", ""); got != http.StatusOK {
		t.Error("after a restart:", got)
	}
	if got := do(c.Client("nobody"), http.MethodGet, "/api/v1/namespaces/shop", ""); got != http.StatusForbidden {
		t.Error("nobody may ask:", got)
	}
}

// TestStartManager holds that a Deployment makes pods, and that service accounts are there for them.
func TestStartManager(t *testing.T) {
	c := cluster.Start(t)
	c.StartManager()
	admin := c.Client("admin", "system:masters")
	const deployment = `{"metadata": {"name": "cart"}, "spec": {"selector": {"matchLabels": {"app": "cart"}}, "template": {
		"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "cart", "image": "cart"}]}}}}`
	res, err := admin.Post(c.URL+"/apis/apps/v1/namespaces/default/deployments", "application/json", strings.NewReader(deployment))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for range 300 {
		res, err := admin.Get(c.URL + "/api/v1/namespaces/default/pods?labelSelector=app%3Dcart")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if strings.Contains(string(b), `"cart-`) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("no pod was made in 30 seconds")
}
