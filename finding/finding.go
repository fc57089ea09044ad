// Package finding holds the words of Plimsoll: the report and everything that stands in it.
//
// A report says which targets were looked at, which packages they hold, what was found and what
// could not be judged. Readers fill it, judges add findings, the gate adds the verdict, and every
// format, store and page is made from it. The JSON form of [Report] is a public contract; its
// schema is docs/schema/report-v1.schema.json, and fields that are absent or unknown are left out.
//
// The package uses the standard library alone and knows nothing of where findings come from.
package finding

import "time"

//go:generate go test . -run TestSchema -update

// Schema names the version of the JSON report.
const Schema = "plimsoll/report/v1"

// Report is all that one run says.
type Report struct {
	Schema   string    `json:"schema"`
	Tool     Tool      `json:"tool"`
	Targets  []Target  `json:"targets"`
	Packages []Package `json:"packages,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Checks   []Check   `json:"checks,omitempty"`
	Groups   []Group   `json:"groups,omitempty"`
	Coverage []Gap     `json:"coverage,omitempty"`
	Verdict  Verdict   `json:"verdict,omitzero"` // absent from an inventory, which nobody judged

	Engines       []Engine       `json:"engines,omitempty"` // those whose reports were read as second opinions
	Disagreements []Disagreement `json:"disagreements,omitempty"`
}

// Judged says whether the report was held against advisories and given a verdict. One that was not is an
// inventory: that it has no findings says nothing of its packages.
func (r *Report) Judged() bool { return r.Verdict.Action != "" }

// Tool says what made the report: the program, its advisories and the policies in force.
type Tool struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Database *Database `json:"database,omitempty"`
	Policies []Policy  `json:"policies,omitempty"`
	Files    []File    `json:"files,omitempty"`
	Checks   []string  `json:"checks,omitempty"` // the families of checks that ran, where not all did
	Hidden   int       `json:"hidden,omitempty"` // findings that the filters of the call left out
}

// Database says which advisories were consulted: when they were put together, and, where the feeds tell,
// AsOf, the newest change in any of them.
type Database struct {
	Built    time.Time `json:"built"`
	AsOf     time.Time `json:"asOf,omitzero"`
	Digest   string    `json:"digest"`
	Embedded bool      `json:"embedded,omitempty"`
	Sources  []Source  `json:"sources,omitempty"`
}

// Source is one feed of the database. Complete says that a package without a record in it is known
// to have none; a feed that is not complete says in Note what it lacks.
type Source struct {
	Name     string    `json:"name"`
	Modified time.Time `json:"modified,omitzero"`
	Records  int       `json:"records,omitempty"`
	Complete bool      `json:"complete"`
	Note     string    `json:"note,omitempty"`
}

// Policy names a user's policy by what it says, not only by its name.
type Policy struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// File is a file beside the policies that had a part in the verdict: exceptions, statements of a VEX document,
// a baseline. Note says what came of it where that is not what one would expect.
type File struct {
	Kind   string `json:"kind"` // exceptions, trivyignore, hadolint, grype, openvex, csaf, cyclonedx, baseline
	Name   string `json:"name"`
	Digest string `json:"digest"`
	Note   string `json:"note,omitempty"`
}

// Target is one thing that was looked at: an image for one platform, a folder, an SBOM.
type Target struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Origin      string   `json:"origin,omitempty"` // what the word was taken for: archive, oci, docker, registry …
	Digest      string   `json:"digest,omitempty"`
	IndexDigest string   `json:"indexDigest,omitempty"`
	Platform    string   `json:"platform,omitempty"`
	Stage       string   `json:"stage,omitempty"` // of a Dockerfile: the one that is built, where it was asked for by name
	OS          *OS      `json:"os,omitempty"`
	Base        *Base    `json:"base,omitempty"`
	Size        int64    `json:"size,omitempty"` // bytes, uncompressed where known
	Verified    bool     `json:"verified"`       // every byte was read and its digest held
	Layers      []Layer  `json:"layers,omitempty"`
	Surface     *Surface `json:"surface,omitempty"`
	Asked       []Asked  `json:"asked,omitempty"`   // all that a probe did there
	UID         string   `json:"uid,omitempty"`     // of a cluster: that of its namespace kube-system, by which it is known
	Network     *Network `json:"network,omitempty"` // as a probe found it, or as one that the call named did
	Verdict     Action   `json:"verdict,omitempty"`
}

// Asked is one question that a probe put to a port, and what came of it. As says who asked: nobody, who has no
// credentials; stranger, with a client certificate that nobody signed; account, with a service account's token; asker, a
// pod of the probe's own.
type Asked struct {
	At      string `json:"at"` // ADDRESS:PORT
	Service string `json:"service"`
	As      string `json:"as"`
	What    string `json:"what"`
	Answer  string `json:"answer"`
}

// Network says whether a cluster's network does what policies say, as two pods found out that tried it.
type Network struct {
	Probed      time.Time     `json:"probed"`        // when the last of it was tried
	UID         string        `json:"uid,omitempty"` // of the cluster's namespace kube-system; empty: it is not known
	Enforcement []Enforcement `json:"enforcement"`
}

// Enforcement is what came of one kind of policy in one direction, between pods of which one is the other's neighbour or
// not, by addresses of one family and one protocol.
type Enforcement struct {
	Policy    string `json:"policy"`    // NetworkPolicy, ClusterNetworkPolicy
	Direction string `json:"direction"` // ingress, egress
	Family    string `json:"family"`    // IPv4, IPv6
	Protocol  string `json:"protocol"`  // TCP, UDP
	Placement string `json:"placement"` // same-node, other-node
	Result    string `json:"result"`    // enforced, inert, inconclusive
	Why       string `json:"why,omitempty"`
}

// The results of an enforcement.
const (
	Enforced     = "enforced"
	Inert        = "inert"
	Inconclusive = "inconclusive"
)

// OS is the distribution as the image itself names it.
type OS struct {
	ID        string `json:"id"`
	Version   string `json:"version,omitempty"`
	Codename  string `json:"codename,omitempty"`
	EndOfLife string `json:"endOfLife,omitempty"` // date, YYYY-MM-DD
	Ended     bool   `json:"ended,omitempty"`     // EndOfLife lies before the day of the scan
}

// Base is the image that a target was built on. By says how it is known: annotation, provenance,
// flag or layers. Newer is the known base that would clear most findings.
type Base struct {
	Name   string     `json:"name,omitempty"`
	Digest string     `json:"digest,omitempty"`
	By     string     `json:"by,omitempty"`
	Layers int        `json:"layers,omitempty"`
	Newer  *NewerBase `json:"newer,omitempty"`
}

// NewerBase is a known base that clears findings of the one in use.
type NewerBase struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	Clears int    `json:"clears"`
	Adds   int    `json:"adds"`
}

// Layer is one layer of an image, counted from 0 at the bottom.
type Layer struct {
	Index     int    `json:"index"`
	Digest    string `json:"digest,omitempty"` // of the blob as it is stored
	DiffID    string `json:"diffID,omitempty"` // of the uncompressed tar
	Size      int64  `json:"size,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
	Base      bool   `json:"base,omitempty"`
	Verified  bool   `json:"verified,omitempty"`
	Cached    bool   `json:"-"`
}

