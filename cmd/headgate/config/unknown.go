package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// unknownKey says what is wrong with a key that its table does not have, and what
// was probably meant: another key of the same table, if it is one.
func unknownKey(table, name string, v any, fields map[string][]int) (text, meant string) {
	what := "unknown key"
	switch v.(type) {
	case map[string]any, []map[string]any:
		what = "unknown table"
	}
	if table == "" {
		if component, ok := ComponentMeant(name); ok {
			return what + ", did you mean [upstreams." + component + "]?", ""
		}
	}
	known := slices.Sorted(maps.Keys(fields))
	if near, ok := nearestOrLonger(name, known); ok {
		return what + ", did you mean " + show(near) + "?", near
	}
	if tables := tablesWith(name); len(tables) > 0 {
		return what + "; it belongs to " + strings.Join(tables, " or "), ""
	}
	return what + "; known here: " + strings.Join(known, ", "), ""
}

// nearestOrLonger is nearest, or else the one known name that starts with the
// given one or is the start of it: "user" and "username".
func nearestOrLonger(name string, known []string) (string, bool) {
	const least = 4
	if near, ok := nearest(name, known); ok {
		return near, true
	}
	found := ""
	for _, k := range known {
		short, long := k, name
		if len(short) > len(long) {
			short, long = long, short
		}
		if len(short) >= least && strings.HasPrefix(long, short) {
			if found != "" {
				return "", false
			}
			found = k
		}
	}
	return found, found != ""
}

// nearest is the known name that a misspelt one stands for, if one is near enough.
func nearest(name string, known []string) (string, bool) {
	best, most := "", 0
	switch {
	case len(name) >= 6:
		most = 2
	case len(name) >= 3:
		most = 1
	}
	least := most + 1
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k, true
		}
		if d := editDistance(name, k, most); d < least {
			best, least = k, d
		}
	}
	return best, least <= most
}

// editDistance counts the letters to insert, drop, change or swap with their
// neighbour that make b out of a. It gives up with more than most when the
// lengths alone rule anything less out.
func editDistance(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before := make([]int, len(b)+1) // the row above the last one
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// tablesWith are the tables that have a key of this name. A key that follows the
// wrong header is a common slip, for TOML has no way to leave a table.
func tablesWith(name string) []string {
	var tables []string
	var walk func(t reflect.Type, header string)
	walk = func(t reflect.Type, header string) {
		for key, i := range fieldsOf(t) {
			if key == name && header != "" {
				tables = append(tables, header)
			}
			inner := strings.Trim(joinKey(strings.Trim(header, "[]"), key), ".")
			switch ft := t.FieldByIndex(i).Type; {
			case reflect.PointerTo(ft).Implements(unmarshaler):
			case ft.Kind() == reflect.Struct:
				walk(ft, "["+inner+"]")
			case ft.Kind() == reflect.Map:
				walk(ft.Elem().Elem(), "["+inner+".NAME]")
			case ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct:
				if !reflect.PointerTo(ft.Elem()).Implements(unmarshaler) {
					walk(ft.Elem(), "[["+inner+"]]")
				}
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	slices.Sort(tables)
	return tables
}
