// Package fleet keeps the tenants that many gateways share in etcd: one key for each credential. It lists them, follows
// their changes, writes them for the operator's commands, and keeps a copy on disk to start from when etcd is away. What the
// values mean it does not know; they are text.
package fleet
