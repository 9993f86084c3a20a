package config

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
)

// SharedTenant is one [[tenants]] table that the gateways of a fleet have from
// etcd.
type SharedTenant struct {
	ID     string
	Entry  authcache.Entry
	Limits *TenantLimits // nil: it says nothing of them
}

// SharedTenants reads the values of etcd: the fields of a [[tenants]] table, as
// TOML or as a JSON object. It is for one goroutine at a time.
type SharedTenants struct {
	config *Config
	fields map[reflect.Type]map[string][]int
}

// SharedTenants returns a reader of values. What they leave out is as [auth] has it.
func (c *Config) SharedTenants() *SharedTenants {
	return &SharedTenants{config: c, fields: make(map[reflect.Type]map[string][]int)}
}

// Parse reads the value of a key. The error is all that is wrong with it, in one
// line, and holds no secret. Secrets in plain text or in files are errors: whoever
// may read etcd would have them, or nobody would.
func (s *SharedTenants) Parse(key, text string) (*SharedTenant, error) {
	t, err := s.Tenant(text)
	if err != nil {
		return nil, err
	}
	found := &SharedTenant{ID: t.ID, Entry: s.config.entry(t), Limits: t.Limits}
	found.Entry.Where = SharedWhere(key)
	return found, nil
}

// Tenant is Parse for who wants the table itself.
func (s *SharedTenants) Tenant(text string) (*Tenant, error) {
	tree, err := parseShared(text)
	if err != nil {
		return nil, err
	}
	r := new(report)
	d := newDecoder(r)
	d.fields = s.fields
	t := new(Tenant)
	d.table(nil, tree, reflect.ValueOf(t).Elem())
	if err := firstErrors(r.problems); err != nil {
		return nil, err // what is missing follows from this, as often as not
	}
	o := Options{NoFiles: true}
	on := s.config.checksBeside(r, o, newSubstitutes(o))
	for _, given := range t.given() {
		switch given.name {
		case "password", "password_file", "token", "token_file":
			on.errorf(given.name, "is not for etcd; want %s_sha256 or, of a password, password_hash", strings.TrimSuffix(given.name, "_file"))
			r.silence(given.name)
		}
	}
	s.config.validateTenant(on, "", t)
	if err := firstErrors(r.finish(nil)); err != nil {
		return nil, err
	}
	return t, nil
}

// SharedWhere is how texts name a key of etcd, and how the credential cache knows
// its entry.
func SharedWhere(key string) string { return "etcd: " + key }

// parseShared tells JSON from TOML by the first byte: no TOML file begins with a
// brace.
func parseShared(text string) (map[string]any, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		tree, err := parseTOML(text)
		if err != nil {
			return nil, errors.New(syntaxProblem("", err).Text)
		}
		return tree, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var tree map[string]any
	err := d.Decode(&tree)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more than one object")
		}
	}
	if err != nil {
		return nil, errors.New("is not JSON, or cut short")
	}
	return asTOML(tree).(map[string]any), nil
}

// asTOML gives the values of JSON the types that they have in TOML. Dates are
// strings in JSON.
func asTOML(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if text, ok := inner.(string); ok && (name == "expires" || name == "not_before") {
				if date, err := time.Parse(time.RFC3339, text); err == nil {
					v[name] = date
					continue
				}
			}
			v[name] = asTOML(inner)
		}
	case []any:
		for i := range v {
			v[i] = asTOML(v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // infinite when it is too large, which no key takes
		return f
	}
	return v
}

// firstErrors is the errors among problems in one line, a few of them.
func firstErrors(problems Problems) error {
	const most = 3
	var texts []string
	for _, p := range problems {
		if p.Level == Error && len(texts) < most {
			text := p.Text
			if key := strings.TrimPrefix(p.Key, "."); key != "" {
				text = key + ": " + text
			}
			texts = append(texts, text)
		}
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}
