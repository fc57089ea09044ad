// Package admissionfile reads the file that says what may run in a cluster, and what becomes of the rest. It is
// YAML, and read strictly: an unknown key is an error with its line.
//
//	failOn: high                # what a check finds from here up is denied; none: no check denies
//	warnOn: medium              # what it finds from here up, kubectl shows; none: nothing
//	podSecurity: baseline       # what this level of the Pod Security Standards forbids is denied
//	onFailure: fail             # when nobody can be asked: fail or ignore
//	connect: audit              # exec, attach and port-forward: deny, warn, audit or off
//	noNetworkPolicy: deny       # pods that no NetworkPolicy of their namespace holds: deny, warn, audit or off
//	default: deny               # an image that is not listed below is denied
//	allow:
//	- {images: ["registry.example/shop/**"], namespaces: ["shop-*"]}
//	images:                     # what must be signed, by whom: see ImageRule
//	- {match: ["registry.example/shop/**"], verdict: {keys: [attest.pub], maxAge: 7d}}
//	change: on                  # pods that say nothing of it are given secure defaults: see Change
//	policies:                   # what policies deny and warn, at most so far
//	  no-latest: {mode: warn}
//	  signed: {onFailure: ignore}
//	namespaces:                 # the first that names a namespace counts
//	- {names: ["dev-*"], mode: warn}
//	- {names: [pay], podSecurity: restricted, failOn: medium}
//	exempt: [monitoring]        # never asked about; kube-system never is
//	follow: true                # Policies, Exceptions and ClusterExceptions of the cluster count, too
//
// Nothing is decided here; deck/admit does.
package admissionfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/finding"
)

// Bounds of a file.
const (
	maxBytes = 1 << 20
	maxList  = 1_000 // entries of one list
)

// File is what one file says. Where it says nothing, New's answer holds.
type File struct {
	FailOn      *Severity         `yaml:"failOn"`
	WarnOn      *Severity         `yaml:"warnOn"`
	PodSecurity *Level            `yaml:"podSecurity"`
	OnFailure   OnFailure         `yaml:"onFailure"`
	Connect     *Mode             `yaml:"connect"`
	NoNetwork   *Mode             `yaml:"noNetworkPolicy"`
	Default     Default           `yaml:"default"`
	Allow       []Allow           `yaml:"allow"`
	Images      []ImageRule       `yaml:"images"`
	Change      *Change           `yaml:"change"`
	Policies    map[string]Policy `yaml:"policies"`
	Namespaces  []Namespace       `yaml:"namespaces"`
	Exempt      []Glob            `yaml:"exempt"`
	Follow      bool              `yaml:"follow"`

	Name   string `yaml:"-"`
	Digest string `yaml:"-"` // sha256:HEX of its bytes
}

// Allow lists images that may run in some namespaces; in all where it names none.
type Allow struct {
	Images     []Image `yaml:"images"`
	Namespaces []Glob  `yaml:"namespaces"`
}

// Policy says how far a policy may go, and what happens when it cannot be asked.
type Policy struct {
	Mode      *Mode     `yaml:"mode"`
	OnFailure OnFailure `yaml:"onFailure"`
}

// Namespace says what holds in some namespaces; what it leaves open is as for all. Mode is how far anything goes there.
type Namespace struct {
	Names       []Glob    `yaml:"names"`
	Mode        *Mode     `yaml:"mode"`
	FailOn      *Severity `yaml:"failOn"`
	WarnOn      *Severity `yaml:"warnOn"`
	PodSecurity *Level    `yaml:"podSecurity"`
	Connect     *Mode     `yaml:"connect"`
	NoNetwork   *Mode     `yaml:"noNetworkPolicy"`
	Change      *Change   `yaml:"change"`
}

// Mode is what becomes of what is found.
type Mode int

// The modes, mildest first.
const (
	Off Mode = iota
	Audit
	Warn
	Deny
)

