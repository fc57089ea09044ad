package cli

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"

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
}

func (o *chartOptions) flags(f *pflag.FlagSet) {
	usual := render.DefaultValues()
	f.Var(repeated(&o.values), "values", "`FILE` of values for Helm charts, on top of their own; may be repeated")
	f.Var(repeated(&o.set), "set", "`KEY=VALUE` for Helm charts, as helm's --set; may be repeated")
	f.StringVar(&o.release, "release", usual.Release, "`NAME` of the release that Helm charts are rendered as")
	f.StringVar(&o.namespace, "namespace", usual.Namespace, "`NAMESPACE` that Helm charts are rendered for")
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
	if o.version == "" && o.release == "" {
		return render.DefaultValues(), nil // a command without the flags
	}
	if !kubeVersion().MatchString(o.version) {
		return v, usage("--kube-version %q: write it as 1.37 or v1.37.2", o.version)
	}
	if len(o.release) > 53 || !releaseName().MatchString(o.release) {
		return v, usage("--release %q: a release's name has small letters, digits, dashes and dots, 53 at most", o.release)
	}
	v = render.Values{Set: o.set, Release: o.release, Namespace: o.namespace, KubeVersion: o.version}
	for _, path := range o.values {
		b, err := readValues(path)
		if err != nil {
			return v, usage("--values: %v", err)
		}
		v.Files = append(v.Files, render.File{Path: path, Bytes: b})
	}
	return v, nil
}

func readValues(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxValues+1))
	if err == nil && len(b) > maxValues {
		err = fmt.Errorf("%s has more than %d MiB", path, maxValues>>20)
	}
	return b, err
}
