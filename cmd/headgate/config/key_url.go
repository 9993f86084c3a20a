package config

import (
	"errors"
	"net/netip"
	"net/url"
)

// keyURL says what keeps keys from being fetched from an address, and whether
// somebody on the way there could change them.
func keyURL(address URL) (plain bool, err error) {
	u, err := url.Parse(string(address))
	switch {
	case err != nil:
		return false, errors.New("is not a URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return false, errors.New("is not an http or https URL")
	case u.User != nil:
		return false, errors.New("has a user name or password in it, which would end up in logs")
	}
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return false, nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback(), nil
}
