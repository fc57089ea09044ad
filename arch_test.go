package plimsoll

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/plimsoll/plimsoll/"

// floors are the folders of the house, from the world's words up to the person who asks. A package
// imports lower floors only, never a neighbour and never up. Folders of one room may import each other.
var floors = []struct {
	prefix string
	floor  int
}{
	{"finding", 0},
	{"internal/check", 1},
	{"internal/expr", 1},
	{"internal/ecosystem", 1},
	{"internal/shell", 1},
	{"internal/serving", 1},
	{"internal/sibling", 1},
	{"internal/tree", 1},
	{"internal/read/", 2},
	{"internal/judge/", 3},
	{"internal/weigh/", 4},
	{"internal/tell/", 5},
	{"internal/deck/", 6},
	{"internal/face/", 7},
	{"internal/cli", 8},
	{"cmd/", 8},
	{"deploy/image", 8},
}

// exceptions are imports that the floors forbid and that are right all the same.
var exceptions = map[[2]string]string{
	{"cmd/plimsoll", "internal/cli"}:                                 "main calls the command line, which is its own floor's library",
	{"internal/weigh/statute", "internal/weigh/policy"}:              "a cluster's objects are policies and exceptions among each other, and come into force together",
	{"internal/weigh/statute", "internal/weigh/exception"}:           "the same",
	{"internal/read/policyfile", "internal/read/kube"}:               "policies of Kubernetes' own are objects among others",
	{"internal/read/attestation/place", "internal/read/image"}:       "attestations lie beside images, in the same places",
	{"internal/read/attestation/place", "internal/read/image/layer"}: "the bounds of what is read are the same",
}

// heavy modules stand behind the packages that are named for them.
var heavy = map[string][]string{
	"github.com/google/go-containerregistry": {"internal/read/image/", "internal/tell/attest", "internal/read/attestation", "deploy/image"},
	"k8s.io/client-go":                       {"internal/read/kube", "internal/tell/certificate", "internal/tell/respond", "internal/face/operator", "internal/face/webhook"},
	"github.com/prometheus/client_golang":    {"internal/face/"},
	"github.com/google/cel-go":               {"internal/expr"},
	"k8s.io/apiserver":                       {"internal/expr"},
	"github.com/cilium/ebpf":                 {"internal/read/sensor"},
	"github.com/moby/buildkit":               {"internal/read/dockerfile"},
	"modernc.org/sqlite":                     {"internal/tell/store"},
	"github.com/jackc/pgx":                   {"internal/tell/store"},
	"github.com/VictoriaMetrics":             {"internal/tell/logbook"},
	"helm.sh/helm":                           {"internal/read/kube/chart"},
	"sigs.k8s.io/kustomize":                  {"internal/read/kube/kustomize"},
	"go.etcd.io/bbolt":                       {"internal/read/image/containerd"},
	"github.com/spf13/cobra":                 {"internal/cli"},
	"mvdan.cc/sh":                            {"internal/shell"},
	"github.com/google/osv-scalibr":          {"internal/ecosystem/"},
	"sigs.k8s.io/controller-runtime":         {"internal/face/operator"},
	"github.com/go-ldap/ldap":                {"internal/read/directory"},
	"github.com/go-jose/go-jose":             {"internal/face/directory"},
	"github.com/sigstore":                    {"internal/read/attestation/keyless", "internal/tell/attest/keyless"},
}

// TestFloors parses the imports itself: a test that runs go list is cached while the tree changes.
func TestFloors(t *testing.T) {
	eachFile(t, func(file, dir string, isTest bool, imports []string) {
		from, room, ok := floorOf(dir)
		if !ok {
			if dir != "." && !isTest {
				t.Errorf("%s: folder %s stands on no floor: add it to the table or move it", file, dir)
			}
			return
		}
		for _, imp := range imports {
			forbidHeavy(t, file, dir, imp, isTest)
			to, ours := strings.CutPrefix(imp, module)
			if !ours || isTest {
				continue
			}
			floor, itsRoom, ok := floorOf(to)
			if !ok {
				t.Errorf("%s imports %s, which stands on no floor", file, to)
				continue
			}
			if floor >= from && room != itsRoom && exceptions[[2]string{dir, to}] == "" {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", file, from, to, floor)
			}
		}
	})
}

func forbidHeavy(t *testing.T, file, dir, imp string, isTest bool) {
	for mod, allowed := range heavy {
		if isTest || imp != mod && !strings.HasPrefix(imp, mod+"/") {
			continue
		}
		ok := false
		for _, a := range allowed {
			ok = ok || dir == a || strings.HasPrefix(dir, strings.TrimSuffix(a, "/")+"/")
		}
		if !ok {
			t.Errorf("%s imports %s, which stands behind %s", file, imp, strings.Join(allowed, ", "))
		}
	}
}

