package proxy

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/proxy/wire"
)

// crossSite refuses a change that a page of another site may have made with the credentials that a browser keeps. It is
// the algorithm of net/http's CrossOriginProtection, except that a foreign Origin counts even where Sec-Fetch-Site finds
// nothing wrong. Programs send neither header.
func (x *exchange) crossSite() *failure {
	if x.route.Scope&(authcache.Rules|authcache.Alerts|authcache.Operator) == 0 || string(x.head.Method) == "GET" || x.isHead() {
		return nil
	}
	origin, hasOrigin := x.field("origin")
	if hasOrigin {
		if slices.Contains(x.snapshot.allowedOrigins, string(origin)) {
			return nil
		}
		_, host, ok := bytes.Cut(origin, []byte("://"))
		if !ok || !bytes.EqualFold(host, x.head.Host) {
			return refuse(crossSite)
		}
	}
	site, hasSite := x.field("sec-fetch-site")
	if hasSite && string(site) != "same-origin" && string(site) != "none" {
		return refuse(crossSite)
	}
	return nil
}

// field is the value of the first field of a name, which must be lower case.
func (x *exchange) field(name string) (value []byte, ok bool) {
	for i := range x.head.Fields {
		if wire.EqualFold(x.head.Fields[i].Name, name) {
			return x.head.Fields[i].Value, true
		}
	}
	return nil, false
}
