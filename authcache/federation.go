package authcache

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// tenantSeparator joins several tenants (Cortex, pkg/util/users/tenant.go).
const tenantSeparator = "|"

// TenantRules is what the cluster and the configuration say about naming tenants.
type TenantRules struct {
	Federation   bool // Cortex takes several tenants in one read (tenant_federation.enabled)
	MaxTenants   int  // in one read (max_tenant); 0: no limit
	RegexMatcher bool // Cortex reads tenants as patterns (regex_matcher_enabled): those that could be one are refused
	Check        bool // tenant_header = "check": who names another tenant than is used is refused, on rules, alerts and operator routes
}

// TenantAsk is what of a request the tenant depends on.
type TenantAsk struct {
	Scope     Scope  // of the route: one
	Federated bool   // the route is a read of query-frontend or querier, which take several tenants
	Sent      []byte // the value of the first X-Scope-OrgID
	Headers   int    // how many such headers there are
	LookAlike bool   // none of them has exactly this name (X_Scope_OrgID): what they say is noticed, but never counts
}

// TenantAnswer is what goes upstream.
type TenantAnswer struct {
	Tenant  string // the value of X-Scope-OrgID
	Ignored bool   // the client named something else, which did not count
}

// TenantError is why no tenant goes upstream.
type TenantError struct {
	// Tenant that the identity may not name, or use, the first of them where there are several: 403. Empty: what was sent
	// is malformed, or names as many as cannot be: 400. It is a valid tenant ID, and fit to be shown.
	Tenant string
	text   string
}

// Error implements error. It is fit to be shown to the client.
func (e *TenantError) Error() string { return e.text }

// Denied reports whether the tenant is the reason, and not the form in which it was named.
func (e *TenantError) Denied() bool { return e.Tenant != "" }

// maxDeniedNames is how many refused tenants are named in an error; the rest is a number.
const maxDeniedNames = 10

// denied refuses tenants, of which there is at least one.
func denied(tenants ...string) error {
	if len(tenants) == 1 {
		return &TenantError{Tenant: tenants[0], text: fmt.Sprintf("tenant %q is not allowed for this credential", tenants[0])}
	}
	shown := make([]string, 0, maxDeniedNames)
	for _, tenant := range tenants[:min(len(tenants), maxDeniedNames)] {
		shown = append(shown, strconv.Quote(tenant))
	}
	text := strings.Join(shown, ", ")
	if more := len(tenants) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return &TenantError{Tenant: tenants[0], text: "tenants " + text + " are not allowed for this credential"}
}

func malformedTenant(format string, args ...any) error {
	return &TenantError{text: fmt.Sprintf(format, args...)}
}

// Tenant decides which tenant a request of this identity is for. It allocates nothing when that is the identity's own
// one, its default, or one of its lists.
//
// Without a list for what the route does, the answer is the identity's own tenant whatever the client sent. With one, the
// client may name: on a read any subset of it, sorted and each once, where Cortex takes several; on writes, rules and
// alerts exactly one. The error is a *TenantError.
func (r TenantRules) Tenant(id *Identity, ask TenantAsk) (TenantAnswer, error) {
	var answer TenantAnswer
	var err error
	switch allowed := id.allowed(ask.Scope); {
	case ask.Headers == 0 || ask.LookAlike || !allowed.given():
		answer, err = r.unnamed(id, ask)
	case ask.Headers > 1:
		err = malformedTenant("the tenant is named in %d headers; want one X-Scope-OrgID", ask.Headers)
	case bytes.IndexByte(ask.Sent, tenantSeparator[0]) < 0:
		answer.Tenant, err = r.one(ask.Sent, id.Tenant, allowed)
	case ask.Scope != Read:
		err = malformedTenant("several tenants are named, and this request is for one; want one in X-Scope-OrgID")
	default:
		answer.Tenant, err = r.several(ask, allowed)
	}
	if err != nil {
		return TenantAnswer{}, err
	}
	return answer, nil
}

// allowed are the tenants that the identity may name on a route of this scope.
func (i *Identity) allowed(scope Scope) tenantSet {
	switch {
	case i.Reach == nil:
		return tenantSet{}
	case scope == Read:
		return i.Reach.read
	case scope == Operator && i.Tenant != "":
		return tenantSet{}
	}
	return i.Reach.write
}

