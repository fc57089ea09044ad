package policy

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
)

// Facts are what policies may ask of one target beyond the report. What is nil is not known, and an expression
// that asks for it fails: a policy that cannot be decided denies.
type Facts struct {
	Config     *Config
	Builds     []*Build // the images that Dockerfiles make, which policies on configurations look at one by one
	Files      *[]File
	Signatures *[]Signature
	Unverified error // why Signatures are not known, where somebody asked for them
	Objects    []Object
}

// Object is one of Kubernetes', and what is known around it. Fields and the like are in the form that
// encoding/json decodes into, with int64 for whole numbers.
type Object struct {
	Fields     map[string]any
	Namespace  map[string]any // the object that is its namespace; nil: there is none
	Pods       []any          // the pods that it makes, each with metadata and spec
	Containers []Container
	Images     []Container // volumes that are images
	Subject    finding.Subject
	At         []finding.Location
	// NoNamespace says why nobody knows the namespace, where somebody should.
	NoNamespace error
}

func (o *Object) kind() schema.GroupKind {
	return schema.FromAPIVersionAndKind(o.Subject.APIVersion, o.Subject.Kind).GroupKind()
}

// Container is one of a pod.
type Container struct {
	Name   string
	Image  string
	Sort   string // container, init or ephemeral; volume of one that is an image
	Fields map[string]any
}

// Config is what an image's configuration says, or would say when it is built from a Dockerfile.
type Config struct {
	User        string            `json:"user,omitempty"`
	Env         map[string]string `json:"env,omitempty"`
	Entrypoint  []string          `json:"entrypoint,omitempty"`
	Cmd         []string          `json:"cmd,omitempty"`
	WorkingDir  string            `json:"workingDir,omitempty"`
	Shell       []string          `json:"shell,omitempty"`
	Ports       []string          `json:"ports,omitempty"` // PORT/PROTOCOL
	Volumes     []string          `json:"volumes,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	StopSignal  string            `json:"stopSignal,omitempty"`
	Healthcheck []string          `json:"healthcheck,omitempty"`
	OnBuild     []string          `json:"onBuild,omitempty"`
	Author      string            `json:"author,omitempty"`
	Created     time.Time         `json:"created,omitzero"`
	History     []Step            `json:"history,omitempty"`
}

// Build is the configuration of the image that a Dockerfile makes, as far as the file alone tells.
type Build struct {
	Config
	At []finding.Location
	// Unknown says of what else, by the fields' names, why it is not known.
	Unknown map[string]string
}

// Step is one step of the build, as the image tells it.
type Step struct {
	CreatedBy string    `json:"createdBy,omitempty"`
	Comment   string    `json:"comment,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Empty     bool      `json:"empty,omitempty"` // it made no layer
}

// File is a file of the image that stands out.
type File struct {
	Path          string   `json:"path"`
	Mode          int      `json:"mode,omitempty"` // permission bits, and 04000, 02000, 01000
	UID           int      `json:"uid,omitempty"`
	GID           int      `json:"gid,omitempty"`
	Size          int64    `json:"size,omitempty"`
	SUID          bool     `json:"suid,omitempty"`
	SGID          bool     `json:"sgid,omitempty"`
	WorldWritable bool     `json:"worldWritable,omitempty"`
	Capabilities  []string `json:"capabilities,omitempty"`
	Folder        bool     `json:"folder,omitempty"`
	Layer         *int     `json:"layer,omitempty"`
	Base          bool     `json:"base,omitempty"`
}

// Signature is one that was verified.
type Signature struct {
	Signer    string    `json:"signer"`
	Issuer    string    `json:"issuer,omitempty"`
	Signed    time.Time `json:"signed,omitzero"`
	Predicate string    `json:"predicate,omitempty"`
}
