package proxy

import (
	"bytes"
	"net/url"
	"path"
	"strings"

	"github.com/headgate/headgate/authcache"
)

// countsFor is the series that a request counts in. One without a route that was meant as a push counts among the writes:
// its sender throws the data away like that of any other push that is refused for good, and whoever watches for that must
// see it.
func (o *observer) countsFor(x *exchange) *routeSeries {
	switch {
	case x.route != nil:
		return x.route.series
	case x.meantAsPush():
		return o.lostPushes
	}
	return o.noRoute
}

// meantAsPush reports whether a request that got no route looks like a push.
func (x *exchange) meantAsPush() bool {
	method, target := x.head.Method, x.head.Path
	if x.conn.Fault() != nil {
		method, target = requestLine(x.conn.FaultyLine())
	}
	return string(method) == "POST" && x.snapshot != nil && x.snapshot.routes.nearPush(target)
}

// requestLine is what can be made out of a request line that may be anything: the method, and the target without its
// query.
func requestLine(line []byte) (method, target []byte) {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	end := bytes.IndexAny(rest, " ?\r\n")
	if end < 0 {
		end = len(rest)
	}
	return method, rest[:end]
}

// nearPush reports whether a path, however unclean, ends like that of a write route, or is the end of one: a sender's
// base URL has a part too many, or lacks one.
func (t *routeTable) nearPush(target []byte) bool {
	meant := tidied(string(target))
	if meant == "/" {
		return false
	}
	for _, r := range t.all {
		switch {
		case r.Scope&authcache.Write == 0:
		case strings.HasSuffix(meant, r.Path), strings.HasSuffix(r.Path, meant):
			return true
		case r.Prefix && r.covers([]byte(meant)):
			return true
		}
	}
	return false
}

// tidied is a path as it was probably meant: decoded, without parameters behind a semicolon, without empty, "." and ".."
// segments, and without a slash at the end.
func tidied(target string) string {
	if decoded, err := url.PathUnescape(target); err == nil {
		target = decoded
	}
	segments := strings.Split(target, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return path.Clean("/" + strings.Join(segments, "/"))
}
