package pod

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// reference is how a container names its image.
type reference struct{ registry, name, tag, digest string }

// parse parts a reference as the container engines do: what stands before the first slash is a registry when
// it has a dot or a colon, or is localhost.
func parse(image string) (r reference) {
	image, r.digest, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image, r.tag = image[:colon], image[colon+1:]
	}
	if first, rest, ok := strings.Cut(image, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		r.registry, image = first, rest
	}
	r.name = image
	return r
}

// moves says that the tag is made to name something else tomorrow.
func (r reference) moves() bool { return r.digest == "" && (r.tag == "" || r.tag == "latest") }

// use is one place in which a pod names an image: a container, or a volume that is made of it.
type use struct {
	reference
	text      string // the image as it is written
	container string // empty: a volume
	field     string
	pull      corev1.PullPolicy
	pullField string
}

// images looks at each use of an image that names one: a template may leave it to somebody who fills it in.
func images(look func(u use) (hit, bool)) func(f *Facts) []hit {
	return func(f *Facts) (hits []hit) {
		try := func(u use) {
			if u.text == "" {
				return
			}
			u.reference = parse(u.text)
			if h, found := look(u); found {
				h.container = u.container
				if h.field == "" {
					h.field = u.field
				}
				hits = append(hits, h)
			}
		}
		for _, c := range f.containers() {
			try(use{text: c.Image, container: c.Name, field: c.field + ".image", pull: c.ImagePullPolicy, pullField: c.field + ".imagePullPolicy"})
		}
		for i := range f.Spec.Volumes {
			if v := f.Spec.Volumes[i].Image; v != nil {
				at := fmt.Sprintf("spec.volumes[%d].image.", i)
				try(use{text: v.Reference, field: at + "reference", pull: v.PullPolicy, pullField: at + "pullPolicy"})
			}
		}
		return hits
	}
}

// nativeImages is the same in CEL: an expression of the text and the pull policy of each use.
func nativeImages(look func(text, pull string) string) []Native {
	return []Native{{
		Each: `c.?image.orValue("") != "" && (` + look("c.image", `c.?imagePullPolicy.orValue("")`) + `)`,
		Pod:  `volumes.exists(v, v.?image.?reference.orValue("") != "" && (` + look("v.image.reference", `v.?image.?pullPolicy.orValue("")`) + `))`,
	}}
}

// nativeMoves says that the tag of an image is made to name something else tomorrow.
func nativeMoves(text, _ string) string {
	return fmt.Sprintf(`(!%[1]s.matches("@.") && (!%[1]s.split("@")[0].matches(":[^:/]+$") || %[1]s.split("@")[0].endsWith(":latest")))`, text)
}

func imageWithoutTag() Check {
	return Check{
		Card: card("image-without-tag", "a container runs whatever is the latest image today", finding.Low,
			"checkov/CKV_K8S_14 trivy/KSV-0013 kube-linter/latest-tag polaris/tagNotSpecified kube-score/container-image-tag", check.Page{
				Why:  "Two pods of one workload run different versions, a rollback brings nothing back, and an update comes unasked with the next pull.",
				Fix:  "Write a version, better with its digest: image: name:1.2.3@sha256:….",
				Bad:  inContainer("image: example.org/cart"),
				Good: inContainer("image: example.org/cart:1.4.2"),
			}),
		native: nativeImages(nativeMoves),
		look:   images(func(u use) (hit, bool) { return hit{detail: u.text}, u.moves() }),
	}
}

func imageWithoutDigest() Check {
	return Check{
		Card: card("image-without-digest", "an image is not pinned by its digest", finding.Info,
			"checkov/CKV_K8S_43 kube-linter/image-sha kube-linter/image-not-pinned-by-digest nsa-1.2/building-secure-container-images", check.Page{
				Why:  "A tag can be moved to another image by whoever may push there, and the next pod runs that.",
				Fix:  "Write image: name:1.2.3@sha256:…; let a tool such as Renovate raise it, or an admission policy resolve it.",
				Bad:  inContainer("image: example.org/cart:1.4.2"),
				Good: inContainer("image: example.org/cart:1.4.2@sha256:0f7fbd8e0f9d5a52f9d9c0b1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5"),
			}),
		native: nativeImages(func(text, _ string) string { return `!` + text + `.matches("@.") && !` + nativeMoves(text, "") }),
		look:   images(func(u use) (hit, bool) { return hit{detail: u.text}, u.digest == "" && !u.moves() }),
	}
}

func unnamedRegistry() Check {
	return Check{
		Card: card("unnamed-registry", "an image names no registry", finding.Info,
			"nsa-1.2/building-secure-container-images", check.Page{
				Why:  "The node's runtime decides where it comes from: docker.io as a rule, another where mirrors or short names are set, and two nodes need not agree.",
				Fix:  "Write the registry: docker.io/library/postgres:16.4. Which registries may be used, a policy says.",
				Bad:  inContainer("image: postgres:16.4"),
				Good: inContainer("image: docker.io/library/postgres:16.4"),
			}),
		native: nativeImages(func(text, _ string) string {
			return `!` + text + `.split("@")[0].matches("^([^/]*[.:][^/]*|localhost)/")`
		}),
		look: images(func(u use) (hit, bool) { return hit{detail: u.text}, u.registry == "" }),
	}
}

func pullPolicy() Check {
	return Check{
		Card: card("pull-policy", "a container takes the image that its node happens to have", finding.Low,
			"checkov/CKV_K8S_15 kubescape/C-0075 polaris/pullPolicyNotAlways kube-score/container-image-pull-policy", check.Page{
				Why:  "Of an image without a version, nodes keep different ones for good. And with Never, or where pods of others pulled it before, nobody asks whether this pod may have a private image.",
				Fix:  "Drop imagePullPolicy: for images without a version Kubernetes takes Always, which downloads only what changed. Better name a version.",
				Bad:  inContainer("image: example.org/cart:latest\nimagePullPolicy: IfNotPresent"),
				Good: inContainer("image: example.org/cart:latest\nimagePullPolicy: Always"),
			}),
		native: graded(
			nativeImages(func(text, pull string) string {
				return pull + ` in ["IfNotPresent", "Never"] && ` + nativeMoves(text, pull)
			}),
			ofGrade(finding.Info, nativeImages(func(text, pull string) string { return pull + ` == "Never" && !` + nativeMoves(text, pull) }))),
		look: images(func(u use) (hit, bool) {
			h := hit{field: u.pullField, detail: u.text + " and " + string(u.pull)}
			if !u.moves() {
				h.severity = finding.Info
			}
			return h, u.moves() && u.pull == corev1.PullIfNotPresent || u.pull == corev1.PullNever
		}),
	}
}
