package proxy

import (
	"bytes"

	"github.com/headgate/headgate/authcache"
)

// changesSomething reports whether the request is one of the few that change something other than samples: rules,
// silences, what an operator does.
func (x *exchange) changesSomething() bool {
	scope := x.scope()
	if scope&(authcache.Rules|authcache.Alerts|authcache.Operator) == 0 {
		return false
	}
	switch string(x.head.Method) {
	case "GET", "HEAD":
		return scope&authcache.Operator != 0 && changesByGet(x.route.upstreamPath(nil, x.head.Path))
	}
	return true
}

// changesByGet reports whether a path, as the upstream gets it, is one of those with which Cortex does something whatever
// the method: /ingester/shutdown and its like. Cortex matches escapes as they are (UseEncodedPath, pkg/api/api.go), but what
// stands before it may take /ingester/%73hutdown for the same, so the path is compared without them. They are taken out in
// place.
func changesByGet(path []byte) bool {
	path = unescaped(path)
	switch string(path[bytes.LastIndexByte(path, '/')+1:]) {
	case "flush", "shutdown", "renewTokens", "mode":
		return true
	}
	return false
}

// unescaped is what a path stands for, written over it. Its escapes are well formed.
func unescaped(path []byte) []byte {
	plain := path[:0]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			c = unescape(path[i:])
			i += 2
		}
		plain = append(plain, c)
	}
	return plain
}
