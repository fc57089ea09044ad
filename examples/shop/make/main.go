// Command make builds shop.tar, the image of the example, from public packages: Debian's, npm's and
// Go's. Run it at the root of the repository, on Debian 12 with npm; it leaves nothing else behind.
package main

import (
	"archive/tar"
	"crypto/sha256"
	"hash/crc32"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

const shop = "examples/shop"

// debs are small, and enough for a system that says what it is.
var debs = []string{"base-files", "less", "libexpat1", "netbase", "zlib1g"}

func main() {
	work, err := os.MkdirTemp("", "shop-")
	check(err)
	defer os.RemoveAll(work)
	img := imagetest.Image{
		Name: "shop/cart:1.4", Platform: "linux/amd64",
		Config: map[string]any{
			"Env": []string{"PATH=/usr/local/bin:/usr/bin:/bin", "API_TOKEN=not-a-real-token"}, "Cmd": []string{"/bin/sh", "-c", "cart"},
			"ExposedPorts": map[string]any{"22/tcp": map[string]any{}, "8080/tcp": map[string]any{}},
		},
		Layers: []imagetest.Layer{
			{Files: debian(filepath.Join(work, "debian")), CreatedBy: "RUN apt-get update && apt-get install -y less libexpat1 zlib1g", Compression: imagetest.Gzip},
			{Files: program(filepath.Join(work, "cart")), CreatedBy: "COPY --chmod=4755 --from=build /cart /usr/local/bin/cart", Compression: imagetest.Gzip},
			{Files: front(filepath.Join(work, "front")), CreatedBy: "ADD . /app", Compression: imagetest.Gzip},
			{Files: []imagetest.File{{Path: "app/.wh.deploy.env"}, {Path: "app/.wh.k8s"}, {Path: "app/.wh.test"}}, CreatedBy: "RUN rm -rf /app/deploy.env /app/k8s /app/test", Compression: imagetest.Gzip},
		},
	}
	check(os.WriteFile(filepath.Join(shop, "shop.tar"), imagetest.New(img).DockerTar(), 0o644))
}

// debian unpacks packages, and writes the database that dpkg would have written.
func debian(dir string) []imagetest.File {
	root := filepath.Join(dir, "root")
	info := filepath.Join(root, "var/lib/dpkg/info")
	check(os.MkdirAll(info, 0o755))
	var status strings.Builder
	for _, name := range debs {
		run(dir, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name)
		found, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
		check(err)
		deb := found[0]
		run(dir, "dpkg-deb", "-x", deb, root)
		control := output(dir, "dpkg-deb", "-f", deb)
		first, rest, _ := strings.Cut(control, "\n")
		status.WriteString(first + "\nStatus: install ok installed\n" + rest + "\n")
		list := "/.\n"
		for _, line := range strings.Split(strings.TrimSpace(output(dir, "dpkg-deb", "--fsys-tarfile", deb, "|", "tar", "-t")), "\n") {
			list += strings.TrimSuffix(strings.TrimPrefix(line, "."), "/") + "\n"
		}
		if strings.Contains(control, "Multi-Arch: same") {
			name += ":amd64"
		}
		check(os.WriteFile(filepath.Join(info, name+".list"), []byte(list), 0o644))
	}
	check(os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), []byte(status.String()), 0o644))
	for _, useless := range []string{"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/lintian"} {
		check(os.RemoveAll(filepath.Join(root, useless)))
	}
	return files(root, "")
}

// program builds the cart, stripped.
func program(dir string) []imagetest.File {
	check(os.MkdirAll(filepath.Join(dir, "usr/local/bin"), 0o755))
	out := filepath.Join(dir, "usr/local/bin/cart")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir, cmd.Stderr = filepath.Join(shop, "cart"), os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	check(cmd.Run())
	check(os.Chmod(out, 0o755|fs.ModeSetuid)) // what the image is to be blamed for
	return files(dir, "")
}

// token looks like one of GitHub's, its checksum holds, and it is nobody's.
func token() string {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte("the token of the example shop"))
	var t []byte
	for _, b := range sum[:30] {
		t = append(t, base62[int(b)%62])
	}
	check6 := []byte("000000")
	for i, n := 5, crc32.ChecksumIEEE(t); n > 0; i, n = i-1, n/62 {
		check6[i] = base62[n%62]
	}
	return "ghp_" + string(append(t, check6...))
}

// front installs the front end's packages, with what should have stayed out of an image: what somebody typed, and a
// test, manifests and a token that a later layer removes.
func front(dir string) []imagetest.File {
	check(os.MkdirAll(filepath.Join(dir, "test/node_modules/old"), 0o755))
	for _, f := range []string{"package.json", "package-lock.json", "requirements.txt", "Dockerfile"} {
		copyFile(filepath.Join(shop, f), filepath.Join(dir, f))
	}
	run(dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
	check(os.WriteFile(filepath.Join(dir, "test/node_modules/old/package.json"), []byte("{\"name\": \"lodash\", \"version\": \"1.0.0\"}\n"), 0o644))
	check(os.WriteFile(filepath.Join(dir, "deploy.env"), []byte("GITHUB_TOKEN="+token()+"\n"), 0o600))
	check(os.WriteFile(filepath.Join(dir, ".bash_history"), []byte("npm ci\nnode app.js\n"), 0o600))
	check(os.MkdirAll(filepath.Join(dir, "k8s"), 0o755))
	copyFile(filepath.Join(shop, "k8s/deployment.yaml"), filepath.Join(dir, "k8s/deployment.yaml"))
	return files(dir, "app/")
}

// files lists a tree in the order of names.
func files(root, prefix string) []imagetest.File {
	var all []imagetest.File
	check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		rel, err := filepath.Rel(root, p)
		check(err)
		info, err := d.Info()
		check(err)
		f := imagetest.File{Path: prefix + filepath.ToSlash(rel), Mode: mode(info.Mode())}
		switch {
		case d.IsDir():
			f.Type = tar.TypeDir
		case d.Type()&fs.ModeSymlink != 0:
			f.Type = tar.TypeSymlink
			f.Link, err = os.Readlink(p)
		default:
			var b []byte
			b, err = os.ReadFile(p)
			f.Body = string(b)
		}
		all = append(all, f)
		return err
	}))
	sort.Slice(all, func(i, j int) bool { return all[i].Path < all[j].Path })
	return all
}

// mode is a file's, as tars hold it.
func mode(m fs.FileMode) int64 {
	bits := int64(m.Perm())
	for bit, of := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&of != 0 {
			bits |= bit
		}
	}
	return bits
}

func copyFile(from, to string) {
	b, err := os.ReadFile(from)
	check(err)
	check(os.WriteFile(to, b, 0o644))
}

func run(dir string, words ...string) { output(dir, words...) }

// output runs a command line of this program's own, with pipes.
func output(dir string, words ...string) string {
	cmd := exec.Command("sh", "-c", strings.Join(words, " "))
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	b, err := cmd.Output()
	check(err)
	return string(b)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
