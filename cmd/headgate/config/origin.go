package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is where a page comes from, in the form in which browsers send it:
// "https://grafana.example:3000", in lower case and without a port that its scheme
// implies.
type Origin string

var errOrigin = errors.New(`is not an origin; want scheme://host or scheme://host:port, such as "https://grafana.example"`)

// UnmarshalTOML reads the value of a key.
func (o *Origin) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("is " + kindOf(v) + `; want an origin, such as "https://grafana.example"`)
	}
	u, err := url.Parse(text)
	if err != nil {
		return errOrigin
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if _, err := netip.ParseAddr(host); err != nil && !hostName(host) {
		return errOrigin
	}
	// Nothing but these parts: what was written must be what they amount to.
	if u.Scheme != "http" && u.Scheme != "https" || strings.ToLower(text) != u.Scheme+"://"+strings.ToLower(u.Host) {
		return errOrigin
	}
	if n, err := strconv.ParseUint(port, 10, 16); strings.HasSuffix(u.Host, ":") || port != "" && (err != nil || n == 0) {
		return errOrigin
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	*o = Origin(u.Scheme + "://" + host)
	return nil
}
