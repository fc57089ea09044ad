package scan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// configuration runs the checks of the last target's own facts.
func (s *scan) configuration(img *image.Image, inv *inventory.Inventory) {
	t := &s.report.Targets[len(s.report.Targets)-1]
	if t.Kind != sourceFolder {
		t.Surface = surface(img, inv)
	}
	if s.o.runs("image") {
		s.sights(t, judgeConfig(s.facts(t, img, inv), imagecfg.Checks()))
	}
}

// judgeConfig runs checks of an image's configuration on what is known of one.
func judgeConfig(f imagecfg.Facts, checks []imagecfg.Check) (seen []sight) {
	for i := range checks {
		c := &checks[i]
		one := sight{card: &c.Card, applies: c.Applies(f)}
		if one.applies {
			one.hits = c.Look(f)
		}
		seen = append(seen, one)
	}
	return seen
}

// facts are what is known of a target: of a folder of sources, neither how it runs nor whose its files are.
func (s *scan) facts(t *finding.Target, img *image.Image, inv *inventory.Inventory) imagecfg.Facts {
	f := imagecfg.Facts{OS: t.OS, Platform: t.Platform, Now: s.o.Now}
	if t.Kind == "image" {
		f.Name, f.Config = tagged(img), configOf(img)
	}
	if t.Kind != sourceFolder {
		f.System = systemOf(t, inv, s.byName())
	}
	return f
}

// tagged is the name of an image with the tag that is meant where none is written.
func tagged(img *image.Image) string {
	last := img.Name[strings.LastIndexByte(img.Name, '/')+1:]
	switch img.Origin {
	case "registry", "docker", "podman", "containerd":
		if !strings.ContainsAny(last, ":@") {
			return img.Name + ":latest"
		}
	}
	return img.Name
}

// configOf is a built image's configuration.
func configOf(img *image.Image) *imagecfg.Config {
	of := &img.Config
	c := &imagecfg.Config{
		User: imagecfg.Value{Text: of.User}, Ports: values(of.Ports), Volumes: values(of.Volumes),
		Entrypoint: imagecfg.Command{Args: of.Entrypoint}, Cmd: imagecfg.Command{Args: of.Cmd},
		WorkingDir: imagecfg.Value{Text: of.WorkingDir}, Healthcheck: imagecfg.Command{Args: of.Healthcheck}, NoHealthcheck: of.OCI,
		StopSignal: imagecfg.Value{Text: of.StopSignal}, OnBuild: values(of.OnBuild),
	}
	for _, e := range of.Env {
		c.Env = append(c.Env, imagecfg.Variable(e))
	}
	for _, name := range slices.Sorted(maps.Keys(of.Labels)) {
		c.Labels = append(c.Labels, imagecfg.Value{Name: name, Text: of.Labels[name]})
	}
	for _, h := range of.History {
		c.History = append(c.History, imagecfg.Value{Text: image.Instruction(h.CreatedBy)})
	}
	return c
}

func values(of []string) (all []imagecfg.Value) {
	for _, text := range of {
		all = append(all, imagecfg.Value{Text: text})
	}
	return all
}

// systemOf are the files of an image that are not like most.
func systemOf(t *finding.Target, inv *inventory.Inventory, kinds map[string]*ecosystem.Ecosystem) *imagecfg.System {
	base := func(layer int) bool { return t.Base != nil && layer < t.Base.Layers }
	sys := &imagecfg.System{Files: make([]imagecfg.File, 0, len(inv.System.Files))}
	secrets := looked(inv)
	for i := range inv.System.Files {
		f := &inv.System.Files[i]
		one := imagecfg.File{
			Path: f.Paths[0], Also: f.Paths[1:], Mode: f.Mode, UID: f.UID, GID: f.GID, Size: f.Size, Capabilities: f.Capabilities.Names(),
			Class: f.Class, Program: f.Program, Manager: f.Manager, Known: f.Known, Layer: f.Layer, Base: base(f.Layer),
		}
		if one.Class == trait.Credentials && slices.ContainsFunc(f.Paths, func(p string) bool { return secrets[p] }) {
			one.Class = "" // what is in it is told
		}
		if f.Owner >= 0 {
			one.Package = inv.Packages[f.Owner].FullName()
		}
		sys.Files = append(sys.Files, one)
	}
	for _, a := range inv.System.Accounts {
		switch a.Path {
		case "etc/passwd":
			sys.Users = a.Users
		case "etc/shadow":
			sys.Shadow = a.Users
		case "etc/group":
			sys.Groups = a.Groups
		}
		sys.Free = append(sys.Free, a.Free...)
	}
	for _, o := range inv.System.Owners {
		sys.Owners = append(sys.Owners, imagecfg.Owner{UID: o.UID, Count: o.Count, Example: o.Path, Layer: o.Layer})
	}
	sys.Managed = slices.ContainsFunc(inv.Packages, func(p inventory.Package) bool { return kinds[p.Ecosystem] != nil && kinds[p.Ecosystem].OS })
	sys.Look = func(path string) (imagecfg.File, bool) {
		f, ok := inv.System.Look(path)
		return imagecfg.File{Path: f.Path, Mode: f.Mode, UID: f.UID, GID: f.GID, Layer: f.Layer, Base: base(f.Layer)}, ok
	}
	return sys
}

// surface counts what somebody who has got in finds to work with.
func surface(img *image.Image, inv *inventory.Inventory) *finding.Surface {
	s := &finding.Surface{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; !p.Declared {
			s.Packages++
		}
	}
	managers := map[string]bool{}
	var seen counted
	for i := range inv.System.Files {
		f := &inv.System.Files[i]
		if f.Program == trait.NoProgram && !f.SetID() {
			continue
		}
		if f.Program != trait.NoProgram {
			s.Executables++
		}
		if f.Mode.IsRegular() && f.SetID() {
			s.SUID++
		}
		for _, r := range f.Roles {
			switch {
			case r == trait.PackageManager:
				managers[f.Manager] = true
			case !seen.first(r, f):
			case r == trait.Shell:
				s.Shells++
			case r == trait.Interpreter:
				s.Interpreters++
			}
		}
	}
	s.PackageManagers = len(managers)
	for _, p := range img.Config.Ports {
		if n, ok := imagecfg.Port(p); ok && !slices.Contains(s.Ports, n) {
			s.Ports = append(s.Ports, n)
		}
	}
	slices.Sort(s.Ports)
	return s
}

// counted are programs that were counted by what they are for. Hard links that a folder shows as so many files are one.
type counted map[string]bool

func (c *counted) first(r trait.Role, f *inventory.SpecialFile) bool {
	key := fmt.Sprint(r, " ", path.Dir(f.Paths[0]), " ", f.Size)
	if *c == nil {
		*c = counted{}
	}
	known := (*c)[key]
	(*c)[key] = true
	return !known
}
