package network_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestCrowd leaves out the policies that name most blocks, where all together overlap too often, and says so.
func TestCrowd(t *testing.T) {
	overlapping := func(name string, from, n int) string {
		var text strings.Builder
		fmt.Fprintf(&text, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: shop}\nspec:\n  podSelector: {}\n  ingress:\n  - from:\n", name)
		for i := from; i < from+n; i++ {
			fmt.Fprintf(&text, "    - ipBlock: {cidr: 0.0.0.0/0, except: [20.%d.%d.0/24]}\n", i/256, i%256)
		}
		return text.String()
	}
	for _, test := range []struct {
		name, text string
		kept, out  []string
	}{
		{"both fit", overlapping("few", 0, 900) + overlapping("more", 900, 2000), []string{"few", "more"}, nil},
		{"each fits, and not both", overlapping("more", 900, 2800) + overlapping("few", 0, 900), []string{"few"}, []string{"more"}},
		{"neither fits", overlapping("most", 0, 4500) + overlapping("few", 0, 1) + overlapping("more", 4500, 4400), []string{"few"}, []string{"more", "most"}},
		{"the same ones again", overlapping("few", 0, 2500) + overlapping("more", 0, 2500), []string{"few", "more"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, problems := kube.Manifest("crowd.yaml", []byte("{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: [{name: c, image: x}]}}\n"+test.text))
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			m := network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
			var kept, out []string
			for _, p := range m.Policies {
				kept = append(kept, p.Name)
			}
			for _, d := range m.Doubts {
				if d.Broken && strings.Contains(d.What, "it is not counted") {
					out = append(out, d.Object.Name)
				}
			}
			slices.Sort(out)
			if !slices.Equal(kept, test.kept) || !slices.Equal(out, test.out) {
				t.Errorf("kept %q and left out %q, want %q and %q", kept, out, test.kept, test.out)
			}
		})
	}
}
