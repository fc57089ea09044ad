package scan

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// dockerfileConfig is the configuration that the image of a Dockerfile's target would have, as far as the
// file sets it; each value knows its line.
func dockerfileConfig(f *read.File) *imagecfg.Config {
	c := &imagecfg.Config{}
	var chain []*read.Stage
	for s := f.Target; s != nil; s = s.Parent {
		chain = append([]*read.Stage{s}, chain...)
	}
	if base := chain[0]; !strings.EqualFold(base.Image, "scratch") || !base.Known {
		c.From = imagecfg.Value{Text: base.Base, At: placeOf(base.From)}
	}
	for _, s := range chain {
		for _, in := range s.Instructions {
			configure(c, in)
		}
	}
	return c
}

func placeOf(in *read.Instruction) []finding.Location {
	return []finding.Location{{Path: in.Path(), StartLine: in.Start, EndLine: in.End, Column: in.Column, Instruction: in.Summary()}}
}

// configure does to a configuration what an instruction does. What is not known until the build is left out.
func configure(c *imagecfg.Config, in *read.Instruction) {
	at := placeOf(in)
	value := func(word string) (imagecfg.Value, bool) {
		text, known := in.Expand(word)
		return imagecfg.Value{Text: text, At: at}, known
	}
	switch in.Name {
	case "USER":
		if v, known := value(strings.Join(in.Args, " ")); known {
			c.User = v
		} else {
			c.User = imagecfg.Value{Text: unknownUser, At: at}
		}
	case "ENV", "LABEL":
		for _, p := range in.Pairs {
			v, known := value(p.Value)
			if v.Name, _ = in.Expand(p.Key); !known {
				v.Text = in.Shown(p.Value)
			}
			if in.Name == "ENV" {
				c.Env = set(c.Env, v)
			} else {
				c.Labels = set(c.Labels, v)
			}
		}
	case "EXPOSE", "VOLUME":
		for _, a := range in.Args {
			if v, known := value(a); known && in.Name == "EXPOSE" {
				c.Ports = append(c.Ports, v)
			} else if known {
				c.Volumes = append(c.Volumes, v)
			}
		}
	case "ENTRYPOINT":
		c.Entrypoint = commandOf(in, in.Args)
	case "CMD":
		c.Cmd = commandOf(in, in.Args)
	case "WORKDIR":
		if len(in.Args) == 1 {
			if v, known := value(in.Args[0]); known {
				c.WorkingDir = v
			}
		}
	case "HEALTHCHECK":
		c.Healthcheck = healthOf(in)
	case "STOPSIGNAL":
		if v, known := value(strings.Join(in.Args, " ")); known {
			c.StopSignal = v
		}
	case "ONBUILD":
		if in.Inner != nil {
			c.OnBuild = append(c.OnBuild, imagecfg.Value{Text: in.Inner.Text, At: at})
		}
	}
}

// unknownUser stands for a USER that only the call of the build gives.
const unknownUser = "$USER"

// set puts a variable in the place of an earlier one of its name.
func set(all []imagecfg.Value, v imagecfg.Value) []imagecfg.Value {
	for i := range all {
		if all[i].Name == v.Name {
			all[i] = v
			return all
		}
	}
	return append(all, v)
}

// commandOf is a command line as a configuration holds it: after the shell where it is not a JSON array.
func commandOf(in *read.Instruction, args []string) imagecfg.Command {
	c := imagecfg.Command{At: placeOf(in)}
	if !in.JSON {
		c.Args = append(c.Args, in.Shell...)
	}
	c.Args = append(c.Args, args...)
	return c
}

func healthOf(in *read.Instruction) imagecfg.Command {
	c := imagecfg.Command{At: placeOf(in)}
	switch {
	case len(in.Args) == 0:
	case strings.EqualFold(in.Args[0], "NONE"):
		c.Args = []string{"NONE"}
	case in.JSON:
		c.Args = append([]string{"CMD"}, in.Args[1:]...)
	default:
		c.Args = append([]string{"CMD-SHELL"}, in.Args[1:]...)
	}
	return c
}
