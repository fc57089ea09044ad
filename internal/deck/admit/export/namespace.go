package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

const standardLabel = "pod-security.kubernetes.io/"

// labels writes the levels of the Pod Security Standards as labels of namespaces that the file names in full. Patterns
// are no names: for those, and for all others, the policies alone hold the level.
func (e *exporter) labels() {
	seen := map[string]bool{}
	for _, s := range e.Scopes() {
		level := s.Level()
		if level.Name == "" || level.Name == "privileged" || s.Cap() == admissionfile.Off {
			continue
		}
		if where := e.excepts(); where != "" {
			e.left(fmt.Sprintf("labels for the level %s, for the API server's own check of it knows no exceptions, and %s is one of what it forbids; the policies hold the level", level.Name, where))
			continue
		}
		if s.Entry == nil {
			e.left("labels for namespaces that the file does not name: label them with kubectl label namespace NAME " + standardLabel + modeLabel(s) + "=" + level.Name + "; the policies hold the level there, too")
			continue
		}
		for _, name := range s.Entry.Names {
			if strings.ContainsAny(string(name), "*?") {
				e.left(fmt.Sprintf("labels for namespaces like %s: a pattern is no name; the policies hold the level there", name))
				continue
			}
			if seen[string(name)] || admissionfile.AnyMatch(e.File.Exempt, string(name)) || e.first(string(name)) != s.Entry {
				continue
			}
			seen[string(name)] = true
			o := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{
				Name: string(name), Labels: map[string]string{
					standardLabel + modeLabel(s):              level.Name,
					standardLabel + modeLabel(s) + "-version": cmp.Or(level.Version, "latest"),
				},
			}}
			e.out.Objects = append(e.out.Objects, o)
		}
	}
}

// first is the entry that decides about a namespace.
func (e *exporter) first(name string) *admissionfile.Namespace {
	for _, s := range e.Scopes() {
		if s.Entry == nil || admissionfile.AnyMatch(s.Entry.Names, name) {
			return s.Entry
		}
	}
	return nil
}

func modeLabel(s admit.Scope) string {
	return map[admissionfile.Mode]string{admissionfile.Deny: "enforce", admissionfile.Warn: "warn", admissionfile.Audit: "audit"}[s.Cap()]
}

// excepts is where an exception stands that is about what the Pod Security Standards forbid; empty: there is none.
func (e *exporter) excepts() string {
	for i := range e.exceptions {
		x := &e.exceptions[i]
		for _, c := range pod.Checks() {
			if slices.ContainsFunc(c.Controls, func(c string) bool { return strings.HasPrefix(c, "pss/") }) && x.about(c.Card) {
				return x.Place()
			}
		}
	}
	return ""
}
