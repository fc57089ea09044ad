package pod

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// NamespaceCheck is a card and the function that looks at one namespace: what its labels have the API server
// enforce.
type NamespaceCheck struct {
	check.Card
	look func(ns *kube.Object) []hit
}

// IsNamespace says that an object is one that the checks of NamespaceChecks are for.
func IsNamespace(o *kube.Object) bool { return o.Is("", "Namespace") }

// Look runs the check.
func (c NamespaceCheck) Look(ns *kube.Object) (hits []check.Hit) {
	for _, h := range c.look(ns) {
		detail := "namespace " + ns.Name
		if h.detail != "" {
			detail += ": " + h.detail
		}
		hits = append(hits, check.Hit{
			Where: h.field, Detail: detail, At: ns.At(h.field), Subject: ns.Subject(h.field), Severity: cmp.Or(h.severity, c.Severity),
		})
	}
	return hits
}

// NamespaceChecks lists all checks of namespaces.
func NamespaceChecks() []NamespaceCheck {
	return []NamespaceCheck{unenforced(), enforcesPrivileged(), unreadLabel(), unpinned(), outdated(), weakerWarning()}
}

const psaLabel = "pod-security.kubernetes.io/"

func labelled(labels string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    " + strings.ReplaceAll(labels, "\n", "\n    ") + "\n"
}

func labelField(label string) string { return "metadata.labels[" + psaLabel + label + "]" }

// enforces are the labels of a namespace, and what they enforce; false: they do not say.
func enforces(ns *kube.Object) (labels map[string]string, line standard.Line, ok bool) {
	labels = ns.Metadata("labels")
	line, ok = standard.Enforced(labels)
	return labels, line, ok
}

func unenforced() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-unenforced", "a namespace enforces no level of the Pod Security Standards", finding.Medium,
			"cis-k8s-1.12/5.2.1 nsa-1.2/pod-security", check.Page{
				Why:  "Unless the API server was given another default, or another admission controller stands guard, whoever may make pods here may make privileged ones, and so has the nodes.",
				Fix:  "Label it pod-security.kubernetes.io/enforce: baseline, or restricted where its pods allow; kubectl label --dry-run=server --overwrite ns NAME … says which of the pods that run would not pass.",
				Bad:  labelled("team: shop"),
				Good: labelled(psaLabel + "enforce: baseline"),
			}),
		look: func(ns *kube.Object) []hit {
			if _, _, ok := enforces(ns); ok || slices.Contains([]string{"kube-system", "kube-public", "kube-node-lease"}, ns.Name) {
				return nil
			}
			return []hit{{field: "metadata.labels"}}
		},
	}
}

func enforcesPrivileged() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-privileged", "a namespace enforces nothing, and says so", finding.Low,
			"cis-k8s-1.12/5.2.1 nsa-1.2/pod-security", check.Page{
				Why:  "The level privileged admits every pod: whoever may make pods here has the nodes. What administers nodes needs that, applications do not.",
				Fix:  "Enforce baseline. Move the few pods that need more into a namespace of their own, in which nobody else may make pods.",
				Bad:  labelled(psaLabel + "enforce: privileged"),
				Good: labelled(psaLabel + "enforce: baseline"),
			}),
		look: func(ns *kube.Object) []hit {
			if _, line, ok := enforces(ns); ok && line.Level == standard.Privileged && ns.Name != "kube-system" {
				return []hit{{field: labelField("enforce")}}
			}
			return nil
		},
	}
}

// psaLabels are those that the API server knows.
var psaLabels = []string{"audit", "audit-version", "enforce", "enforce-version", "warn", "warn-version"}