var modes = []string{"off", "audit", "warn", "deny"}

func (m Mode) String() string { return modes[m] }

// UnmarshalYAML reads the word of a mode.
func (m *Mode) UnmarshalYAML(n *yaml.Node) error {
	at := slices.Index(modes, n.Value)
	if at < 0 || n.Kind != yaml.ScalarNode {
		return wrong(n, "no mode: use deny, warn, audit or off")
	}
	*m = Mode(at)
	return nil
}

// Severity is a severity, or empty for none at all.
type Severity finding.Severity

// UnmarshalYAML reads critical, high, medium, low, info or none.
func (s *Severity) UnmarshalYAML(n *yaml.Node) error {
	switch at := finding.Severity(n.Value); {
	case n.Kind == yaml.ScalarNode && n.Value == "none":
		*s = ""
	case n.Kind == yaml.ScalarNode && at != finding.Unknown && slices.Contains(finding.Severities(), at):
		*s = Severity(at)
	default:
		return wrong(n, "no severity: use critical, high, medium, low, info or none")
	}
	return nil
}

// Level is a level of the Pod Security Standards, as in restricted or baseline:v1.34; without a version it is the newest.
type Level struct{ Name, Version string }

var levelForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(privileged|baseline|restricted)(?::(latest|v?1\.[0-9]{1,3}))?$`)
})

// UnmarshalYAML reads LEVEL or LEVEL:VERSION.
func (l *Level) UnmarshalYAML(n *yaml.Node) error {
	m := levelForm().FindStringSubmatch(n.Value)
	if m == nil || n.Kind != yaml.ScalarNode {
		return wrong(n, "no level: use privileged, baseline or restricted, and a version where it is not to move, as in baseline:v1.34")
	}
	l.Name, l.Version = m[1], m[2]
	if strings.HasPrefix(l.Version, "1") {
		l.Version = "v" + l.Version // as the namespaces' labels have it
	}
	return nil
}

// OnFailure is fail or ignore: what happens to an object when nobody can be asked about it.
type OnFailure string

// UnmarshalYAML reads fail or ignore.
func (o *OnFailure) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.Value != "fail" && n.Value != "ignore" {
		return wrong(n, "neither fail nor ignore")
	}
	*o = OnFailure(n.Value)
	return nil
}

// Default is allow or deny: what happens to an image that no list names.
type Default string

// UnmarshalYAML reads allow or deny.
func (d *Default) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.Value != "allow" && n.Value != "deny" {
		return wrong(n, "neither allow nor deny")
	}
	*d = Default(n.Value)
	return nil
}

// Glob is a pattern of a namespace's name: * is any number of letters, ? one.
type Glob string

var globForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9*?-]{1,63}$`) })

// UnmarshalYAML reads a pattern.
func (g *Glob) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || !globForm().MatchString(n.Value) {
		return wrong(n, "no name of a namespace, in which * and ? may stand for others")
	}
	*g = Glob(n.Value)
	return nil
}

// Match says whether a namespace has such a name.
func (g Glob) Match(namespace string) bool {
	ok, _ := path.Match(string(g), namespace)
	return ok
}

// AnyMatch says whether one of the patterns means the namespace.
func AnyMatch(all []Glob, namespace string) bool {
	return slices.ContainsFunc(all, func(g Glob) bool { return g.Match(namespace) })
}

// Regexp is the pattern as a regular expression (RE2) for the whole name.
func (g Glob) Regexp() string {
	return "^" + strings.NewReplacer("*", "[a-z0-9-]*", "?", "[a-z0-9-]").Replace(string(g)) + "$"
}

// Image is a pattern of a repository with its registry, or REPOSITORY@DIGEST. * stays within a part of the path,
// /** at its end is all below.
type Image string

