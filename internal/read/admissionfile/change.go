package admissionfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Change says which secure defaults pods are given that say nothing of them, on their way in:
//
//	change: on                   # all that need to know nothing more
//	change:
//	  except: [readOnlyRootFilesystem]
//	  requests: {cpu: 10m, memory: 32Mi}      # of each container that says neither request nor limit
//	  emptyDir: 256Mi                         # how large an empty folder may become that a pod is given
//	  digests: ["registry.example/shop/**"]   # images whose tags become digests; the registry is asked
//	  onFailure: ignore                       # when neither the webhook nor a registry answers
type Change struct {
	On        bool // false: off was written, where it would be on
	Except    []Word
	Requests  map[string]string
	EmptyDir  string
	Digests   []Image
	OnFailure OnFailure
}

// Word is a word of the file, for whoever knows what it means.
type Word struct {
	Text string
	Line int
}

// UnmarshalYAML reads a word.
func (w *Word) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return wrong(n, "no word")
	}
	w.Text, w.Line = n.Value, n.Line
	return nil
}

var amountForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[1-9][0-9]{0,8}(m|k|M|G|Ki|Mi|Gi)?$`) })

// resources are those that can be asked for by everybody.
var resources = []string{"cpu", "ephemeral-storage", "memory"}

// UnmarshalYAML reads on, off, or what is different from on.
func (c *Change) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if n.Value != "on" && n.Value != "off" {
			return wrong(n, "neither on nor off")
		}
		c.On = n.Value == "on"
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: change is on, off, or a map", n.Line)
	}
	c.On = true
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := c.field(n.Content[i], n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// field reads one key: a node's own decoder does not mind those that nobody knows.
func (c *Change) field(key, value *yaml.Node) (err error) {
	switch key.Value {
	case "except":
		err = value.Decode(&c.Except)
	case "digests":
		err = value.Decode(&c.Digests)
	case "onFailure":
		err = value.Decode(&c.OnFailure)
	case "emptyDir":
		if c.EmptyDir = value.Value; !amountForm().MatchString(c.EmptyDir) || strings.HasSuffix(c.EmptyDir, "m") {
			return wrong(value, "no size, as in 256Mi")
		}
	case "requests":
		err = c.amounts(value)
	default:
		return fmt.Errorf("line %d: %.100q is not known in change: it has except, requests, emptyDir, digests and onFailure", key.Line, key.Value)
	}
	if len(c.Digests) > maxList || len(c.Except) > maxList {
		return fmt.Errorf("line %d: a list has more than %d entries", key.Line, maxList)
	}
	return err
}

func (c *Change) amounts(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: requests is a map, as in {cpu: 10m, memory: 32Mi}", n.Line)
	}
	c.Requests = map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(resources, key.Value):
			return wrong(key, "no resource that everybody can ask for: use %s", strings.Join(resources, ", "))
		case !amountForm().MatchString(value.Value) || key.Value != "cpu" && strings.HasSuffix(value.Value, "m"):
			return wrong(value, "no amount, as in 10m of cpu and 32Mi of memory")
		}
		c.Requests[key.Value] = value.Value
	}
	return nil
}