// unnamed is for a client that named nobody, or one for whom that does not count.
func (r TenantRules) unnamed(id *Identity, ask TenantAsk) (TenantAnswer, error) {
	answer := TenantAnswer{Tenant: id.Tenant}
	if ask.Scope == Read && id.Reach != nil && len(id.Reach.fallback) > 0 {
		answer.Tenant = id.Reach.joined
		if err := r.count(len(id.Reach.fallback), ask.Federated); err != nil {
			return answer, err
		}
	}
	if answer.Tenant == "" {
		return answer, malformedTenant("the credential is for several tenants, and none is named; want one in X-Scope-OrgID")
	}
	if r.pattern(answer.Tenant) {
		return answer, denied(r.firstPattern(answer.Tenant))
	}
	answer.Ignored = ask.Headers > 1 || ask.Headers == 1 && string(ask.Sent) != answer.Tenant
	if answer.Ignored && r.Check && ask.Scope&(Rules|Alerts|Operator) != 0 {
		return answer, r.notYours(ask)
	}
	return answer, nil
}

// notYours refuses what tenant_header = "check" does not let pass, and names it where it can be shown.
func (r TenantRules) notYours(ask TenantAsk) error {
	if ask.Headers > 1 {
		return malformedTenant("the tenant is named in %d headers; want one X-Scope-OrgID, or none", ask.Headers)
	}
	if tenant := string(ask.Sent); ValidTenant(tenant) == nil {
		return denied(tenant)
	}
	return malformedTenant("what X-Scope-OrgID names is no tenant; want the credential's own, or no such header")
}

// one is for a client that named one tenant. (What is in a list is valid, and is looked up first: the check of what is
// not would allocate.)
func (r TenantRules) one(sent []byte, own string, allowed tenantSet) (string, error) {
	if tenant, ok := allowed.listed(sent); ok && !r.pattern(tenant) {
		return tenant, nil
	}
	if allowed.any && own != "" && string(sent) == own && !r.pattern(own) {
		return own, nil
	}
	if err := r.checkPart(sent); err != nil {
		return "", err
	}
	if !allowed.any {
		return "", denied(string(sent))
	}
	return string(sent), nil
}

// several is for a client that named some, with "|" between them.
func (r TenantRules) several(ask TenantAsk, allowed tenantSet) (string, error) {
	parts := bytes.Split(ask.Sent, []byte(tenantSeparator))
	for _, part := range parts {
		if err := r.checkPart(part); err != nil {
			return "", err
		}
	}
	tenants := make([]string, 0, len(parts))
	for _, part := range parts {
		tenants = append(tenants, string(part))
	}
	slices.Sort(tenants)
	tenants = slices.Compact(tenants)
	if !allowed.any {
		if refused := allowed.lacks(tenants); len(refused) > 0 {
			return "", denied(refused...)
		}
	}
	if err := r.count(len(tenants), ask.Federated); err != nil {
		return "", err
	}
	return strings.Join(tenants, tenantSeparator), nil
}

// checkPart refuses what cannot be one tenant.
func (r TenantRules) checkPart(part []byte) error {
	switch {
	case len(part) == 0:
		return malformedTenant("X-Scope-OrgID has an empty part; want tenants, with one | between two")
	case ValidTenant(string(part)) != nil:
		return malformedTenant("what X-Scope-OrgID names is no tenant; want letters, digits and !-_.*'(), up to %d", maxTenantID)
	case r.pattern(string(part)):
		return malformedTenant("X-Scope-OrgID names a tenant with one of * ( ) . ', which Cortex would read as a pattern here")
	}
	return nil
}

// count refuses more tenants than a read may have.
func (r TenantRules) count(tenants int, federated bool) error {
	switch {
	case tenants <= 1:
		return nil
	case !r.Federation || !federated:
		return malformedTenant("the request is for %d tenants, and this route takes one; want one in X-Scope-OrgID", tenants)
	case r.MaxTenants > 0 && tenants > r.MaxTenants:
		return malformedTenant("the request is for %d tenants; Cortex takes up to %d", tenants, r.MaxTenants)
	}
	return nil
}

// pattern reports whether Cortex would read more than one tenant into this text.
func (r TenantRules) pattern(tenant string) bool { return r.RegexMatcher && CouldBePattern(tenant) }

// firstPattern is the first of some joined tenants that could be a pattern.
func (r TenantRules) firstPattern(joined string) string {
	for tenant := range strings.SplitSeq(joined, tenantSeparator) {
		if CouldBePattern(tenant) {
			return tenant
		}
	}
	panic("BUG: none of the tenants could be a pattern")
}

// CouldBePattern reports whether Cortex would read a tenant ID as a pattern where regex_matcher_enabled is set: it holds
// one of * ( ) . '
func CouldBePattern(tenant string) bool { return strings.ContainsAny(tenant, "*().'") }