// Surface counts what an attacker finds to work with.
type Surface struct {
	Packages        int   `json:"packages"`
	Executables     int   `json:"executables"`
	Shells          int   `json:"shells"`
	Interpreters    int   `json:"interpreters"`
	PackageManagers int   `json:"packageManagers"`
	SUID            int   `json:"suid"`
	Ports           []int `json:"ports,omitempty"`
}

// Package is one installed or declared package of a target. A package that stands in several places
// is one Package with several locations.
type Package struct {
	ID         string         `json:"id"`
	Target     string         `json:"target"`
	PURL       string         `json:"purl"`
	Type       string         `json:"type"` // the purl type: deb, apk, rpm, golang, npm …
	Namespace  string         `json:"namespace,omitempty"`
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Arch       string         `json:"arch,omitempty"`
	Source     *SourcePackage `json:"source,omitempty"`
	Module     string         `json:"module,omitempty"` // rpm module stream, NAME:STREAM
	Vendor     string         `json:"vendor,omitempty"`
	Maintainer string         `json:"maintainer,omitempty"`
	Locations  []Location     `json:"locations,omitempty"`
	Licenses   []string       `json:"licenses,omitempty"`
	Digests    []string       `json:"digests,omitempty"` // ALGORITHM:HEX of the package's archive, when it is there to hash
	OwnedBy    string         `json:"ownedBy,omitempty"` // id of the OS package whose file this is
	DependsOn  []string       `json:"dependsOn,omitempty"`
	Declared   bool           `json:"declared,omitempty"`  // named by a lock file, not seen installed
	Dev        bool           `json:"dev,omitempty"`       // declared for development only
	Data       bool           `json:"data,omitempty"`      // headers or data only: no code that could run
	Heuristic  bool           `json:"heuristic,omitempty"` // known by a version string or a file name, not by metadata
	Main       bool           `json:"main,omitempty"`      // the program or project itself and not one of its dependencies
	Base       bool           `json:"base,omitempty"`      // came with the base image
}

