// Package packet holds the map of who reaches whom against packets, for tests: it brings a cluster's objects to a real API
// server, lays pods, nodes and others out as network namespaces, has an agent of others enforce the policies between them,
// and tries every connection, allowed or refused.
package packet
