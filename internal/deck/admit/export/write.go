package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// YAML is all that is written, for kubectl apply. Comments at its head say what only the webhook can do.
func (n *Native) YAML() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Written by plimsoll admit export --to native; write it anew when the line changes.\n")
	if len(n.Left) > 0 {
		b.WriteString("# Not in here, for only plimsoll admit serve can do it:\n")
	}
	for _, l := range n.Left {
		fmt.Fprintf(&b, "# - %s\n", strings.Join(strings.Fields(l), " "))
	}
	for _, o := range n.Objects {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		fields := map[string]any{}
		if err := json.Unmarshal(text, &fields); err != nil {
			return nil, err
		}
		for _, empty := range []string{"status", "spec"} {
			if of, ok := fields[empty].(map[string]any); ok && len(of) == 0 {
				delete(fields, empty)
			}
		}
		doc, err := yaml.Marshal(fields)
		if err != nil {
			return nil, err
		}
		b.WriteString("---\n")
		b.Write(doc)
	}
	return b.Bytes(), nil
}
