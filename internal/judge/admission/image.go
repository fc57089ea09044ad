package admission

import (
	"fmt"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Unlisted is the card of images that no list allows, where everything is denied that none does.
var Unlisted = card("admission/unlisted-image", "image is not among those that may run", "high",
	"Where everything is denied that nobody allowed, an image runs only when it is listed for its namespace.",
	"Use an image that is listed, or add its repository to allow.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: evil.example/miner}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n")

// Unproven is the card of images of which nothing is signed that a rule asks for.
var Unproven = card("admission/unproven-image", "image has no proof that is asked for", "high",
	"A rule of images asks for a signed verdict or a signature, by those whom it names and no older than it says. Without it nobody knows that this image went through the pipeline, or that what was found in it then was within the line.",
	"Scan the image and attest it (plimsoll attest), and look with plimsoll verify what is signed of it.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: 'registry.example/shop/cart:unsigned'}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: 'registry.example/shop/cart:1'}\n")

// Unpinned is the card of images that a rule asks to have a digest.
var Unpinned = card("admission/unpinned-image", "image is named by a tag, which can move", "medium",
	"What is proven of an image is proven of a digest. A node asks the registry again what a tag means, later and after each restart: it may be another image by then.",
	"Name the image by its digest, NAME@sha256:…, or have the webhook do it: digest: resolved.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: 'registry.example/shop/cart:1'}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: 'registry.example/shop/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}\n")

// Use is an image where a pod names it.
type Use struct {
	Image, Field string
	Container    string // its name; empty of a volume
	what         string
	of           *kube.Workload
}

// Images are those of all containers of a pod, and of its volumes.
func Images(w *kube.Workload) (all []Use) {
	add := func(list string, i int, name, image string) {
		all = append(all, Use{image, w.Path(fmt.Sprintf("spec.%s[%d].image", list, i)), name, "container " + name, w})
	}
	for i, c := range w.Spec.InitContainers {
		add("initContainers", i, c.Name, c.Image)
	}
	for i, c := range w.Spec.Containers {
		add("containers", i, c.Name, c.Image)
	}
	for i, c := range w.Spec.EphemeralContainers {
		add("ephemeralContainers", i, c.Name, c.Image)
	}
	for i, v := range w.Spec.Volumes {
		if v.Image != nil && v.Image.Reference != "" {
			all = append(all, Use{v.Image.Reference, w.Path(fmt.Sprintf("spec.volumes[%d].image.reference", i)), "", "volume " + v.Name, w})
		}
	}
	return all
}

// Hit is that something is wrong with the image.
func (u Use) Hit(why string) check.Hit {
	subject := u.of.Subject(u.Field)
	subject.Container, subject.Image = u.Container, u.Image
	detail := fmt.Sprintf("%s %s, %s: %.200q", u.of.Kind, u.of.Name, u.what, u.Image)
	if why != "" {
		detail += ": " + why
	}
	return check.Hit{Where: u.Field, Detail: detail, At: u.of.At(u.Field), Subject: subject}
}

// NotListed finds the containers and the volumes of a pod whose images are not allowed. Of those that a pattern of the
// list only just leaves out, near is the pattern that was meant, maybe.
func NotListed(w *kube.Workload, allowed func(image string) (ok bool, near string)) (hits []check.Hit) {
	for _, u := range Images(w) {
		ok, near := allowed(u.Image)
		if ok {
			continue
		}
		h := u.Hit("")
		if near != "" {
			h = u.Hit("it lies deeper than " + near + " reaches, in which * is one part of a path")
			h.Fix = "Write " + near + "* for all that lies below, or list its repository"
		}
		hits = append(hits, h)
	}
	return hits
}
