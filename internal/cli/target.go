package cli

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
)

// targetOptions say how words are taken for things to look at.
type targetOptions struct {
	platform string
	offline  bool
}

func (o *targetOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.platform, "platform", "", "platform of an image, as in linux/arm64, or all (default: this host's)")
	f.BoolVar(&o.offline, "offline", false, "touch no network at all")
}

// open turns every word into subjects. The images stay open until the returned func is called.
func (o *targetOptions) open(ctx context.Context, g *global, words []string) ([]scan.Subject, []finding.Gap, func(), error) {
	var subjects []scan.Subject
	closeAll := func() {
		for _, s := range subjects {
			if s.Image != nil {
				s.Image.Close()
			}
		}
	}
	for _, word := range words {
		imgs, err := archive.Open(ctx, word, image.Options{Platform: o.platform, Offline: o.offline})
		if err != nil {
			closeAll()
			return nil, nil, nil, exitError{exitUsage, err}
		}
		for _, img := range imgs {
			img.Attribute()
			subjects = append(subjects, scan.Subject{Image: img})
		}
	}
	return subjects, nil, closeAll, nil
}
