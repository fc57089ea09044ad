package policy

import (
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
)

// The types that expressions know. Each is written down once: what compiles, what is read and what the
// reference says come from here.

func objects() []*expr.Object {
	return []*expr.Object{
		imageType(), osType(), baseType(), layerType(), surfaceType(), signatureType(), configType(), stepType(),
		packageType(), locationType(), findingType(), opinionType(), exceptionType(), fileType(), containerType(),
	}
}

func imageType() *expr.Object {
	// What is not of the image of a Dockerfile is not said of it.
	built := func(name, doc string, t expr.Type, get func(*world) any) expr.Field {
		return expr.NewField(name, doc, t, func(w *world) any {
			if w.unbuilt {
				return notBuilt("image."+name, "")
			}
			return get(w)
		})
	}
	object := expr.NewObject[world]("Image", "The target that is looked at.", 0,
		expr.NewField("name", "As the user or the archive names it.", expr.String, func(w *world) any { return w.target.Name }),
		built("registry", "The registry in the name, docker.io where it names none; empty for what is no name of an image.", expr.String, func(w *world) any { return w.reference.Host }),
		built("repository", "The repository in the name, library/debian for debian.", expr.String, func(w *world) any { return w.reference.Repository }),
		built("tag", "The tag in the name, latest where it has neither tag nor digest.", expr.String, func(w *world) any { return w.reference.Tag }),
		expr.NewField("kind", "image, rootfs, source, sbom, or what a file is: dockerfile, compose, pipeline, manifest.", expr.String, func(w *world) any { return w.target.Kind }),
		expr.NewField("origin", "What it was read from: archive, oci, docker, podman, containerd, registry …", expr.String, func(w *world) any { return w.target.Origin }),
		built("digest", "Of the manifest, sha256:HEX.", expr.String, func(w *world) any { return w.target.Digest }),
		built("indexDigest", "Of the index that the platform was chosen from.", expr.String, func(w *world) any { return w.target.IndexDigest }),
		built("platform", "linux/amd64.", expr.String, func(w *world) any { return w.target.Platform }),
		built("os", "The distribution.", expr.Named("OS"), func(w *world) any { return w.target.OS }),
		built("base", "The image that it is built on.", expr.Named("Base"), func(w *world) any {
			if w.target.Base == nil {
				return (*baseView)(nil)
			}
			return &baseView{w.target.Base, w}
		}),
		built("size", "Bytes of all layers, uncompressed.", expr.Int, func(w *world) any { return w.target.Size }),
		built("verified", "Every byte was read and its digest held.", expr.Bool, func(w *world) any { return w.target.Verified }),
		built("layers", "Bottom first.", expr.List(expr.Named("Layer")), func(w *world) any { return pointers(w.target.Layers) }),
		built("surface", "What an attacker finds to work with.", expr.Named("Surface"), func(w *world) any {
			if w.target.Surface == nil {
				return errSurface
			}
			return w.target.Surface
		}),
		built("created", "When the image was made.", expr.Time, func(w *world) any {
			if w.facts.Config == nil || w.facts.Config.Created.IsZero() {
				return errCreated
			}
			return w.facts.Config.Created
		}),
		built("signatures", "Those that say it is signed, or that it passed, and that were verified in this run, by a signer whom --key or --certificate-identity names.", expr.List(expr.Named("Signature")), func(w *world) any {
			if w.facts.Unverified != nil {
				return fmt.Errorf("whether this image is signed is not known: %w", w.facts.Unverified)
			}
			if w.facts.Signatures == nil {
				return errSignatures
			}
			return pointers(*w.facts.Signatures)
		}),
	)
	object.Unsure = true
	return object
}

func osType() *expr.Object {
	return expr.NewObject[finding.OS]("OS", "A distribution.", 0,
		expr.NewField("id", "debian, alpine, rhel …, as os-release writes it.", expr.String, func(o *finding.OS) any { return o.ID }),
		expr.NewField("version", "12, 3.20 …", expr.String, func(o *finding.OS) any { return o.Version }),
		expr.NewField("codename", "bookworm …", expr.String, func(o *finding.OS) any { return o.Codename }),
		expr.NewField("endOfLife", "The day on which its support ends; not set where that is not known.", expr.Time, func(o *finding.OS) any { return date(o.EndOfLife) }),
		expr.NewField("ended", "That day has passed.", expr.Bool, func(o *finding.OS) any { return o.Ended }),
	)
}

