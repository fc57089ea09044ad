package path

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// server is how the API server is started, as far as its pod is among what was read; nil: that is not known.
type server map[string][]string // the values of each flag, in order

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
			for i, word := range words {
				if i == 0 || !strings.HasPrefix(word, "-") {
					continue
				}
				name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
				switch {
				case given:
				case i+1 < len(words) && !strings.HasPrefix(words[i+1], "-"):
					value = words[i+1]
				default:
					value = "true" // it is a truth, as nothing else stands alone
				}
				name = strings.ReplaceAll(name, "_", "-")
				flags[name] = append(flags[name], value)
			}
			return flags
		}
	}
	return nil
}

// may says that what is off by default is on, or that nobody knows.
func (s server) may(flag string) bool {
	values := s[flag]
	if s == nil || len(values) == 0 {
		return s == nil
	}
	on, err := strconv.ParseBool(values[len(values)-1])
	return on || err != nil
}

// has says that a flag is known to list a word.
func (s server) has(flag, word string) bool {
	return slices.Contains(strings.Split(strings.Join(s[flag], ","), ","), word)
}
