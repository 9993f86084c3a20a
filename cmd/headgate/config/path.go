package config

import (
	"errors"
	"strings"
)

// wantPath follows what readPath says.
const wantPath = `; want a plain path such as "/api/v1/push", or a prefix with "/*" at its end`

// checkPath says why a path cannot be one that headgate matches: requests whose
// path is not clean are refused, so that such a route would never be used, and
// the router would read a pattern into { } * ?.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New(`does not start with "/"`)
	}
	for _, c := range []byte(path) {
		switch {
		case strings.IndexByte("{}*?", c) >= 0:
			return errors.New(`holds one of { } * ?, which are no patterns here`)
		case c == '%':
			return errors.New("holds an escape")
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`;#"<>\^|`+"`", c) >= 0:
			return errors.New("holds " + show(string(rune(c))) + ", which no route can have")
		}
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "." || segment == ".." {
			return errors.New(`holds a "." or ".." segment`)
		}
		if segment == "" && path != "/" {
			return errors.New(`holds "//"`)
		}
	}
	return nil
}

// splitPrefix takes the trailing "/*" off a path and reports whether it had one.
// The prefix of everything is "".
func splitPrefix(path string) (string, bool) { return strings.CutSuffix(path, "/*") }

// readPath is the path of a route from its configured form. Prefix says that it
// is a prefix without a "/*" too.
func readPath(written string, prefix bool) (string, bool, error) {
	if written == "" {
		return "", false, errors.New("is missing")
	}
	path, star := splitPrefix(written)
	prefix = prefix || star
	if path == "" && star {
		return "", true, nil
	}
	if err := checkPath(path); err != nil {
		return "", false, err
	}
	if prefix && strings.HasSuffix(path, "/") {
		if path != "/" || star {
			return "", false, errors.New(`ends with "/", where a prefix is matched anyway`)
		}
		path = ""
	}
	return path, prefix, nil
}

// showPath is a path as the start of a problem's text.
func showPath(path string) string {
	if path == "" {
		return ""
	}
	return show(path) + " "
}

// writePath is the configured form of a path.
func writePath(path string, prefix bool) string {
	if prefix {
		return path + "/*"
	}
	return path
}
