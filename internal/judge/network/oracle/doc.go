// Package oracle holds package network against another reading of NetworkPolicies: Cyclonus' policies, and what its own
// matcher makes of them. It is a module of its own, as Cyclonus brings much that Plimsoll has no use for.
package oracle
