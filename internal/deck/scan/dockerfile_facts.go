package scan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// build is the configuration of the image that a Dockerfile makes, for policies: as the builder would write it
// from the file, and of what the file does not decide, why it is not known.
func (s *scan) build(f *read.File) *policy.Build {
	u := unbuilt{chain: chainOf(f.Target), said: dockerfileConfig(f), unknown: map[string]string{}}
	c := u.config()
	return &policy.Build{Config: *s.configFacts(&c), At: placeOf(f.Target.From), Unknown: u.unknown}
}

// chainOf are the stages that a stage is built from, and itself, the first one first.
func chainOf(s *read.Stage) (chain []*read.Stage) {
	for ; s != nil; s = s.Parent {
		chain = append(chain, s)
	}
	slices.Reverse(chain)
	return chain
}

// unbuilt is the image of a Dockerfile while it is told what is known of it.
type unbuilt struct {
	chain   []*read.Stage
	said    *imagecfg.Config
	unknown map[string]string // field of policies → why
}

// What policies call the fields that a Dockerfile can set.
var buildFields = []string{"user", "env", "entrypoint", "cmd", "workingDir", "shell", "ports", "volumes", "labels", "stopSignal", "healthcheck", "onBuild", "author"}

const atBuild = "only the call of the build says it"

// config is what the image's configuration would say.
func (u *unbuilt) config() image.Config {
	said := u.said
	c := image.Config{
		User: said.User.Text, Entrypoint: said.Entrypoint.Args, Cmd: said.Cmd.Args, Healthcheck: said.Healthcheck.Args, StopSignal: said.StopSignal.Text,
		WorkingDir: u.workdir(), Labels: map[string]string{}, Volumes: texts(said.Volumes),
	}
	var ok bool
	if c.Ports, ok = portsOf(said.Ports); !ok {
		u.unknown["ports"] = "it exposes more of them than are read"
	}
	for _, e := range said.Env {
		c.Env = append(c.Env, e.Name+"="+e.Text)
	}
	for _, l := range said.Labels {
		c.Labels[l.Name] = l.Text
	}
	for _, in := range u.instructions() {
		switch {
		case in.Name == "SHELL":
			c.Shell = in.Args
		case in.Name == "MAINTAINER":
			c.Author = strings.Join(in.Args, " ")
		case in.Name == "ONBUILD" && in.Inner != nil && in.Stage == u.chain[len(u.chain)-1]:
			c.OnBuild = append(c.OnBuild, in.Inner.Text)
		}
	}
	u.inherited(&c)
	u.undecided(&c)
	return c
}

func (u *unbuilt) instructions() (all []*read.Instruction) {
	for _, s := range u.chain {
		all = append(all, s.Instructions...)
	}
	return all
}

// inherited says what may come of the base image: fields that nothing sets, and those that grow.
func (u *unbuilt) inherited(c *image.Config) {
	u.unknown["created"], u.unknown["history"] = "it is that of the build", "it is that of the build"
	if u.said.From.Text == "" { // FROM scratch: builders add a search path alone
		if !slices.ContainsFunc(c.Env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
			c.Env = append(c.Env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
		}
		return
	}
	why := fmt.Sprintf("the base image %.200s, which is not at hand, may set it", u.said.From.Text)
	for field, set := range map[string]bool{
		"user": c.User != "", "entrypoint": c.Entrypoint != nil, "cmd": c.Cmd != nil || c.Entrypoint != nil, "shell": c.Shell != nil,
		"stopSignal": c.StopSignal != "", "healthcheck": c.Healthcheck != nil, "author": c.Author != "",
		"env": false, "labels": false, "ports": false, "volumes": false,
	} {
		if !set {
			u.unknown[field] = why
		}
	}
}

// undecided says what the call of the build, or the builder, decides.
func (u *unbuilt) undecided(c *image.Config) {
	if c.User == unknownUser {
		u.unknown["user"] = atBuild
	}
	if c.WorkingDir == "" {
		u.unknown["workingDir"] = "no WORKDIR sets it from the root"
	}
	cmd, entrypoint := -1, -1 // the stages that set them
	for _, in := range u.instructions() {
		switch in.Name {
		case "CMD":
			cmd = in.Stage.Index
		case "ENTRYPOINT":
			entrypoint = in.Stage.Index
		case "ENV", "LABEL", "EXPOSE", "VOLUME", "STOPSIGNAL":
			field := map[string]string{"ENV": "env", "LABEL": "labels", "EXPOSE": "ports", "VOLUME": "volumes", "STOPSIGNAL": "stopSignal"}[in.Name]
			if slices.ContainsFunc(wordsOf(in), func(w string) bool { _, known := in.Expand(w); return !known }) {
				u.unknown[field] = atBuild
			}
		case "ONBUILD":
			if in.Stage != u.chain[len(u.chain)-1] { // it is carried out where the next stage begins
				for _, field := range buildFields {
					u.unknown[field] = "an ONBUILD of an earlier stage may set it"
				}
			}
		}
	}
	if cmd >= 0 && entrypoint > cmd {
		u.unknown["cmd"] = "whether an ENTRYPOINT clears the CMD of an earlier stage is the builder's affair"
	}
}

// wordsOf are the words of an instruction in which variables are replaced.
func wordsOf(in *read.Instruction) (words []string) {
	if len(in.Pairs) == 0 {
		return in.Args
	}
	for _, p := range in.Pairs {
		words = append(words, p.Key, p.Value)
	}
	return words
}

// workdir is the folder that WORKDIR leads to; empty where that is not known.
func (u *unbuilt) workdir() (dir string) {
	for _, in := range u.instructions() {
		if in.Name != "WORKDIR" || len(in.Args) != 1 {
			continue
		}
		switch to, known := in.Expand(in.Args[0]); {
		case !known:
			dir = ""
		case path.IsAbs(to):
			dir = path.Clean(to)
		case dir != "":
			dir = path.Join(dir, to)
		}
	}
	return dir
}

func texts(of []imagecfg.Value) []string {
	set := map[string]bool{}
	for _, v := range of {
		set[v.Text] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// portsOf writes ports as configurations hold them: one by one, with their protocol. It gives up where there are
// more than any image has.
func portsOf(of []imagecfg.Value) (all []string, ok bool) {
	set, most := map[string]bool{}, 1<<17
	for _, v := range of {
		numbers, protocol, ok := strings.Cut(v.Text, "/")
		if protocol = strings.ToLower(protocol); !ok {
			protocol = "tcp"
		}
		low, high, _ := strings.Cut(numbers, "-")
		from, err := strconv.ParseUint(low, 10, 16)
		to, err2 := strconv.ParseUint(high, 10, 16)
		if err != nil || err2 != nil || to < from {
			set[numbers+"/"+protocol] = true
			continue
		}
		if most -= int(to - from); most < 0 {
			return nil, false
		}
		for n := from; n <= to; n++ {
			set[fmt.Sprintf("%d/%s", n, protocol)] = true
		}
	}
	return slices.Sorted(maps.Keys(set)), true
}
