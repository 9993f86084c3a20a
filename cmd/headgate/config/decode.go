package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// decoder copies parsed TOML into the shape. The library's own decoding stops at
// the first wrong type, takes keys in any case, and cannot say which [[tenants]]
// an unknown key is in; this one reports every problem, under its full key.
type decoder struct {
	*report
	fields map[reflect.Type]map[string][]int // by key
}

// defaulter is a table that starts with defaults of its own.
type defaulter interface{ setDefaults() }

// hider is a value that is not shown in problems.
type hider interface{ hides() }

func newDecoder(r *report) *decoder {
	return &decoder{report: r, fields: make(map[reflect.Type]map[string][]int)}
}

// place is where a value stands. Its key is put together only when something is wrong there: of the keys of a hundred
// thousand tenants hardly one is ever shown. nil is the file.
type place struct {
	in      *place
	name    string
	element bool // of a list: index is what it has for a name
	index   int
}

// key is the full key of the place.
func (p *place) key() string {
	switch {
	case p == nil:
		return ""
	case p.element:
		return indexKey(p.in.key(), p.index)
	}
	return joinKey(p.in.key(), p.name)
}

// table copies a TOML table into a struct.
func (d *decoder) table(at *place, from map[string]any, into reflect.Value) {
	fields := d.fieldsOf(into.Type())
	for name, v := range from {
		i, ok := fields[name]
		if !ok {
			text, meant := unknownKey(at.key(), name, v, fields)
			d.fail(joinKey(at.key(), name), "%s", text)
			if _, there := from[meant]; meant != "" && !there {
				d.silence(joinKey(at.key(), meant)) // that it is missing follows from this
			}
			continue
		}
		d.value(&place{in: at, name: name}, v, into.FieldByIndex(i))
	}
}

// value copies one value, of whatever type.
func (d *decoder) value(at *place, v any, into reflect.Value) {
	if u, ok := into.Addr().Interface().(toml.Unmarshaler); ok {
		if err := u.UnmarshalTOML(v); err != nil {
			d.mismatch(at, v, into, err.Error())
		}
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		if from, ok := v.(map[string]any); ok {
			d.table(at, from, into)
			return
		}
		d.mismatch(at, v, into, "is "+kindOf(v)+"; want a table, ["+at.key()+"]")
	case reflect.Map:
		d.tables(at, v, into)
	case reflect.Slice:
		d.list(at, v, into)
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(at, v, into.Elem())
	default:
		d.scalar(at, v, into)
	}
}

// tables copies the tables of [key.NAME] into a map.
func (d *decoder) tables(at *place, v any, into reflect.Value) {
	from, ok := v.(map[string]any)
	if !ok {
		d.mismatch(at, v, into, "is "+kindOf(v)+"; want tables, ["+at.key()+".NAME]")
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(from)))
	for name, v := range from {
		entry := reflect.New(into.Type().Elem().Elem())
		if e, ok := entry.Interface().(defaulter); ok {
			e.setDefaults()
		}
		d.value(&place{in: at, name: name}, v, entry.Elem())
		into.SetMapIndex(reflect.ValueOf(strings.Clone(name)), entry)
	}
}

// list copies an array. One that is given replaces the default as a whole.
func (d *decoder) list(at *place, v any, into reflect.Value) {
	elem := into.Type().Elem()
	var from []any
	switch v := v.(type) {
	case []any:
		from = v
	case []map[string]any:
		from = make([]any, len(v))
		for i := range v {
			from[i] = v[i]
		}
	default:
		want := "a list"
		if elem.Kind() == reflect.Struct && !reflect.PointerTo(elem).Implements(unmarshaler) {
			want = "a list of tables, [[" + at.key() + "]]"
		}
		d.mismatch(at, v, into, "is "+kindOf(v)+"; want "+want)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(from), len(from))
	for i := range from {
		if e, ok := list.Index(i).Addr().Interface().(defaulter); ok {
			e.setDefaults()
		}
		d.value(&place{in: at, element: true, index: i}, from[i], list.Index(i))
	}
	into.Set(list)
}

var unmarshaler = reflect.TypeFor[toml.Unmarshaler]()

// scalar copies a string, a boolean or an integer.
func (d *decoder) scalar(at *place, v any, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if text, ok := v.(string); ok {
			// A copy: the string of the parser would keep the text of the whole
			// file, and the passwords in it, in memory.
			into.SetString(strings.Clone(text))
			return
		}
		d.mismatch(at, v, into, "is "+kindOf(v)+"; want a string")
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			into.SetBool(b)
			return
		}
		d.mismatch(at, v, into, "is "+kindOf(v)+"; want true or false")
	case reflect.Int:
		n, ok := v.(int64)
		switch {
		case !ok:
			d.mismatch(at, v, into, "is "+kindOf(v)+"; want an integer")
		case n < 0 || n > math.MaxInt32:
			d.mismatch(at, v, into, fmt.Sprintf("is out of range; want 0 to %d", math.MaxInt32))
		default:
			into.SetInt(n)
		}
	default:
		panic("BUG: " + at.key() + " has a type that the decoder does not know: " + into.Type().String())
	}
}

// mismatch reports a value that the type of its key refuses.
func (d *decoder) mismatch(at *place, v any, into reflect.Value, text string) {
	shown := show(v)
	if _, ok := into.Addr().Interface().(hider); ok {
		shown = "the value"
	}
	d.fail(at.key(), "%s %s", shown, text)
}

func (d *decoder) fieldsOf(t reflect.Type) map[string][]int {
	if fields, ok := d.fields[t]; ok {
		return fields
	}
	fields := fieldsOf(t)
	d.fields[t] = fields
	return fields
}

// fieldsOf are the keys of a table and the indices of their fields. What is
// embedded is part of the table.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := make(map[string][]int, t.NumField())
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		if name != "" && name != "-" && field.IsExported() {
			fields[name] = field.Index
		}
	}
	return fields
}

// kindOf names the TOML type of a value.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case time.Time:
		return "a date"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "a list of tables"
	case []any:
		return "a list"
	}
	return fmt.Sprintf("a %T", v)
}

// joinKey is the full key of name in a table: "upstreams.distributor". A name
// that is not a bare TOML key is quoted.
func joinKey(table, name string) string {
	if !bareKey(name) {
		name = strconv.Quote(name)
	}
	if table == "" {
		return name
	}
	return table + "." + name
}

// indexKey is the full key of an element of a list: "tenants[3]".
func indexKey(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func bareKey(name string) bool {
	for _, c := range []byte(name) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return name != ""
}
