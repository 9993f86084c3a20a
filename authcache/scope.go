package authcache

import "strings"

// Scope is a set of the things an identity may do. The zero value is nothing at all.
type Scope uint8

// The scopes, as the configuration names them.
const (
	Write    Scope = 1 << iota // push samples, exemplars, metadata, OTLP
	Read                       // query, and look at rules and alerts
	Rules                      // change rules and the Alertmanager's configuration
	Alerts                     // post alerts, change silences
	Operator                   // what operates the cluster
)

// scopeNames are in the order of the bits, which is the order String gives.
var scopeNames = [...]string{"write", "read", "rules", "alerts", "operator"}

// ParseScope returns the one scope of this name, and reports whether there is one.
func ParseScope(name string) (Scope, bool) {
	for i, known := range scopeNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// Has reports whether every scope of wanted is in s.
func (s Scope) Has(wanted Scope) bool { return s&wanted == wanted }

// String is the names joined by commas, "write,read", and "none" for the empty set.
func (s Scope) String() string {
	if s == 0 {
		return "none"
	}
	var names []string
	for i, name := range scopeNames {
		if s.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
