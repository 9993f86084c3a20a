package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const exampleFile = "../../../config.toml.example"

func TestExampleIsTheDefaultAsItIs(t *testing.T) {
	got, want := mustParse(t, exampleText(t)), mustParse(t, "")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Uncommented, its single tables are the default, and its tables of many load.
func TestExampleShowsTheDefaults(t *testing.T) {
	text := uncomment(exampleText(t))
	got, problems := Parse(exampleFile, []byte(text), Options{NoFiles: true, Env: noEnv})
	if problems.Errors() > 0 {
		t.Fatal(problemText(problems, ""))
	}
	for _, p := range problems {
		// The default is for a place behind something that ends TLS.
		if (p.Key != "server.listen" || !strings.Contains(p.Text, "plain HTTP")) && !strings.Contains(p.Text, "server.tls.client_auth") {
			t.Errorf("unexpected: %s", p)
		}
	}
	want := Default()
	if len(got.Auth.JWT.Issuers) == 0 {
		t.Error("the example has no further issuer")
	}
	got.Auth.JWT.Issuers = nil
	if len(got.Limits.Tenants) == 0 {
		t.Error("the example has no limits of a tenant")
	}
	got.Limits.Tenants = nil
	for _, pair := range [][2]*AutoDuration{
		{&got.Server.WriteTimeout, &want.Server.WriteTimeout},
		{&got.Server.DrainTimeout, &want.Server.DrainTimeout},
	} {
		if pair[0].Value == 0 {
			t.Error("an automatic value is not derived")
		}
		pair[0].Value = 0
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		field := reflect.TypeFor[Config]().Field(i)
		if field.Type.Kind() != reflect.Struct {
			continue
		}
		g, w := reflect.ValueOf(got).Elem().Field(i).Interface(), reflect.ValueOf(want).Elem().Field(i).Interface()
		if !reflect.DeepEqual(g, w) {
			t.Errorf("[%s]:\n got %+v\nwant %+v", field.Tag.Get("toml"), g, w)
		}
	}
	if len(got.Upstreams) == 0 || len(got.Routes) == 0 || len(got.Tenants) == 0 {
		t.Errorf("the example has %d upstreams, %d routes and %d tenants", len(got.Upstreams), len(got.Routes), len(got.Tenants))
	}

	// The upstream in it shows the defaults of its component.
	u, plain := *got.Upstreams[Distributor], new(Upstream)
	plain.setDefaults()
	plain = plain.effective(Distributor)
	retries := defaultRetriesOnWrite
	plain.Retries = &retries
	plain.URL, plain.targets = u.URL, u.targets
	if !reflect.DeepEqual(&u, plain) {
		t.Errorf("[upstreams.distributor]:\n got %#v\nwant %#v", u, *plain)
	}
}

// A key that is accepted is in the example, under its own header.
func TestExampleHasEveryKey(t *testing.T) {
	var tree map[string]any
	if _, err := toml.Decode(uncomment(exampleText(t)), &tree); err != nil {
		t.Fatal(err)
	}
	var check func(header string, shape reflect.Type, tables []map[string]any)
	check = func(header string, shape reflect.Type, tables []map[string]any) {
		for name, i := range fieldsOf(shape) {
			var values []any
			for _, table := range tables {
				if v, ok := table[name]; ok {
					values = append(values, v)
				}
			}
			if len(values) == 0 {
				t.Errorf("%s is not in the example", joinKey(header, name))
				continue
			}
			var inner []map[string]any
			for _, v := range values {
				switch v := v.(type) {
				case map[string]any:
					inner = append(inner, v)
				case []map[string]any:
					inner = append(inner, v...)
				}
			}
			switch field := shape.FieldByIndex(i).Type; {
			case len(inner) == 0, reflect.PointerTo(field).Implements(unmarshaler):
			case field.Kind() == reflect.Map:
				var named []map[string]any
				for _, v := range slices.Collect(maps.Values(inner[0])) {
					named = append(named, v.(map[string]any))
				}
				check(joinKey(header, name), field.Elem().Elem(), named)
			case field.Kind() == reflect.Slice, field.Kind() == reflect.Pointer:
				check(joinKey(header, name), field.Elem(), inner)
			default:
				check(joinKey(header, name), field, inner)
			}
		}
	}
	check("", reflect.TypeFor[Config](), []map[string]any{tree})
}

func exampleText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// uncomment takes the # from every key, and leaves the ## of the prose.
func uncomment(text string) string {
	return regexp.MustCompile(`(?m)^#([^#])`).ReplaceAllString(text, "$1")
}