func unreadLabel() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-label", "a label of a namespace is not what the API server understands", finding.Medium, "", check.Page{
			Why:  "A new namespace with a level or version that cannot be read is refused; in one that exists, enforce then counts as restricted, and warn and audit as nothing. A label under pod-security.kubernetes.io/ that is misspelt is taken without a word, and does nothing.",
			Fix:  "Levels are privileged, baseline and restricted, in lower case; versions are latest, or as in v1.30, with the v and in quotes. The labels are enforce, audit and warn, and each with -version.",
			Bad:  labelled(psaLabel + "enforce: Restricted\n" + psaLabel + "enforce_version: v1.30"),
			Good: labelled(psaLabel + "enforce: restricted\n" + psaLabel + "enforce-version: v1.30"),
		}),
		look: func(ns *kube.Object) (hits []hit) {
			labels := ns.Metadata("labels")
			_, wrong := standard.Policy(labels)
			meta, _ := ns.Fields["metadata"].(map[string]any)
			all, _ := meta["labels"].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(all)) {
				name, ours := strings.CutPrefix(key, psaLabel)
				_, isText := labels[key]
				h := hit{field: labelField(name)}
				switch {
				case !ours:
					continue
				case !slices.Contains(psaLabels, name):
					h.detail = fmt.Sprintf("%s is no label that the API server knows", key)
				case !isText:
					h.detail = fmt.Sprintf("%s is no text: put it in quotes", key)
				case wrong[key] != "":
					h.detail = fmt.Sprintf("%s: %q %s", key, labels[key], wrong[key])
				default:
					continue
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

func unpinned() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-unpinned", "what a namespace enforces changes with the next upgrade of the cluster", finding.Info, "", check.Page{
			Why:  "Without a version, or with latest, the level is that of the API server's own version: an upgrade may refuse pods that ran. A newer standard closes new holes, too: latest is right where somebody looks at what it changes before the upgrade.",
			Fix:  "Pin pod-security.kubernetes.io/enforce-version to the version that was tested, and set warn and audit to latest, which tell of what the next one refuses. plimsoll scan --pod-security LEVEL:FROM..TO tells it beforehand.",
			Bad:  labelled(psaLabel + "enforce: baseline"),
			Good: labelled(psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: " + standard.Newest().String()),
		}),
		look: func(ns *kube.Object) []hit {
			if _, line, ok := enforces(ns); ok && line.Level != standard.Privileged && line.Latest() {
				return []hit{{field: labelField("enforce-version")}}
			}
			return nil
		},
	}
}

func outdated() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-outdated", "a namespace enforces an older version of the Pod Security Standards", finding.Low, "", check.Page{
			Why:  "Since then checks were added, made stricter, or made to let pass what is safe.",
			Fix:  "See what the newest version would refuse with plimsoll scan --pod-security LEVEL:FROM..TO, mend that, and move the pin.",
			Bad:  labelled(psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: v1.25"),
			Good: labelled(psaLabel + "enforce: baseline\n" + psaLabel + "enforce-version: " + standard.Newest().String()),
		}),
		look: func(ns *kube.Object) []hit {
			_, line, ok := enforces(ns)
			if !ok {
				return nil
			}
			if missing := standard.Missing(line); len(missing) > 0 {
				return []hit{{field: labelField("enforce-version"), detail: fmt.Sprintf("of the checks of %s, these have changed since: %s", line, strings.Join(missing, ", "))}}
			}
			return nil
		},
	}
}

func weakerWarning() NamespaceCheck {
	return NamespaceCheck{
		Card: card("namespace-warning", "a namespace warns of less than it refuses", finding.Low, "", check.Page{
			Why:  "Only pods are refused. Who applies a Deployment is told by warn alone that its pods will be; where that is set below what is enforced, it is applied without a word and no pod comes. audit set below it leaves the same out of the audit log.",
			Fix:  "Set warn and audit at least to the level that is enforced, or drop warn, which then follows it.",
			Bad:  labelled(psaLabel + "enforce: baseline\n" + psaLabel + "warn: privileged"),
			Good: labelled(psaLabel + "enforce: baseline\n" + psaLabel + "warn: restricted"),
		}),
		look: func(ns *kube.Object) (hits []hit) {
			labels, line, ok := enforces(ns)
			if !ok {
				return nil
			}
			p, wrong := standard.Policy(labels)
			for _, mode := range []struct {
				name  string
				level standard.Level
			}{{"audit", p.Audit.Level}, {"warn", p.Warn.Level}} {
				_, set := labels[psaLabel+mode.name]
				if set && wrong[psaLabel+mode.name] == "" && standard.Weaker(mode.level, line.Level) {
					hits = append(hits, hit{field: labelField(mode.name), detail: fmt.Sprintf("%s is %s, and %s is enforced", mode.name, mode.level, line.Level)})
				}
			}
			return hits
		},
	}
}