type baseView struct {
	*finding.Base
	in *world
}

func (b *baseView) base() *finding.Base {
	if b.Base == nil {
		return &finding.Base{}
	}
	return b.Base
}

func baseType() *expr.Object {
	return expr.NewObject[baseView]("Base", "The image that another is built on. All is empty where that is not known.", 0,
		expr.NewField("name", "debian:12.", expr.String, func(b *baseView) any { return b.base().Name }),
		expr.NewField("registry", "The registry in the name.", expr.String, func(b *baseView) any { return b.reference().Host }),
		expr.NewField("repository", "The repository in the name.", expr.String, func(b *baseView) any { return b.reference().Repository }),
		expr.NewField("tag", "The tag in the name.", expr.String, func(b *baseView) any { return b.reference().Tag }),
		expr.NewField("digest", "sha256:HEX.", expr.String, func(b *baseView) any { return b.base().Digest }),
		expr.NewField("by", "How it is known: annotation, provenance, flag or layers.", expr.String, func(b *baseView) any { return b.base().By }),
	)
}

func layerType() *expr.Object {
	return expr.NewObject[finding.Layer]("Layer", "A layer of the image.", 200,
		expr.NewField("index", "From 0 at the bottom.", expr.Int, func(l *finding.Layer) any { return l.Index }),
		expr.NewField("digest", "Of the blob.", expr.String, func(l *finding.Layer) any { return l.Digest }),
		expr.NewField("size", "Bytes as stored.", expr.Int, func(l *finding.Layer) any { return l.Size }),
		expr.NewField("createdBy", "The instruction that made it.", expr.String, func(l *finding.Layer) any { return l.CreatedBy }),
		expr.NewField("base", "It came with the base image.", expr.Bool, func(l *finding.Layer) any { return l.Base }),
	)
}

func surfaceType() *expr.Object {
	count := func(name, doc string, get func(*finding.Surface) any) expr.Field {
		return expr.NewField(name, doc, expr.Int, get)
	}
	return expr.NewObject[finding.Surface]("Surface", "What an attacker finds to work with, counted.", 0,
		count("packages", "Packages.", func(s *finding.Surface) any { return s.Packages }),
		count("executables", "Files that can be executed.", func(s *finding.Surface) any { return s.Executables }),
		count("shells", "Shells.", func(s *finding.Surface) any { return s.Shells }),
		count("interpreters", "Interpreters.", func(s *finding.Surface) any { return s.Interpreters }),
		count("packageManagers", "Package managers.", func(s *finding.Surface) any { return s.PackageManagers }),
		count("suid", "Files that run as their owner.", func(s *finding.Surface) any { return s.SUID }),
		expr.NewField("ports", "The ports that the image exposes.", expr.List(expr.Int), func(s *finding.Surface) any { return s.Ports }),
	)
}

func signatureType() *expr.Object {
	return expr.NewObject[Signature]("Signature", "A signature that was verified.", 20,
		expr.NewField("signer", "Who signed: the name in the certificate, or the digest of the key.", expr.String, func(s *Signature) any { return s.Signer }),
		expr.NewField("issuer", "Who says so, for certificates.", expr.String, func(s *Signature) any { return s.Issuer }),
		expr.NewField("signed", "When; not set where nobody says.", expr.Time, func(s *Signature) any { return s.Signed }),
		expr.NewField("predicate", "The type of what was signed: https://slsa.dev/verification_summary/v1 is a verdict; empty for a signature in Cosign's older form.", expr.String, func(s *Signature) any { return s.Predicate }),
	)
}

