package cli

import (
	"context"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// chartOptions say what charts are rendered with.
type chartOptions struct {
	values    []string
	set       []string
	release   string
	namespace string
	version   string
	flagged   bool        // the command has flags for them
	used      atomic.Bool // there was a chart
}

// ask has one thing rendered, and remembers that there was a chart.
func (o *chartOptions) ask(ctx context.Context, r render.Request) (render.Answer, error) {
	if r.Chart != nil {
		o.used.Store(true)
	}
	return render.Ask(ctx, r)
}

// rendered renders the charts and overlays of a folder.
func (o *chartOptions) rendered(ctx context.Context, folder string, paths []string) (*render.Sources, error) {
	values, err := o.read()
	if err != nil {
		return nil, err
	}
	s, err := render.Folder(ctx, folder, paths, render.Options{Values: values, Ask: o.ask, Jobs: runtime.NumCPU(), At: filepath.ToSlash(folder)})
	if err == nil {
		err = ctx.Err()
	}
	return s, err
}

// packed renders a packed chart.
func (o *chartOptions) packed(ctx context.Context, name string, b []byte) (m render.Made, err error) {
	values, err := o.read()
	if err != nil {
		return m, err
	}
	m = render.Archive(ctx, name, b, render.Options{Values: values, Ask: o.ask})
	return m, ctx.Err()
}

// idle says that values were given in vain.
func (o *chartOptions) idle() error {
	if len(o.values)+len(o.set) > 0 && !o.used.Load() {
		return usage("--values and --set are for Helm charts, and there is none in what was named: name the chart's folder, or the packed chart")
	}
	return nil
}

// flags defines them. The namespace's is named by the command, which may have a --namespace of its own.
func (o *chartOptions) flags(f *pflag.FlagSet, namespace string) {
	usual := render.DefaultValues()
	o.flagged = true
	f.Var(repeated(&o.values), "values", "`FILE` of values for Helm charts, on top of their own; may be repeated")
	f.Var(repeated(&o.set), "set", "`KEY=VALUE` for Helm charts, as helm's --set; may be repeated")
	f.StringVar(&o.release, "release", usual.Release, "`NAME` of the release that Helm charts are rendered as")
	f.StringVar(&o.namespace, namespace, usual.Namespace, "`NAMESPACE` that Helm charts are rendered for")
	f.StringVar(&o.version, "kube-version", usual.KubeVersion, "`VERSION` of Kubernetes that Helm charts are rendered for")
}

var (
	kubeVersion = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^v?[0-9]+\.[0-9]+(\.[0-9]+)?([-+][0-9A-Za-z.+-]+)?$`)
	})
	releaseName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`) })
)

// maxValues bounds, in bytes, a file of values.
const maxValues = 4 << 20

// read gives the values that the flags name.
func (o *chartOptions) read() (v render.Values, err error) {
	if !o.flagged {
		return render.DefaultValues(), nil
	}
	if !kubeVersion().MatchString(o.version) {
		return v, usage("--kube-version %q: write it as 1.37 or v1.37.2", o.version)
	}
	if len(o.release) > 53 || !releaseName().MatchString(o.release) {
		return v, usage("--release %q: a release's name has small letters, digits, dashes and dots, 53 at most", o.release)
	}
	for _, s := range o.set {
		if key, _, ok := strings.Cut(s, "="); !ok || key == "" {
			return v, usage("--set %q: write KEY=VALUE, as in image.tag=1.4", s)
		}
	}
	v = render.Values{Set: o.set, Release: o.release, Namespace: o.namespace, KubeVersion: o.version}
	for _, path := range o.values {
		b, err := readFile(path, maxValues)
		if err != nil {
			return v, usage("--values: %v", err)
		}
		v.Files = append(v.Files, render.File{Path: path, Bytes: b})
	}
	return v, nil
}
