package proxy

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/proxy/wire"
)

// crossSite refuses a change that a page of another site may have made with the credentials that a browser keeps.
func (x *exchange) crossSite() *failure {
	if !x.changesSomething() {
		return nil
	}
	origin, _ := x.field("origin")
	site, _ := x.field("sec-fetch-site")
	if FromOtherSite(x.head.Host, origin, site, x.snapshot.allowedOrigins) {
		return refuse(crossSite)
	}
	return nil
}

// FromOtherSite reports whether a page of another site may have made a browser send a request to host, by the values of
// its Origin and Sec-Fetch-Site, nil where it has none. It is the algorithm of net/http's CrossOriginProtection, except
// that a foreign Origin counts even where Sec-Fetch-Site finds nothing wrong. Programs send neither. allowed are origins
// of other sites that may, like "https://grafana.example".
func FromOtherSite(host, origin, site []byte, allowed []string) bool {
	if origin != nil {
		if slices.Contains(allowed, string(origin)) {
			return false
		}
		_, from, ok := bytes.Cut(origin, []byte("://"))
		if !ok || !bytes.EqualFold(from, host) {
			return true
		}
	}
	return site != nil && string(site) != "same-origin" && string(site) != "none"
}

// field is the value of the first field of a name, which must be lower case. It is not nil when there is one.
func (x *exchange) field(name string) (value []byte, ok bool) {
	for i := range x.head.Fields {
		if wire.EqualFold(x.head.Fields[i].Name, name) {
			return x.head.Fields[i].Value, true
		}
	}
	return nil, false
}
