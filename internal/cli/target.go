package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// targetOptions say how words are taken for things to look at.
type targetOptions struct {
	platform  string
	offline   bool
	as        string
	ca        []string
	plainHTTP []string
	mirrors   []string
	verify    bool
	stage     string // of Dockerfiles; scan has a flag for it
}

func (o *targetOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.platform, "platform", "", "`PLATFORM` of an image, as in linux/arm64, or all (default: this host's)")
	f.BoolVar(&o.offline, "offline", false, "touch no network at all")
	f.BoolVar(&o.verify, "verify", false, "read and hash every byte, also what could be skipped")
	f.StringVar(&o.as, "as", "", "`KIND` that the targets are taken for, whatever they look like: docker, podman, containerd, registry, oci, archive, rootfs, container, sbom, source, dump, dockerfile, compose, pipeline or manifest")
	f.Var(repeated(&o.ca), "ca", "PEM `FILE` of an authority to trust for registries; may be repeated")
	f.Var(repeated(&o.plainHTTP), "plain-http", "`HOST[:PORT]` of a registry that is spoken to without TLS; may be repeated")
	f.Var(repeated(&o.mirrors), "mirror", "`HOST=MIRROR[/PREFIX]`: ask the mirror before the registry; may be repeated")
}

func (o *targetOptions) locate() (locate.Options, error) {
	lo := locate.Options{
		Options:  image.Options{Platform: o.platform, Offline: o.offline, Verify: o.verify},
		Registry: registry.Options{CA: o.ca, PlainHTTP: o.plainHTTP, Mirrors: map[string][]string{}},
	}
	if err := o.validAs(); err != nil {
		return lo, err
	}
	if err := readable(o.ca); err != nil {
		return lo, err
	}
	if o.platform != "" && o.platform != "all" {
		if _, err := image.ParsePlatform(o.platform); err != nil {
			return lo, usage("--platform: %v", err)
		}
	}
	return lo, o.hosts(lo.Registry.Mirrors)
}

// readable wants the files of authorities to be just that, whether or not a registry comes to be asked.
func readable(ca []string) error {
	if _, err := registry.Client(registry.Options{CA: ca}); err != nil {
		return usage("--ca: %v", err)
	}
	return nil
}

// hosts fills in the mirrors, and holds all hosts against how they are written.
func (o *targetOptions) hosts(mirrors map[string][]string) error {
	for _, host := range o.plainHTTP {
		if strings.Contains(host, "/") {
			return usage("--plain-http %q: write HOST[:PORT], as in registry.lan:5000", host)
		}
	}
	for _, m := range o.mirrors {
		host, mirror, ok := strings.Cut(m, "=")
		if !ok || host == "" || mirror == "" {
			return usage("--mirror %q: write HOST=MIRROR, as in docker.io=mirror.example.com", m)
		}
		if strings.Contains(m, "://") {
			return usage("--mirror %q: hosts are written without https://; one without TLS is also named by --plain-http", m)
		}
		mirrors[host] = append(mirrors[host], mirror)
	}
	return nil
}

// validAs knows the words of --as.
func (o *targetOptions) validAs() error {
	if o.as == "" || slices.Contains(asWords(), o.as) {
		return nil
	}
	return usage("--as %q is nothing that a target can be taken for%s: use %s", o.as, suggestion(o.as, asWords()), strings.Join(asWords(), ", "))
}

// opened is what words turned out to be.
type opened struct {
	subjects []scan.Subject
	missing  []finding.Gap // the words whose engine or registry did not answer, beside others that did
}

func (o *opened) close() {
	for _, s := range o.subjects {
		if s.Image != nil {
			s.Image.Close()
		}
	}
}

// open turns every word into subjects; the caller closes them. A wrong word ends it all; one that
// cannot be opened at this time is missing, unless nothing else is there to look at.
func (o *targetOptions) open(ctx context.Context, g *global, words []string) (*opened, error) {
	lo, err := o.locate()
	if err != nil {
		return nil, err
	}
	if words, err = o.expand(words); err != nil {
		return nil, err
	}
	if err := o.check(words); err != nil {
		return nil, err
	}
	lo.Stdin = bufio.NewReaderSize(g.env.Stdin, inventory.DocumentHead)
	bills, err := o.bills(g, words)
	if err != nil {
		return nil, err
	}
	var all opened
	for _, word := range words {
		if bill := bills[word]; bill != nil {
			all.subjects = append(all.subjects, scan.Subject{Bill: bill})
			continue
		}
		more, oneErr := o.one(ctx, g, word, lo)
		all.subjects = append(all.subjects, more...)
		var exit exitError
		if errors.As(oneErr, &exit) && exit.status == exitIncomplete && ctx.Err() == nil && len(words) > 1 {
			all.missing = append(all.missing, finding.Gap{Class: "unreachable-target", Blocking: true, What: fmt.Sprintf("%s: %v", word, oneErr), Count: 1})
			err = cmp.Or(err, oneErr)
		} else if oneErr != nil {
			all.close()
			return nil, oneErr
		}
	}
	if len(all.subjects) == 0 {
		return nil, err
	}
	return &all, nil
}

