//go:build tools

// Package gitleaks pins the peer of the search for secrets, beside the others: its modules and theirs do
// not agree.
package gitleaks

import _ "github.com/zricethezav/gitleaks/v8"
