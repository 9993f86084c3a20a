package config

import (
	"crypto/tls"
	"slices"
)

// Etcd is [etcd]: where the gateways of a fleet find the tenants that they share.
// Without endpoints there is none.
type Etcd struct {
	Endpoints    []URL     `toml:"endpoints"`     // "http://10.0.0.1:2379"
	Prefix       string    `toml:"prefix"`        // of every key
	Username     string    `toml:"username"`      // of etcd; "": it asks for none
	PasswordFile string    `toml:"password_file"` // a file that holds the password, in one line; "": there is none
	CacheFile    string    `toml:"cache_file"`    // "auto": in $STATE_DIRECTORY, without it off; "": off
	TLS          ClientTLS `toml:"tls"`

	password  Secret
	cachePath string
	tls       *tls.Config
}

// Enabled reports whether there is an etcd.
func (e *Etcd) Enabled() bool { return len(e.Endpoints) > 0 }

// SamePlace reports whether it is the same place in the same etcd.
func (e *Etcd) SamePlace(other *Etcd) bool {
	return e.Prefix == other.Prefix && slices.Equal(slices.Sorted(slices.Values(e.Endpoints)), slices.Sorted(slices.Values(other.Endpoints)))
}

// SameAccess reports whether etcd is spoken to in the same way.
func (e *Etcd) SameAccess(other *Etcd) bool {
	return e.Username == other.Username && e.password == other.password && SameTLS(e.tls, other.tls)
}

// Password is what PasswordFile held.
func (e *Etcd) Password() Secret { return e.password }

// CachePath is where the copy of the last set is kept, "" for nowhere.
func (e *Etcd) CachePath() string { return e.cachePath }

// TLSConfig is how https endpoints are spoken to, nil if there are none.
func (e *Etcd) TLSConfig() *tls.Config { return e.tls }