// check says before any work what is wrong with the words, all of them, as far as that can be told
// without asking anybody.
func (o *targetOptions) check(words []string) error {
	var wrong []error
	for _, word := range words {
		if o.as == string(locate.Source) || o.as == asDump {
			wrong = append(wrong, isFolder(o.as, word))
			continue
		}
		if slices.Contains(scan.DocumentKinds(), o.as) {
			continue // it is opened at once, and nobody is asked
		}
		if o.as != "" {
			word = o.as + ":" + word
		}
		wrong = append(wrong, locate.Check(word))
	}
	if err := errors.Join(wrong...); err != nil {
		return exitError{exitUsage, err}
	}
	return nil
}

// isFolder wants a path to be a folder's.
func isFolder(as, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--as %s: %s: no such folder", as, path)
	case err != nil:
		return fmt.Errorf("--as %s: %w", as, err)
	case !info.IsDir():
		return fmt.Errorf("--as %s: %s is a file: name the folder that it stands in", as, path)
	}
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--as %s: %w", as, err)
	}
	return dir.Close()
}

// one opens what a single word means.
func (o *targetOptions) one(ctx context.Context, g *global, word string, lo locate.Options) ([]scan.Subject, error) {
	if o.as == string(locate.Source) {
		return []scan.Subject{{Image: folder(word)}}, nil
	}
	if o.as == asDump {
		c, err := dumped(word)
		return []scan.Subject{{Cluster: c}}, err
	}
	if slices.Contains(scan.DocumentKinds(), o.as) {
		return o.documents(word, o.as, lo.Stdin)
	}
	if o.as != "" {
		word = o.as + ":" + word
	} else if chart := packedChart(word); chart != "" {
		g.say("%s: taken for a packed Helm chart", chart)
		return o.documents(chart, "manifest", lo.Stdin)
	}
	imgs, err := locate.Open(ctx, word, lo)
	var other *locate.KindError
	switch {
	case errors.As(err, &other) && other.Kind == locate.Source:
		if dump.Is(other.Path) { // who can add a file to a folder does not say what the rest of it is
			return nil, usage("%s looks like a dump of a cluster: say whether it is one, with --as dump or --as source", other.Path)
		}
		g.say("%s: taken for a folder of sources", other.Path)
		return []scan.Subject{{Image: folder(other.Path)}}, nil
	case errors.As(err, &other) && (other.Kind == locate.SBOM || other.Kind == locate.File):
		if other.Kind == locate.File && render.IsRoot(filepath.Base(other.Path)) {
			return nil, usage("%s is a part of what its folder makes: name the folder, as in plimsoll scan %s", other.Path, filepath.Dir(other.Path))
		}
		if kind, title := scan.DocumentKind(absolute(other.Path), headOf(other.Path, lo.Stdin)); kind != "" && other.Kind == locate.File {
			g.say("%s: taken for %s", other.Path, title)
			return o.documents(other.Path, kind, lo.Stdin)
		}
		bill, err := readBill(other.Path, lo.Stdin)
		if err != nil && other.Kind == locate.File {
			err = fmt.Errorf("%s is neither an archive of an image nor an SBOM (%w), nor named like a file that is judged: say what it is with --as %s",
				other.Path, err, strings.Join(scan.DocumentKinds(), ", "))
		}
		if err != nil {
			return nil, exitError{exitUsage, err}
		}
		g.say("%s: taken for an SBOM (%s)", other.Path, bill.Origin)
		return []scan.Subject{{Bill: bill}}, nil
	case err != nil:
		return nil, exitError{statusOf(ctx, err), err}
	}
	var subjects []scan.Subject
	for _, img := range imgs {
		g.say("%s: taken for %s", word, taken(img))
		for _, n := range img.Notice {
			g.say("%s: %s", word, n)
		}
		subjects = append(subjects, scan.Subject{Image: img})
	}
	return subjects, nil
}

// statusOf tells a call that is wrong from a world that does not answer.
func statusOf(ctx context.Context, err error) int {
	var down *image.DownError
	if ctx.Err() != nil || errors.As(err, &down) {
		return exitIncomplete
	}
	return exitUsage
}

// taken says what a word was taken for.
func taken(img *image.Image) string {
	s := map[string]string{
		"archive": "an image in an archive", "oci": "an image in an OCI layout", "docker": "an image of Docker",
		"podman": "an image of Podman", "containerd": "an image of containerd", "registry": "an image of a registry",
		"rootfs": "a root file system", "container": "a container",
	}[img.Origin]
	if s == "" {
		s = img.Origin
	}
	if img.Platform != "" {
		s += ", " + img.Platform
	}
	return s
}

// folder is a source folder: one layer, in which lock files count. What version control keeps is not
// looked at.
func folder(dir string) *image.Image {
	return &image.Image{Name: dir, Origin: "source", Layers: []image.Layer{{Folder: &layer.Folder{
		Path: dir,
		Skip: func(p string) bool { return path.Base(p) == ".git" },
	}}}}
}
