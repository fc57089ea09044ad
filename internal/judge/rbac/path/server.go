package path

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// server is how the API server is started, as far as its pod is among what was read; nil: that is not known.
type server map[string]string

// readServer reads the flags of the API server's pod, as kubeadm has it: what was not given is not in it.
func readServer(s *kube.Snapshot) server {
	for i := range s.Workloads {
		w := &s.Workloads[i]
		if w.Namespace != "kube-system" || w.Kind != "Pod" || !strings.HasPrefix(w.Name, "kube-apiserver") {
			continue
		}
		for _, c := range w.Spec.Containers {
			words := slices.Concat(c.Command, c.Args)
			if len(words) == 0 || !strings.HasSuffix(words[0], "kube-apiserver") {
				continue
			}
			flags := server{}
			for _, word := range words[1:] {
				name, value, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
				flags[name] = value
			}
			return flags
		}
	}
	return nil
}

// may says that a flag has a value, or that nobody knows.
func (s server) may(flag, value string) bool { return s == nil || s[flag] == value }

// has says that a flag is known to list a word.
func (s server) has(flag, word string) bool {
	return slices.Contains(strings.Split(s[flag], ","), word)
}
