// Command image makes Plimsoll's own image: the static programs and nothing else, for a user who is not
// root. It needs no engine, and the same programs give the same bytes: times are those of SOURCE_DATE_EPOCH,
// owners and order are fixed.
//
//	go run ./deploy/image --to ./layout --name plimsoll:0.1.0 --platform linux/amd64 plimsoll plimsoll-sigstore plimsoll-render
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if err := run(os.Args[1:], os.Getenv("SOURCE_DATE_EPOCH"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(2)
	}
}

// user is nobody in particular: the number that other images without root have as well.
const user = 65532

func run(args []string, epoch string, out io.Writer) error {
	f := flag.NewFlagSet("image", flag.ContinueOnError)
	to := f.String("to", "", "folder of the OCI layout")
	name := f.String("name", "plimsoll:dev", "name and tag in the layout")
	platform := f.String("platform", "linux/amd64", "OS/ARCH of the programs")
	authorities := f.String("ca", "", "PEM file of the authorities that the image trusts; none: registries need --ca")
	revision := f.String("revision", "", "commit that the programs were built of")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *to == "" || f.NArg() == 0 {
		return errors.New("name the folder with --to, and the programs")
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if epoch != "" && err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds", epoch)
	}
	created := time.Unix(seconds, 0).UTC()
	layer, err := files(created, *authorities, f.Args())
	if err != nil {
		return err
	}
	img, err := build(layer, created, *platform, labels(*name, *revision))
	if err != nil {
		return err
	}
	p, err := layout.Write(*to, empty.Index)
	if err != nil {
		return err
	}
	_, tag, _ := strings.Cut(*name, ":")
	err = p.AppendImage(img, layout.WithAnnotations(map[string]string{"io.containerd.image.name": *name, "org.opencontainers.image.ref.name": tag}))
	if err != nil {
		return err
	}
	digest, err := img.Digest()
	if err == nil {
		_, err = fmt.Fprintln(out, digest)
	}
	return err
}

func labels(name, revision string) map[string]string {
	_, version, _ := strings.Cut(name, ":")
	all := map[string]string{
		"org.opencontainers.image.title": "plimsoll", "org.opencontainers.image.version": version,
		"org.opencontainers.image.source": "https://github.com/plimsoll/plimsoll", "org.opencontainers.image.licenses": "Apache-2.0",
	}
	if revision != "" {
		all["org.opencontainers.image.revision"] = revision
	}
	return all
}

// files is the one layer: the programs, the user's entry, and a folder for what must be spooled.
func files(created time.Time, authorities string, programs []string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, body []byte) error {
		h.Size, h.ModTime, h.Format = int64(len(body)), created, tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := w.Write(body)
		return err
	}
	passwd := fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nplimsoll:x:%d:%[1]d:plimsoll:/tmp:/sbin/nologin\n", user)
	errs := []error{
		add(tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil),
		add(tar.Header{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o644}, passwd),
		add(tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil),
		add(tar.Header{Name: "usr/", Typeflag: tar.TypeDir, Mode: 0o755}, nil),
		add(tar.Header{Name: "usr/bin/", Typeflag: tar.TypeDir, Mode: 0o755}, nil),
	}
	if authorities != "" {
		pem, err := os.ReadFile(authorities)
		for _, dir := range []string{"etc/ssl/", "etc/ssl/certs/"} {
			errs = append(errs, add(tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}, nil))
		}
		errs = append(errs, err, add(tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Typeflag: tar.TypeReg, Mode: 0o644}, pem))
	}
	slices.SortFunc(programs, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	for _, p := range programs {
		body, err := os.ReadFile(p)
		errs = append(errs, err, add(tar.Header{Name: "usr/bin/" + filepath.Base(p), Typeflag: tar.TypeReg, Mode: 0o755}, body))
	}
	errs = append(errs, w.Close())
	return b.Bytes(), errors.Join(errs...)
}

func build(layer []byte, created time.Time, platform string, labels map[string]string) (v1.Image, error) {
	system, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("--platform %q: write OS/ARCH", platform)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	packed, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:   packed,
		History: v1.History{CreatedBy: "plimsoll deploy/image", Created: v1.Time{Time: created}},
	})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = system, arch, v1.Time{Time: created}
	config.Config = v1.Config{
		User: fmt.Sprintf("%d:%[1]d", user), Entrypoint: []string{"/usr/bin/plimsoll"}, Cmd: []string{"--help"},
		Env: []string{"PATH=/usr/bin", "HOME=/tmp"}, WorkingDir: "/tmp", Labels: labels,
	}
	return mutate.ConfigFile(img, config)
}
