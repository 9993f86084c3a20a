package proxy

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/headgate/proxy/wire"
)

// clean says by decoding what cleanPath says by looking at bytes.
func clean(raw, rulePrefix string) bool {
	names, rules := strings.CutPrefix(raw, rulePrefix)
	checked := raw
	if rules {
		decoded, err := url.PathUnescape(names)
		if err != nil || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
			return false
		}
		if strings.HasSuffix(decoded, "/") && !strings.HasSuffix(names, "/") {
			return false // the last segment is empty once decoded
		}
		checked = rulePrefix + decoded
	} else {
		for i := range raw {
			if c, err := url.PathUnescape(raw[i:min(i+3, len(raw))]); raw[i] == '%' && (err != nil || c < " " || c > "~" || strings.ContainsAny(c, `/\.%;?#`)) {
				return false
			}
		}
	}
	cleaned := path.Clean(checked)
	return !strings.Contains(raw, ";") && (checked == cleaned || cleaned != "/" && checked == cleaned+"/")
}

// FuzzPath holds cleanPath against a decoder and path.Clean.
func FuzzPath(f *testing.F) {
	for _, p := range []string{
		"/", "/a", "/a/", "/a//b", "//", "/.", "/..", "/a/./b", "/a/../b", "/...", "/.a", "/a;b", "/%41", "/%2e", "/%2E%2e/", "/%2f", "/%5c", "/%3b",
		"/%25", "/%00", "/%7f", "/%80", "/%c3%a9", "/%20", "/a%3fb", "/%23", "/prometheus/api/v1/query", "/api/v1/rules", "/api/v1/rules/",
		"/api/v1/rules/a/b", "/api/v1/rules/a%2Fb/c", "/api/v1/rules/%2e%2e/c", "/api/v1/rules/a/%2e", "/api/v1/rules/a%2f/", "/api/v1/rules/a%2F",
		"/api/v1/rules/%2fa", "/api/v1/rules/caf%c3%a9/b", "/api/v1/rules/%ff", "/api/v1/rules/%c2%80", "/api/v1/rules/%0a", "/api/v1/rules/a;b",
		"/api/v1/rules/%3B%5C%25%3f%23", "/api/v1/rules/a//b", "/api/v1/rules/a/../b", "/api/v1/rules/a%2f..%2fb", "/api/v1/%72ules/a%2Fb",
	} {
		f.Add(p)
	}
	const rules = "/api/v1/rules/"
	f.Fuzz(func(t *testing.T, raw string) {
		if !wire.ValidPath([]byte(raw)) {
			return
		}
		if got, want := cleanPath([]byte(raw), []string{rules}), clean(raw, rules); got != want {
			t.Fatalf("%q: clean is %v, decoded %v", raw, got, want)
		}
	})
}

// matchLinearly is the route of a request in words: exact before prefix, the longest prefix first, the method part of the
// match, and on one path the routes that name their methods first.
func matchLinearly(routes []Route, method, path string) (best *Route) {
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		return nil // no route is for a tunnel, an echo or a method that nobody knows
	}
	rank := -1
	for i, r := range routes {
		named := slices.Contains(r.Methods, method)
		covers := path == r.Path || r.Prefix && strings.HasPrefix(path, r.Path+"/")
		if !covers || !named && len(r.Methods) > 0 {
			continue
		}
		mine := 2 * len(r.Path)
		if !r.Prefix {
			mine = 1 << 20
		}
		if named {
			mine++
		}
		if mine > rank {
			best, rank = &routes[i], mine
		}
	}
	return best
}

// tableOf reads a route table: a line a route, METHOD,METHOD PATH, "*" for any method, a path that ends in /* a prefix.
func tableOf(text string) (routes []Route) {
	for line := range strings.SplitSeq(text, "\n") {
		methods, p, ok := strings.Cut(line, " ")
		p, prefix := strings.CutSuffix(p, "/*")
		if !ok || methods == "" || p != "" && (!wire.ValidPath([]byte(p)) || !cleanPath([]byte(p), nil)) || prefix && strings.HasSuffix(p, "/") {
			continue
		}
		r := Route{Path: p, Prefix: prefix, Component: fmt.Sprint(len(routes))}
		if methods != "*" {
			r.Methods = strings.Split(methods, ",")
		}
		routes = append(routes, r)
	}
	return routes
}

// isToken reports whether a method can be one at all.
func isToken(method string) bool {
	return method != "" && len(method) <= 24 && !strings.ContainsFunc(method, func(r rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
	})
}

// FuzzMatch holds the route table against the linear matcher, for tables as well as for requests.
func FuzzMatch(f *testing.F) {
	const table = "POST /api/v1/push\n* /prometheus/*\nGET /api/v1/rules/*\nPOST,DELETE /api/v1/rules/*\n* /api/v1/rules/*\nGET /api/v1/rules\n* /*"
	for _, seed := range [][3]string{
		{table, "POST", "/api/v1/push"}, {table, "GET", "/api/v1/push"}, {table, "GET", "/prometheus"}, {table, "GET", "/prometheus/"},
		{table, "PUT", "/prometheusx"}, {table, "GET", "/api/v1/rules"}, {table, "POST", "/api/v1/rules"}, {table, "PUT", "/api/v1/rules/a/b"},
		{"GET /a\n* /a\nPOST /a/*\n* /a/b/*", "POST", "/a"}, {"GET /a\n* /a\nPOST /a/*\n* /a/b/*", "PUT", "/a/b/c"}, {"GET /a/\nGET /a", "GET", "/a/"},
		{"GET /ab\nGET /abc\nGET /a\nPOST /abcd", "POST", "/abc"}, {"* /*", "*", "/"}, {"* /*", "TRACE", "/"}, {"GET /a:b\n* /a/*", "GET", "/a:b"}, {"* /a", "get", "/a"},
		{"GET /a\nGET /a/\n* /b/\nGET /b/", "GET", "/a/"}, {"* /b/\nGET /b/", "GET", "/b/"}, {"* /b/\nGET /b/\n* /b/*", "POST", "/b/"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, text, method, p string) {
		if !isToken(method) || !wire.ValidPath([]byte(p)) || !cleanPath([]byte(p), nil) {
			return
		}
		routes := tableOf(text)
		table, err := newRouteTable(routes)
		if err != nil {
			return
		}
		got, refusal := (&Snapshot{routes: table}).Match(method, p)
		want := matchLinearly(routes, method, p)
		switch {
		case (got == nil) != (want == nil) || got != nil && got.Component != want.Component:
			t.Fatalf("%q: %s %q goes to %+v, want %+v", text, method, p, got, want)
		case got != nil && refusal != nil || got == nil && refusal == nil:
			t.Fatalf("%q: %s %q goes to %+v and is refused with %v", text, method, p, got, refusal)
		case refusal == methodRefused && !slices.ContainsFunc(routes, func(r Route) bool { return matchLinearly([]Route{r}, first(r.Methods), p) != nil }):
			t.Fatalf("%q: %s %q is a 405 without another method", text, method, p)
		}
	})
}

func first(methods []string) string {
	if len(methods) == 0 {
		return "GET"
	}
	return methods[0]
}
