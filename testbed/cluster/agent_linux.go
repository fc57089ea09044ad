package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/plimsoll/plimsoll/testbed/wire"
)

// EnvAgent and EnvAgentKinds are kube-network-policies of sigs.k8s.io, and the folder of the kinds that it knows beside
// NetworkPolicies.
const (
	EnvAgent      = "PLIMSOLL_TEST_POLICY_AGENT"
	EnvAgentKinds = "PLIMSOLL_TEST_POLICY_AGENT_KINDS"
)

// Agent is a running agent of network policies.
type Agent struct{ *process }

// Stop ends it. What the router has to ask it of is dropped then.
func (a *Agent) Stop() { a.stop() }

// queue is where the kernel hands packets over to the agent.
const queue = "100"

// StartAgent starts kube-network-policies on a router, as on a node that all pods of the cluster are on: it watches the
// API server, and says of the first packet of each connection whether it may pass. It has seen all that the cluster has
// when this returns; who changes it starts another one.
//
// By itself it asks nftables to hand packets over, which not every kernel can (CONFIG_NFT_QUEUE), and goes on when it
// cannot: the same is asked by way of iptables.
func (c *Cluster) StartAgent(router *wire.Host) *Agent {
	c.t.Helper()
	program := os.Getenv(EnvAgent)
	if program == "" {
		c.t.Skipf("%s is not set: testbed/up builds it", EnvAgent)
	}
	c.agents++
	name := "agent-" + strconv.Itoa(c.agents)
	must := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(name, ": ", err)
		}
	}
	must(os.WriteFile(c.file(name+".token"), c.agentToken(), 0o600))
	at, err := c.relay(router)
	must(err)
	for _, tool := range []string{"iptables-nft", "ip6tables-nft"} {
		for _, rule := range [][]string{
			{"-p", "ipv6-icmp", "-j", "ACCEPT"}, // neighbours are looked for with it
			{"-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"},
			{"-j", "NFQUEUE", "--queue-num", queue},
		} {
			must(router.Run(tool, append([]string{"-w", "-t", "mangle", "-A", "FORWARD"}, rule...)...))
		}
	}
	// It looks for its account where a pod has it, and for the engine of its node where this machine's may be.
	const account = "/run/secrets/kubernetes.io/serviceaccount"
	script := fmt.Sprintf("mount -t tmpfs tmpfs /run && mkdir -p %[1]s && cp %[2]q %[1]s/token && cp %[3]q %[1]s/ca.crt && "+
		"export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=%[4]d && exec %[5]q --nfqueue-id=%[6]s "+
		"--admin-network-policy --baseline-admin-network-policy --netfilter-bug-1766-fix=false --hostname-override=router --metrics-bind-address=127.0.0.1:9080",
		account, c.file(name+".token"), c.file("ca.crt"), at, program, queue)
	var a Agent
	must(router.Do(func() error {
		a.process = c.run(name, "unshare", "--mount", "sh", "-c", script)
		return nil
	}))
	for range 600 {
		var queues []byte
		must(router.Do(func() (err error) {
			queues, err = os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
			return err
		}))
		for line := range bytes.Lines(queues) {
			if fields := bytes.Fields(line); len(fields) > 0 && string(fields[0]) == queue {
				return &a // it takes packets once it knows all objects
			}
		}
		select {
		case <-a.ended:
			c.t.Fatalf("%s ended: %s", name, a.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
	c.t.Fatalf("%s takes no packets: %s", name, a.tail())
	return nil
}

// relay makes the API server reachable from the loopback of a namespace, and gives the port there.
func (c *Cluster) relay(h *wire.Host) (port int, err error) {
	var l net.Listener
	if err := h.Do(func() (err error) {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	}); err != nil {
		return 0, err
	}
	c.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer here.Close()
				there, err := net.Dial("tcp", c.Address())
				if err != nil {
					return
				}
				defer there.Close()
				go func() {
					_, _ = io.Copy(there, here)
					there.Close()
				}()
				_, _ = io.Copy(here, there)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// agentToken is one of a service account that may do all.
func (c *Cluster) agentToken() []byte {
	c.t.Helper()
	admin := c.Client("admin", "system:masters")
	defer admin.CloseIdleConnections()
	post := func(path, body string, into any) error {
		res, err := admin.Post(c.URL+path, "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode == http.StatusConflict && into == nil {
			return nil // it was made for an earlier one
		}
		if res.StatusCode != http.StatusCreated {
			return errors.New(path + ": " + res.Status)
		}
		if into == nil {
			return nil
		}
		return json.NewDecoder(res.Body).Decode(into)
	}
	const account = "/api/v1/namespaces/kube-system/serviceaccounts"
	var request struct {
		Status struct{ Token string }
	}
	if err := errors.Join(
		post("/api/v1/namespaces", `{"metadata": {"name": "kube-system"}}`, nil),
		post(account, `{"metadata": {"name": "agent"}}`, nil),
		post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", `{"metadata": {"name": "agent"},
			"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
			"subjects": [{"kind": "ServiceAccount", "name": "agent", "namespace": "kube-system"}]}`, nil),
		post(account+"/agent/token", `{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}`, &request),
	); err != nil {
		c.t.Fatal(err)
	}
	return []byte(request.Status.Token)
}
