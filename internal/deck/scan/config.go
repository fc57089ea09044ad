package scan

import (
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/imagecfg"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// configuration runs the checks of the last target's own facts.
func (s *scan) configuration(img *image.Image) {
	if !s.o.runs("image") {
		return
	}
	t := &s.report.Targets[len(s.report.Targets)-1]
	f := imagecfg.Facts{OS: t.OS, Platform: t.Platform, Now: s.o.Now}
	if t.Kind == "image" {
		f.Name, f.Config = t.Name, configOf(img)
	}
	s.sights(t, judgeConfig(f))
}

// judgeConfig runs all checks of an image's configuration on what is known of one.
func judgeConfig(f imagecfg.Facts) (seen []sight) {
	for _, c := range imagecfg.Checks() {
		one := sight{card: c.Card, applies: c.Applies(f)}
		if one.applies {
			one.hits = c.Look(f)
		}
		seen = append(seen, one)
	}
	return seen
}

// configOf is a built image's configuration.
func configOf(img *image.Image) *imagecfg.Config {
	of := &img.Config
	c := &imagecfg.Config{
		User: imagecfg.Value{Text: of.User}, Ports: values(of.Ports), Volumes: values(of.Volumes),
		Entrypoint: imagecfg.Command{Args: of.Entrypoint}, Cmd: imagecfg.Command{Args: of.Cmd},
		WorkingDir: imagecfg.Value{Text: of.WorkingDir}, Healthcheck: imagecfg.Command{Args: of.Healthcheck},
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
