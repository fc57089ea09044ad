// Package wire lays out pods, nodes and whoever else talks with them as network namespaces for tests, and tries
// connections between them: real packets, which whatever sits in the router between them lets through or drops.
//
// Every host is a namespace of its own, with a veth pair into that of the router, which knows the way to each address.
// None has a name, an address of the machine, or a way out: a namespace lives as long as the file that the test holds of
// it, and ends with the test, however that ends.
package wire