// floorOf finds the floor of a folder, and its room: the folder right on the floor.
func floorOf(dir string) (floor int, room string, ok bool) {
	for _, f := range floors {
		if dir == f.prefix || strings.HasPrefix(dir, strings.TrimSuffix(f.prefix, "/")+"/") {
			room := f.prefix
			if strings.HasSuffix(f.prefix, "/") {
				first, _, _ := strings.Cut(strings.TrimPrefix(dir, f.prefix), "/")
				room += first
			}
			return f.floor, room, true
		}
	}
	return 0, "", false
}

// TestSigstoreStaysApart keeps Sigstore's library out of plimsoll: its start would cost every call more than
// plimsoll's own.
func TestSigstoreStaysApart(t *testing.T) {
	found := 0
	eachFile(t, func(file, dir string, isTest bool, imports []string) {
		for _, imp := range imports {
			if isTest || !strings.HasPrefix(imp, module) || !strings.HasSuffix(imp, "attest/keyless") && !strings.HasSuffix(imp, "attestation/keyless") {
				continue
			}
			if found++; dir != "cmd/plimsoll-sigstore" {
				t.Errorf("%s imports %s: ask the program plimsoll-sigstore", file, imp)
			}
		}
	})
	if found != 2 {
		t.Errorf("plimsoll-sigstore imports %d of the two packages", found)
	}
}

// TestControllerStaysApart keeps controller-runtime out of plimsoll, for the same reason.
func TestControllerStaysApart(t *testing.T) {
	eachFile(t, func(file, dir string, isTest bool, imports []string) {
		if slices.Contains(imports, module+"internal/face/operator") && dir != "cmd/plimsoll-controller" && !isTest {
			t.Errorf("%s imports the operator: it is a program of its own", file)
		}
	})
}

// TestRenderersStayApart keeps Helm's and Kustomize's libraries out of plimsoll, for the same reason.
func TestRenderersStayApart(t *testing.T) {
	found := 0
	eachFile(t, func(file, dir string, isTest bool, imports []string) {
		for _, imp := range imports {
			if isTest || !strings.HasPrefix(imp, module) || !strings.HasSuffix(imp, "read/kube/chart") && !strings.HasSuffix(imp, "read/kube/kustomize") {
				continue
			}
			if found++; dir != "cmd/plimsoll-render" {
				t.Errorf("%s imports %s: ask the program plimsoll-render", file, imp)
			}
		}
	})
	if found != 2 {
		t.Errorf("plimsoll-render imports %d of the two packages", found)
	}
}

// TestPackageComments wants exactly one package comment for each package.
func TestPackageComments(t *testing.T) {
	count := map[string]int{}
	each(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		count[path.Dir(file)] += 0
		if f.Doc != nil {
			count[path.Dir(file)]++
		}
	})
	for dir, n := range count {
		if n != 1 && dir != "." {
			t.Errorf("%s has %d package comments, want 1", dir, n)
		}
	}
}

var initFunc = regexp.MustCompile(`(?m)^func init\(\)`)

// TestNoInit keeps start-up free: nothing runs before main but what the standard library does.
func TestNoInit(t *testing.T) {
	each(t, func(file string) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if initFunc.Match(b) {
			t.Errorf("%s has an init function: use an explicit list or a call", file)
		}
	})
}

var compiledEarly = regexp.MustCompile("(?m)^(var |\t)[a-zA-Z]+ *= regexp\\.MustCompile")

// TestNothingIsCompiledEarly keeps regular expressions out of start-up: sync.OnceValue compiles one when it is asked.
func TestNothingIsCompiledEarly(t *testing.T) {
	each(t, func(file string) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := compiledEarly.Find(b); m != nil && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s: %q is compiled before main: use sync.OnceValue", file, m)
		}
	})
}

func each(t *testing.T, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		if d.IsDir() {
			if p == ".git" || p == "bench" || p == "tools" || p == "examples" || p == "testbed" || strings.HasSuffix(p, "/testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(p, ".go") {
			visit(p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func eachFile(t *testing.T, visit func(file, dir string, isTest bool, imports []string)) {
	each(t, func(file string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, spec := range f.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports = append(imports, p)
		}
		dir := path.Dir(file)
		isTest := strings.HasSuffix(file, "_test.go") || strings.HasSuffix(dir, "test")
		visit(file, dir, isTest, imports)
	})
}
