package config

import (
	"regexp"
	"regexp/syntax"
	"slices"
)

// checkPattern reports whether the pattern is one.
func (i *JWTIssuer) checkPattern(on *checks, key string) bool {
	pattern, err := regexp.Compile(i.TenantPattern)
	switch {
	case i.TenantPattern == "":
	case err != nil:
		on.errorf(key, "%s is not a regular expression; want one with a group around the tenant, such as ^/metrics/(.+)$", show(i.TenantPattern))
		return false
	case pattern.NumSubexp() < 1:
		on.errorf(key, "%s has no group; want one around the tenant, as in ^/metrics/(.+)$", show(i.TenantPattern))
		return false
	case !whole(i.TenantPattern):
		on.warnf(key, "%s picks a tenant out of longer values too, which others may be able to choose; want ^ before all of it and $ behind it, as in ^/metrics/(.+)$", show(i.TenantPattern))
	}
	return true
}

// whole reports whether a pattern that compiles matches only values from their beginning to their end.
func whole(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic("BUG: a pattern compiles and cannot be parsed: " + err.Error())
	}
	return bound(parsed, syntax.OpBeginText) && bound(parsed, syntax.OpEndText)
}

// bound reports whether every match is at OpBeginText or OpEndText, whichever is asked for.
func bound(pattern *syntax.Regexp, op syntax.Op) bool {
	switch pattern.Op {
	case op:
		return true
	case syntax.OpCapture:
		return bound(pattern.Sub[0], op)
	case syntax.OpConcat:
		if op == syntax.OpBeginText {
			return bound(pattern.Sub[0], op)
		}
		return bound(pattern.Sub[len(pattern.Sub)-1], op)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(pattern.Sub, func(choice *syntax.Regexp) bool { return !bound(choice, op) })
	}
	return false
}
