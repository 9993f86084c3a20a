package config

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// mostChanges bounds what Changes lists; more are counted.
const mostChanges = 100

// Changes lists what a configuration has other than the one before it, one line
// each, without secrets: keys with both values, tables of many by name.
func (c *Config) Changes(before *Config) []string {
	d := difference{lines: []string{}}
	d.tables("", reflect.ValueOf(before).Elem(), reflect.ValueOf(c).Elem())
	if more := len(d.lines) - mostChanges; more > 0 {
		d.lines = append(d.lines[:mostChanges], fmt.Sprintf("and %d more", more))
	}
	return d.lines
}

// difference collects the lines of Changes.
type difference struct{ lines []string }

func (d *difference) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// tables compares two tables of the same shape key by key.
func (d *difference) tables(key string, before, after reflect.Value) {
	shape := after.Type()
	for _, field := range reflect.VisibleFields(shape) {
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		if name == "" || name == "-" || !field.IsExported() {
			continue
		}
		d.values(joinKey(key, name), before.FieldByIndex(field.Index), after.FieldByIndex(field.Index))
	}
}

// values compares what a key holds.
func (d *difference) values(key string, before, after reflect.Value) {
	if upstreams, ok := after.Interface().(Upstreams); ok {
		d.upstreams(key, before.Interface().(Upstreams), upstreams)
		return
	}
	if tenants, ok := after.Interface().([]Tenant); ok {
		entries(d, key, before.Interface().([]Tenant), tenants, tenantName, (*Tenant).same)
		return
	}
	if routes, ok := after.Interface().([]Route); ok {
		entries(d, key, before.Interface().([]Route), routes, routeName, func(a, b *Route) bool { return reflect.DeepEqual(a, b) })
		return
	}
	isValue := reflect.PointerTo(after.Type()).Implements(unmarshaler)
	switch {
	case after.Kind() == reflect.Struct && !isValue:
		d.tables(key, before, after)
	case reflect.DeepEqual(before.Interface(), after.Interface()):
	case reflect.PointerTo(after.Type()).Implements(reflect.TypeFor[hider]()) || holdsTables(after.Type()) && !isValue:
		d.add("%s: changed", key)
	default:
		d.add("%s: %s → %s", key, written(before), written(after))
	}
}

// holdsTables reports whether values of a type are many tables.
func holdsTables(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && !reflect.PointerTo(t.Elem()).Implements(unmarshaler) &&
		(t.Elem().Kind() == reflect.Struct || t.Elem().Kind() == reflect.Pointer)
}

// written is a value as a configuration has it.
func written(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "none"
	}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(map[string]any{"v": v.Interface()}); err != nil {
		panic("BUG: a value of the configuration cannot be written: " + err.Error())
	}
	text := strings.TrimSpace(strings.TrimPrefix(b.String(), "v = "))
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ReplaceAll(text, "\n", " ")
}

func (d *difference) upstreams(key string, before, after Upstreams) {
	for _, name := range names(before, after) {
		full := joinKey(key, name)
		was, is := before[name], after[name]
		switch {
		case was == nil:
			d.add("%s: new", full)
		case is == nil:
			d.add("%s: gone", full)
		default:
			d.tables(full, reflect.ValueOf(was).Elem(), reflect.ValueOf(is).Elem())
		}
	}
}

func tenantName(t *Tenant) string {
	return t.ID + "/" + cmp.Or(t.Name, t.Username, t.CommonName, t.SAN, t.Authentication)
}

// same reports whether another table has all that this one has. Of a hundred thousand it is asked at every reload, and
// reflection takes ten times as long.
func (t *Tenant) same(other *Tenant) bool {
	return t.ID == other.ID && t.Name == other.Name && t.Authentication == other.Authentication && t.Username == other.Username &&
		t.Password == other.Password && t.PasswordFile == other.PasswordFile && t.PasswordHash == other.PasswordHash && t.PasswordSHA256 == other.PasswordSHA256 &&
		t.Token == other.Token && t.TokenFile == other.TokenFile && t.TokenSHA256 == other.TokenSHA256 && t.FromFile == other.FromFile &&
		t.CommonName == other.CommonName && t.SAN == other.SAN &&
		t.Expires.Time.Equal(other.Expires.Time) && t.NotBefore.Time.Equal(other.NotBefore.Time) &&
		alike(t.Scopes, other.Scopes) && alike(t.AllowFrom, other.AllowFrom) &&
		alike(t.ReadTenants, other.ReadTenants) && alike(t.ReadDefault, other.ReadDefault) && alike(t.WriteTenants, other.WriteTenants) &&
		(t.Limits == other.Limits || t.Limits != nil && other.Limits != nil && *t.Limits == *other.Limits)
}

// alike reports whether two lists are equal; one that was not given is not one that is empty.
func alike[S ~[]E, E comparable](a, b S) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

func routeName(r *Route) string {
	path := r.Path
	if r.Prefix && !strings.HasSuffix(path, "/*") {
		path += "/*"
	}
	return strings.TrimSpace(strings.Join(r.Methods, ",") + " " + path)
}

// entries compares tables of many by name. Of a hundred thousand almost all stand where they stood, so only what lies
// between the first that is other and the last is looked at closely.
func entries[T any](d *difference, key string, before, after []T, name func(*T) string, same func(a, b *T) bool) {
	first := 0
	for first < min(len(before), len(after)) && same(&before[first], &after[first]) {
		first++
	}
	begin, before, after := after[:first], before[first:], after[first:]
	last := 0
	for last < min(len(before), len(after)) && same(&before[len(before)-1-last], &after[len(after)-1-last]) {
		last++
	}
	rest, before, after := after[len(after)-last:], before[:len(before)-last], after[:len(after)-last]
	if len(before)+len(after) == 0 {
		return
	}
	was, is := byName(before, name), byName(after, name)
	all := names(was, is)
	stays := make(map[string]bool) // of their names, those that also what did not change has
	if slices.ContainsFunc(all, func(n string) bool { return len(was[n]) == 0 || len(is[n]) == 0 }) {
		for _, list := range [][]T{begin, rest} {
			for i := range list {
				if n := name(&list[i]); len(was[n])+len(is[n]) > 0 {
					stays[n] = true
				}
			}
		}
	}
	for _, n := range all {
		switch {
		case slices.EqualFunc(was[n], is[n], func(a, b T) bool { return same(&a, &b) }):
		case len(was[n]) == 0 && !stays[n]:
			d.add("%s: %s: new", key, n)
		case len(is[n]) == 0 && !stays[n]:
			d.add("%s: %s: gone", key, n)
		default:
			d.add("%s: %s: changed", key, n)
		}
	}
}

// byName puts entries under their names; several can have the same one.
func byName[T any](entries []T, name func(*T) string) map[string][]T {
	by := make(map[string][]T, len(entries))
	for i := range entries {
		n := name(&entries[i])
		by[n] = append(by[n], entries[i])
	}
	return by
}

// names are the keys of both maps, sorted.
func names[V any](a, b map[string]V) []string {
	all := make(map[string]struct{}, len(a)+len(b))
	for name := range a {
		all[name] = struct{}{}
	}
	for name := range b {
		all[name] = struct{}{}
	}
	return slices.Sorted(maps.Keys(all))
}