// SourcePackage is what a distribution built a binary package from; its advisories speak of it.
type SourcePackage struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Location is a place in a target. Path is relative to its root, with slashes; Inner is the path
// inside an archive, nested archives parted by "!/".
type Location struct {
	Path        string `json:"path,omitempty"`
	Inner       string `json:"inner,omitempty"`
	Layer       *int   `json:"layer,omitempty"`
	StartLine   int    `json:"startLine,omitempty"`
	EndLine     int    `json:"endLine,omitempty"`
	Column      int    `json:"column,omitempty"`
	Deleted     bool   `json:"deleted,omitempty"`
	RemovedBy   *int   `json:"removedBy,omitempty"` // the layer that removes or replaces it, where Deleted
	Instruction string `json:"instruction,omitempty"`
}

// Finding is one thing that is wrong with one target.
type Finding struct {
	Fingerprint  string        `json:"fingerprint"`
	Deck         string        `json:"deck"`
	Kind         Kind          `json:"kind"`
	Rule         string        `json:"rule"`
	Aliases      []string      `json:"aliases,omitempty"`
	Controls     []string      `json:"controls,omitempty"`
	Severity     Severity      `json:"severity"`
	SeverityFrom string        `json:"severityFrom,omitempty"`
	Ratings      []Rating      `json:"ratings,omitempty"`
	Title        string        `json:"title"`
	Target       string        `json:"target,omitempty"`
	Package      string        `json:"package,omitempty"`
	Status       Status        `json:"status,omitempty"`
	Fixed        string        `json:"fixed,omitempty"`
	Published    string        `json:"published,omitempty"` // date, YYYY-MM-DD
	Since        Since         `json:"since,omitempty"`     // as against a baseline, where one was given
	Owner        string        `json:"owner,omitempty"`     // who is to mend it, as the owners of an exceptions file say
	Subject      *Subject      `json:"subject,omitempty"`
	Locations    []Location    `json:"locations,omitempty"`
	Risk         *Risk         `json:"risk,omitempty"`
	Evidence     string        `json:"evidence,omitempty"`
	Fix          string        `json:"fix,omitempty"`
	References   []string      `json:"references,omitempty"`
	Seen         *Seen         `json:"seen,omitempty"`
	Path         []Step        `json:"path,omitempty"`
	Opinions     []Opinion     `json:"opinions,omitempty"`
	Suppressed   []Suppression `json:"suppressed,omitempty"`
	Action       Action        `json:"action,omitempty"` // what the policy that found it wants: deny or warn
}