// UnmarshalYAML reads a pattern.
func (i *Image) UnmarshalYAML(n *yaml.Node) error {
	name, digest, pinned := strings.Cut(n.Value, "@")
	_, err := path.Match(name, "")
	host, below, ok := strings.Cut(name, "/")
	switch {
	case n.Kind != yaml.ScalarNode || name == "" || err != nil || strings.Contains(strings.TrimSuffix(name, "/**"), "**"):
		return wrong(n, "no pattern of images, as in registry.example/shop/*")
	case !ok || !strings.ContainsAny(host, ".:") && host != "localhost":
		return wrong(n, "no pattern with a registry: write docker.io/library/%s for what docker calls %[1]s", name)
	case strings.ContainsAny(host, "*?["):
		return wrong(n, "no one registry: name it, anybody can have one that is like it")
	case strings.Contains(below, ":"):
		return wrong(n, "no pattern: it has a tag, and what a tag names changes: write the repository alone, or REPOSITORY@DIGEST")
	case pinned && !strings.HasPrefix(digest, "sha256:"):
		return wrong(n, "no digest behind the @: it begins with sha256:")
	}
	*i = Image(n.Value)
	return nil
}

// Match says whether the pattern means an image, of which it gets the full repository and the digest, if that is named.
func (i Image) Match(repository, digest string) bool {
	pattern, pinned, ok := strings.Cut(string(i), "@")
	if ok && pinned != digest {
		return false
	}
	if above, all := strings.CutSuffix(pattern, "/**"); all {
		for len(repository) > len(above) { // the part above may hold a *, too
			cut := strings.LastIndexByte(repository, '/')
			if cut < 0 {
				return false
			}
			repository = repository[:cut]
			if ok, _ := path.Match(above, repository); ok {
				return true
			}
		}
		return false
	}
	matches, _ := path.Match(pattern, repository)
	return matches
}

func wrong(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %.100q is %s", n.Line, n.Value, fmt.Sprintf(format, args...))
}

// Read reads the file of that name.
func Read(name string) (*File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return Parse(filepath.ToSlash(name), b)
}

// Parse reads the bytes of a file. Errors begin with its name, and name the line.
func Parse(name string, b []byte) (*File, error) {
	if len(b) > maxBytes {
		return nil, fmt.Errorf("%s has more than %d bytes, which nobody wrote", name, maxBytes)
	}
	sum := sha256.Sum256(b)
	f := &File{Name: name, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, plain(err))
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: it holds a second document, of which nothing would hold: put all into one", name)
	}
	return f, f.check()
}

// plain is an error of the library in the words of the file's writer.
func plain(err error) string {
	text := err.Error()
	var all *yaml.TypeError
	if errors.As(err, &all) {
		text = strings.Join(all.Errors, "; ")
	}
	text = strings.TrimPrefix(text, "yaml: ")
	return typeName().ReplaceAllString(text, "not known here")
}

var typeName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`not found in type [A-Za-z.]+`) })

func (f *File) check() error {
	for _, n := range f.Namespaces {
		if len(n.Names) == 0 {
			return fmt.Errorf("%s: an entry of namespaces has no names: list them, or put what it says at the top", f.Name)
		}
		if n.Change != nil && n.Change.OnFailure != "" {
			return fmt.Errorf("%s: onFailure of change stands at the top alone: one webhook changes pods everywhere", f.Name)
		}
	}
	for _, a := range f.Allow {
		if len(a.Images) == 0 {
			return fmt.Errorf("%s: an entry of allow has no images", f.Name)
		}
		if len(a.Images) > maxList {
			return fmt.Errorf("%s: an entry of allow lists more than %d images", f.Name, maxList)
		}
	}
	if len(f.Allow) > 0 && f.Default != "deny" {
		return fmt.Errorf("%s: allow lists images, and everything is allowed: write default: deny", f.Name)
	}
	if max(len(f.Allow), len(f.Namespaces), len(f.Exempt), len(f.Policies), len(f.Images)) > maxList {
		return fmt.Errorf("%s: a list has more than %d entries", f.Name, maxList)
	}
	return f.checkImages()
}
