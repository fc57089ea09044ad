//go:build tools

// Package tools names the program that enforces network policies in tests.
package tools

import _ "sigs.k8s.io/kube-network-policies/cmd"