// Rating is one source's opinion of a vulnerability. Score is CVSS, 0 to 10.
type Rating struct {
	Source   string   `json:"source"`
	Severity Severity `json:"severity"`
	Vector   string   `json:"vector,omitempty"`
	Score    float64  `json:"score,omitempty"`
}

// Subject is the object of a cluster, or the configuration, that a finding speaks of. Image is that of the
// container, as it is written there: it says which exceptions hold, and does not name the finding.
type Subject struct {
	Cluster    string `json:"cluster,omitempty"`
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	Container  string `json:"container,omitempty"`
	Image      string `json:"image,omitempty"`
	Field      string `json:"field,omitempty"`
}

// Risk is what is known beyond severity. EPSS is a probability (0 to 1), KEV says that CISA knows of
// exploitation. Because names, in words, what the score stands on.
type Risk struct {
	Score          int      `json:"score"`
	EPSS           float64  `json:"epss,omitempty"`
	EPSSPercentile float64  `json:"epssPercentile,omitempty"`
	KEV            bool     `json:"kev"`
	InUse          string   `json:"inUse,omitempty"`
	Exposed        string   `json:"exposed,omitempty"`
	Because        []string `json:"because,omitempty"`
	// Way is why it is exposed, or is not, in the words of Because.
	Way string `json:"-"`
}

// Seen says when and how often a finding was seen.
type Seen struct {
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
	Count  int       `json:"count,omitempty"`
	Events []string  `json:"events,omitempty"`
}

// Step is one edge of an attack path.
type Step struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Edge  string `json:"edge"`
	Proof string `json:"proof,omitempty"`
}

// Suppression says who let a finding pass, and why: By is exception, vex, pragma (a comment in the source) or
// plimsoll itself.
type Suppression struct {
	By     string `json:"by"`
	Where  string `json:"where,omitempty"` // FILE:LINE that says so
	Reason string `json:"reason,omitempty"`
	Owner  string `json:"owner,omitempty"`
	Ticket string `json:"ticket,omitempty"`
	Until  string `json:"until,omitempty"`
	VEX    *VEX   `json:"vex,omitempty"`
}

// VEX is a statement that a vulnerability does or does not matter for a product.
type VEX struct {
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}

// Check counts what one check looked at in one target.
type Check struct {
	Rule          string `json:"rule"`
	Target        string `json:"target,omitempty"`
	Evaluated     int    `json:"evaluated"`
	Failed        int    `json:"failed"`
	NotApplicable int    `json:"notApplicable"`
	NotAssessed   int    `json:"notAssessed"`
	Manual        bool   `json:"manual"`
}

// Group gathers the findings that one deed clears.
type Group struct {
	Title        string   `json:"title"`
	Target       string   `json:"target,omitempty"`
	Package      string   `json:"package,omitempty"`
	Base         bool     `json:"base,omitempty"`
	Severity     Severity `json:"severity"`
	Fingerprints []string `json:"fingerprints"`
}

// Gap is something that was not assessed. A blocking gap keeps the gate from passing; Allowed marks
// one that the user accepted by its class.
type Gap struct {
	Class    string `json:"class"`
	Blocking bool   `json:"blocking"`
	Allowed  bool   `json:"allowed,omitempty"`
	Target   string `json:"target,omitempty"`
	What     string `json:"what"`
	Path     string `json:"path,omitempty"`
	Layer    *int   `json:"layer,omitempty"`
	Count    int    `json:"count"`
}

// Verdict is what a build obeys.
type Verdict struct {
	Action  Action   `json:"action"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// Reason is one ground of a verdict.
type Reason struct {
	Policy       string   `json:"policy,omitempty"`
	Message      string   `json:"message"`
	Fingerprints []string `json:"fingerprints,omitempty"`
}
