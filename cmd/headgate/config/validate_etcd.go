package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// stateVar names the folder that systemd gives a service for what it keeps.
const stateVar = "STATE_DIRECTORY"

// cacheName is the file in that folder.
const cacheName = "tenants"

func (c *Config) validateEtcd(on *checks) {
	e := &c.Etcd
	if !e.Enabled() {
		if e.Username != "" || e.PasswordFile != "" || e.TLS != (ClientTLS{}) {
			on.errorf("etcd.endpoints", `there is none; want those of the cluster, such as ["http://10.0.0.1:2379"], or no [etcd]`)
		}
		return
	}
	e.validateEndpoints(on)
	if e.Prefix == "" || strings.ContainsFunc(e.Prefix, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		on.errorf("etcd.prefix", `%s is not one; want the beginning of every key, such as "/headgate/tenants/"`, show(e.Prefix))
	} else if !strings.HasSuffix(e.Prefix, "/") {
		on.warnf("etcd.prefix", `%s does not end with "/", so that it also holds keys such as %s`, show(e.Prefix), show(e.Prefix+"-old"))
	}
	if (e.Username == "") != (e.PasswordFile == "") {
		on.errorf("etcd", "has one of username and password_file; want both or none")
	}
	if text := on.content("etcd.password_file", e.PasswordFile); text != nil {
		e.password = Secret(DropNewline(text))
		on.warnExposed("etcd.password_file", e.PasswordFile)
	}
	switch {
	case e.CacheFile != "auto":
		e.cachePath = on.place("etcd.cache_file", e.CacheFile)
	case on.env != nil && on.env(stateVar) != "":
		folder, _, _ := strings.Cut(on.env(stateVar), ":") // systemd separates several by colons
		e.cachePath = filepath.Join(folder, cacheName)
	}
}

// validateEndpoints looks at the addresses, and makes the TLS configuration that they
// need.
func (e *Etcd) validateEndpoints(on *checks) {
	secure := 0
	for i, endpoint := range e.Endpoints {
		key := indexKey("etcd.endpoints", i)
		u, err := url.Parse(string(endpoint))
		switch {
		case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
			on.errorf(key, `%s is not an address of etcd; want one such as "http://10.0.0.1:2379"`, show(endpoint.String()))
		case u.User != nil:
			on.errorf(key, "%s holds a user name or password; want etcd.username and etcd.password_file", show(endpoint.String()))
		case u.Scheme == "https":
			secure++
		}
	}
	switch {
	case secure > 0 && secure < len(e.Endpoints):
		on.errorf("etcd.endpoints", "some are https and some are http; want all of one kind")
	case secure > 0:
		e.tls = e.TLS.config(on, "etcd.tls")
	case e.TLS != (ClientTLS{}):
		on.errorf("etcd.tls", "is there, but no endpoint is https; want https endpoints, or no TLS settings")
	case e.PasswordFile != "":
		on.warnf("etcd.endpoints", "etcd is sent the password over plain HTTP; want https endpoints")
	}
}
