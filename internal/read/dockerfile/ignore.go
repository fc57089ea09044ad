package dockerfile

// Ignore is a .dockerignore file.
type Ignore struct {
	Path  string
	Lines []string
}

// Settings are what a project wants of its Dockerfiles, from a .hadolint.yaml beside them.
type Settings struct {
	Path              string            // of the file
	Ignored           []string          // rule ids
	Override          map[string]string // rule id → severity: error, warning, info, style
	TrustedRegistries []string
	LabelSchema       map[string]string // label → text, url, semver, hash, rfc3339, spdx, email
	StrictLabels      bool
	// IgnorePragmas says that comments may not let findings pass.
	IgnorePragmas bool
}
