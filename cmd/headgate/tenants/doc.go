// Package tenants is what an operator does to the clients that a fleet has in etcd: list, get, set, delete and import.
// A gateway follows etcd by itself and needs none of this.
package tenants
