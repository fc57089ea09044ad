package network_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestLarge stops where each two of many pods have ports of their own, which nobody reads: 700 of them are some 250,000 rows.
func TestLarge(t *testing.T) {
	var text strings.Builder
	for i := range 700 {
		fmt.Fprintf(&text, "{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: shop, labels: {app: p%d}}, spec: {containers: [{name: c, image: x}]}}\n---\n"+
			"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p%d, namespace: shop}, spec: {podSelector: {matchLabels: {app: p%d}}, policyTypes: [Ingress, Egress],"+
			" ingress: [{ports: [{port: %d, endPort: %d}]}], egress: [{ports: [{port: %d, endPort: %d}]}]}}\n---\n", i, i, i, i, i+1, 30000+i, i+2, 20001+i)
	}
	objects, problems := kube.Manifest("large.yaml", []byte(text.String()))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	all, err := network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true}).Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all.Rows(t.Context(), "")
	if large := (*network.TooLargeError)(nil); !errors.As(err, &large) || len(rows) < 1000 {
		t.Errorf("%d rows, and %v", len(rows), err)
	}
}
