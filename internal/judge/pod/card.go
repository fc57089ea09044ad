package pod

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// card is that of a check of pods. Names are the same check in other tools, and the controls that it stands
// for, parted by spaces: what has a framework in front is a control.
func card(id, title string, severity finding.Severity, names string, page check.Page) check.Card {
	return check.Card{
		ID: "pod/" + id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity,
		Decks: []string{finding.Ship, finding.Admit, finding.Run}, Since: "0.1", Page: page,
	}.Named(names)
}

// inPod is a pod with these fields in its spec, for an example.
func inPod(fields string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n" + indent("  ", fields)
}

// inContainer is a pod whose one container has these fields.
func inContainer(fields string) string {
	return inPod("containers:\n- name: cart\n" + indent("  ", fields))
}

// mounting is a pod whose one container mounts one volume at /data.
func mounting(volume, mount string) string {
	return inPod("containers:\n- name: cart\n  image: example.org/cart:1\n  volumeMounts:\n  - name: data\n    mountPath: /data\n" + indent("    ", mount) +
		"volumes:\n- name: data\n" + indent("  ", volume))
}

func indent(by, lines string) string {
	if lines == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n"+by) + "\n"
}
