package config

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Assignable are the keys of a [[tenants]] table that Assign sets, those of its
// limits among them.
var Assignable = []string{
	"name", "scopes", "not_before", "expires", "allow_from", "read_tenants", "read_default", "write_tenants",
	"requests_per_second", "bytes_per_second", "max_in_flight",
}

// Assign sets a key of Assignable to what a command line has for it: lists with
// commas, dates and numbers without quotes, "" for none. Limits of which none is left
// are gone, so that those of limits.tenant_default count. The error says what is wanted.
func (t *Tenant) Assign(key, text string) error {
	into := reflect.ValueOf(t).Elem()
	if _, ok := fieldsOf(into.Type())[key]; !ok {
		if t.Limits == nil {
			t.Limits = new(TenantLimits)
		}
		into = reflect.ValueOf(t.Limits).Elem()
	}
	field := into.FieldByIndex(fieldsOf(into.Type())[key])
	if text == "" {
		field.SetZero()
		if t.Limits != nil && *t.Limits == (TenantLimits{}) {
			t.Limits = nil
		}
		return nil
	}
	r := new(report)
	newDecoder(r).value(&place{name: key}, valueOf(field.Kind(), text), field)
	if len(r.problems) > 0 {
		return errors.New(r.problems[0].Text)
	}
	return nil
}

// valueOf is the TOML value that a text stands for.
func valueOf(kind reflect.Kind, text string) any {
	if kind == reflect.Slice {
		var list []any
		for item := range strings.SplitSeq(text, ",") {
			list = append(list, item)
		}
		return list
	}
	if kind == reflect.String {
		return text
	}
	if date, err := time.Parse(time.RFC3339, text); err == nil {
		return date
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text
}

// ReadTenants are the [[tenants]] of a file that holds nothing else, for who looks
// at each of them.
func ReadTenants(text []byte) ([]Tenant, error) {
	tree, err := parseTOML(string(text))
	if err != nil {
		return nil, errors.New(syntaxProblem("", err).Text)
	}
	var file tenantsShape
	r := new(report)
	newDecoder(r).table(nil, tree, reflect.ValueOf(&file).Elem())
	if err := firstErrors(r.finish(text)); err != nil {
		return nil, err
	}
	return file.Tenants, nil
}
