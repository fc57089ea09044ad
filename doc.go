// Package plimsoll is the root of the repository: it holds the tests of the house's own rules. The
// program is cmd/plimsoll, its public words are package finding.
package plimsoll