func configType() *expr.Object {
	known := func(name, doc string, t expr.Type, get func(*Config) any) expr.Field {
		return expr.NewField(name, doc, t, func(b *Build) any {
			if why, ok := b.Unknown[name]; ok {
				return notBuilt("config."+name, ": "+why)
			}
			return get(&b.Config)
		})
	}
	object := expr.NewObject[Build]("Config", "The configuration of an image.", 0,
		known("user", "USER, as it is written; empty means root.", expr.String, func(c *Config) any { return c.User }),
		known("env", "ENV, by name.", expr.Map(expr.String), func(c *Config) any { return notNil(c.Env) }),
		known("entrypoint", "ENTRYPOINT.", expr.List(expr.String), func(c *Config) any { return c.Entrypoint }),
		known("cmd", "CMD.", expr.List(expr.String), func(c *Config) any { return c.Cmd }),
		known("workingDir", "WORKDIR.", expr.String, func(c *Config) any { return c.WorkingDir }),
		known("shell", "SHELL.", expr.List(expr.String), func(c *Config) any { return c.Shell }),
		known("ports", "EXPOSE, as PORT/PROTOCOL.", expr.List(expr.String), func(c *Config) any { return c.Ports }),
		known("volumes", "VOLUME.", expr.List(expr.String), func(c *Config) any { return c.Volumes }),
		known("labels", "LABEL, by name.", expr.Map(expr.String), func(c *Config) any { return notNil(c.Labels) }),
		known("stopSignal", "STOPSIGNAL.", expr.String, func(c *Config) any { return c.StopSignal }),
		known("healthcheck", "HEALTHCHECK's command.", expr.List(expr.String), func(c *Config) any { return c.Healthcheck }),
		known("onBuild", "ONBUILD.", expr.List(expr.String), func(c *Config) any { return c.OnBuild }),
		known("author", "Who made it, as it says.", expr.String, func(c *Config) any { return c.Author }),
		known("created", "When it was made, as it says.", expr.Time, func(c *Config) any { return c.Created }),
		known("history", "The steps of the build.", expr.List(expr.Named("Step")), func(c *Config) any { return pointers(c.History) }),
	)
	object.Unsure = true
	return object
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func stepType() *expr.Object {
	return expr.NewObject[Step]("Step", "A step of the build.", 200,
		expr.NewField("createdBy", "The instruction.", expr.String, func(s *Step) any { return s.CreatedBy }),
		expr.NewField("comment", "What the builder says of it.", expr.String, func(s *Step) any { return s.Comment }),
		expr.NewField("created", "When.", expr.Time, func(s *Step) any { return s.Created }),
		expr.NewField("empty", "It made no layer.", expr.Bool, func(s *Step) any { return s.Empty }),
	)
}

func fileType() *expr.Object {
	return expr.NewObject[File]("File", "A file of the image that stands out: it runs as its owner or group, has capabilities, or everybody may write it.", 20_000,
		expr.NewField("path", "Below the root, without a slash before it.", expr.String, func(f *File) any { return f.Path }),
		expr.NewField("mode", "Permission bits as a number: 0755 is 493.", expr.Int, func(f *File) any { return f.Mode }),
		expr.NewField("uid", "The owner's number.", expr.Int, func(f *File) any { return f.UID }),
		expr.NewField("gid", "The group's number.", expr.Int, func(f *File) any { return f.GID }),
		expr.NewField("size", "Bytes.", expr.Int, func(f *File) any { return f.Size }),
		expr.NewField("suid", "It runs as its owner.", expr.Bool, func(f *File) any { return f.SUID }),
		expr.NewField("sgid", "It runs as its group.", expr.Bool, func(f *File) any { return f.SGID }),
		expr.NewField("worldWritable", "Everybody may write it.", expr.Bool, func(f *File) any { return f.WorldWritable }),
		expr.NewField("capabilities", "cap_net_raw …", expr.List(expr.String), func(f *File) any { return f.Capabilities }),
		expr.NewField("folder", "It is a folder.", expr.Bool, func(f *File) any { return f.Folder }),
		expr.NewField("base", "It came with the base image.", expr.Bool, func(f *File) any { return f.Base }),
	)
}
