package policy

import "github.com/plimsoll/plimsoll/internal/expr"

func containerType() *expr.Object {
	place := func(name, doc string, get func(*Container) string) expr.Field {
		return expr.NewField(name, doc, expr.String, func(c *Container) any { return get(c) })
	}
	return expr.NewObject[Container]("Container", "A container of a pod, in policies about manifests.", 20,
		place("name", "Its name.", func(c *Container) string { return c.Name }),
		place("image", "Its image, as it is written.", func(c *Container) string { return c.Image }),
		place("registry", "The registry in the image's name, docker.io where it names none.", func(c *Container) string { return named(c.Image).Host }),
		place("repository", "The repository in it, library/debian for debian.", func(c *Container) string { return named(c.Image).Repository }),
		place("tag", "The tag in it, latest where it has neither tag nor digest.", func(c *Container) string { return named(c.Image).Tag }),
		place("digest", "The digest in it; empty where it has none.", func(c *Container) string { return named(c.Image).Digest }),
		place("sort", "container, init or ephemeral; in images also volume.", func(c *Container) string { return c.Sort }),
		expr.NewField("fields", "All that is written of it: fields.securityContext and the like.", expr.Dyn, func(c *Container) any { return c.Fields }),
	)
}
