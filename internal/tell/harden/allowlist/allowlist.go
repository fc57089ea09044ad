// Package allowlist turns what runs into lists of what may run: of each namespace and service account the images,
// capabilities, paths of the node and other rights that their pods have. All else is denied.
//
// What is learned is what was given to it: a pod that is started once a month, and is not among the objects, is denied.
package allowlist

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/util/validation"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Images says how closely images are named.
type Images string

// The ways to name images: by repository, by digest where one is written, by registry.
const (
	ByRepository Images = "repository"
	ByDigest     Images = "digest"
	ByRegistry   Images = "registry"
)

// List is what may run.
type List struct {
	Accounts []Account // by namespace and name
	// Unread are containers whose images have no name that could be listed: they will be denied.
	Unread []string
}

// Account is a service account with what its pods have.
type Account struct {
	Namespace, Name string
	Images          []string // REGISTRY/REPOSITORY, with @DIGEST, or REGISTRY/**
	Capabilities    []string // that are added
	HostPaths       []string
	Rights          []string // what else they ask for, each a word or a word and what it is: privileged, hostPort 80
}

// Learn lists what the pods have that objects are, or make: those of a Deployment and those that run for it, for these may
// hold what something else put into them.
func Learn(objects []*kube.Object, namespace string, by Images) (*List, error) {
	l := &List{}
	at := map[[2]string]*Account{}
	for _, o := range objects {
		pods, err := kube.Workloads(o)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
		}
		for i := range pods {
			w := &pods[i]
			key := [2]string{cmp.Or(o.Namespace, namespace), cmp.Or(w.Spec.ServiceAccountName, w.Spec.DeprecatedServiceAccount, "default")}
			if len(apivalidation.IsDNS1123Label(key[0])) > 0 { // as a pattern it could be about others
				l.Unread = append(l.Unread, fmt.Sprintf("%s %s: %.100q is no name of a namespace", o.Kind, o.Name, key[0]))
				continue
			}
			if at[key] == nil {
				at[key] = &Account{Namespace: key[0], Name: key[1]}
			}
			l.pod(at[key], w, by)
		}
	}
	for _, a := range at {
		for _, words := range []*[]string{&a.Images, &a.Capabilities, &a.HostPaths, &a.Rights} {
			*words = merged(*words, nil)
		}
		l.Accounts = append(l.Accounts, *a)
	}
	slices.SortFunc(l.Accounts, func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return l, nil
}

func (l *List) pod(a *Account, w *kube.Workload, by Images) {
	s := &w.Spec
	a.rightsOf(w)
	brings := func(sort, name, text string) {
		r, err := image.ParseReference(text)
		if err != nil {
			l.Unread = append(l.Unread, fmt.Sprintf("%s %s, %s %s: %v", w.Kind, w.Name, sort, name, err))
			return
		}
		a.Images = append(a.Images, named(r, by))
	}
	for i := range s.Volumes {
		if p := s.Volumes[i].HostPath; p != nil {
			a.HostPaths = append(a.HostPaths, p.Path)
		}
		if v := s.Volumes[i].Image; v != nil {
			brings("volume", s.Volumes[i].Name, v.Reference)
		}
	}
	for _, c := range containers(s) {
		if c.SecurityContext != nil && c.SecurityContext.Capabilities != nil {
			for _, one := range c.SecurityContext.Capabilities.Add {
				a.Capabilities = append(a.Capabilities, string(one))
			}
		}
		brings("container", c.Name, c.Image)
	}
}

func containers(s *corev1.PodSpec) []corev1.Container {
	all := slices.Concat(s.InitContainers, s.Containers)
	for _, e := range s.EphemeralContainers {
		all = append(all, corev1.Container(e.EphemeralContainerCommon))
	}
	return all
}

func named(r image.Reference, by Images) string {
	switch {
	case by == ByRegistry:
		return r.Host + "/**"
	case by == ByDigest && r.Digest != "":
		return r.Name() + "@" + r.Digest
	}
	return r.Name()
}

// merged are the words of both lists, in order, each once.
func merged(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
