package config

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const referenceFile = "../../../docs/configuration.md"

// The tables of docs/configuration.md are those of config.toml.example, its
// prose beside the defaults of the program; make golden rewrites them.
func TestReferenceIsTheExampleWithTheDefaults(t *testing.T) {
	text, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated: configuration -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the tables", referenceFile)
	}
	r := reference{comments: shapeComments(t)}
	r.read(t, exampleText(t))
	for _, s := range r.sections {
		for _, row := range s.rows {
			if row.meaning == "" {
				t.Errorf("%s: nothing says what %v means; want a comment in config.toml.example, or behind the field of the shape", s.header, row.keys)
			}
		}
	}
	got := r.String()
	if old == got {
		return
	}
	if !*update {
		t.Fatalf("%s is not what config.toml.example and the defaults say; run make golden", referenceFile)
	}
	if err := os.WriteFile(referenceFile, []byte(before+begin+got+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What the example shows of a table that there may be many of is an example, and no
// default.
func TestReferenceTakesNoExampleForADefault(t *testing.T) {
	r := reference{comments: shapeComments(t)}
	r.read(t, exampleText(t))
	for _, s := range r.sections {
		if s.header == "[limits.tenants.NAME]" || s.header == "[tenants.limits]" {
			if got := s.defaults()["requests_per_second"]; got != "0.0" {
				t.Errorf("%s: requests_per_second is %s by default, want 0.0, which the example has not", s.header, got)
			}
		}
	}
}

// reference is the example, table by table.
type reference struct {
	sections []*section
	comments map[string]string // of the fields of the shape, by "Type.key"
}

// section is one table of the configuration.
type section struct {
	header string // as it is written: "[server.tls]", "[[routes]]"
	title  string // of the part that begins with it, or empty
	prose  []string
	rows   []row
	shape  reflect.Type
	single bool              // there is one of it
	shown  map[string]string // the keys that the example has shown, with their values
}

// row is one key, or several that the example explains together.
type row struct {
	keys    []string
	meaning string
}

// read goes through the example paragraph by paragraph.
func (r *reference) read(t *testing.T, text string) {
	var at *section
	var prose []string // of whatever comes next
	title := ""
	for _, paragraph := range strings.Split(text, "\n\n") {
		var lines, keys []string
		began := false // a table begins here
		for _, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			said, isProse := strings.CutPrefix(line, "##")
			switch {
			case isProse && strings.HasPrefix(strings.TrimSpace(said), "-----"):
			case isProse:
				lines = append(lines, strings.TrimPrefix(said, " "))
			case strings.HasPrefix(line, "#["):
				before := len(r.sections)
				at = r.section(t, line[1:], title)
				if began = len(r.sections) > before; began {
					at.prose = append(append(at.prose, prose...), strings.Join(lines, "\n"))
					lines, title = nil, ""
				}
				prose = nil
			case strings.Contains(line, " = "):
				key, value, _ := strings.Cut(line[1:], " = ")
				if at == nil {
					t.Fatalf("config.toml.example: %s stands in no table", key)
				}
				if _, shown := at.shown[key]; !shown {
					at.shown[key] = value
					keys = append(keys, key)
				}
			}
		}
		meaning := strings.Join(lines, "\n")
		switch {
		case strings.Contains(paragraph, "## -----"):
			title, prose = strings.TrimSpace(meaning), nil
		case len(keys) == 0 && began:
			at.prose = append(at.prose, meaning)
		case len(keys) == 0:
			if meaning != "" {
				prose = append(prose, meaning)
			}
		case meaning == "":
			for _, key := range keys {
				at.rows = append(at.rows, row{keys: []string{key}, meaning: r.comment(at.shape, key)})
			}
		default:
			at.rows = append(at.rows, row{keys: keys, meaning: meaning})
		}
	}
}

// section is the table with a header, which the example may show more than once.
func (r *reference) section(t *testing.T, header, title string) *section {
	shape := reflect.TypeFor[Config]()
	bare := strings.Trim(header, "[]")
	words := strings.Split(bare, ".")
	single := true
	for i := 0; i < len(words); i++ {
		field, ok := fieldsOf(shape)[words[i]]
		if !ok {
			t.Fatalf("config.toml.example: %s is no table of the configuration", header)
		}
		shape = shape.FieldByIndex(field).Type
		if shape.Kind() == reflect.Map && i+1 < len(words) {
			i++
			words[i] = "NAME"
		}
		for shape.Kind() == reflect.Slice || shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Map {
			single = single && shape.Kind() == reflect.Pointer
			shape = shape.Elem()
		}
	}
	header = strings.Replace(header, bare, strings.Join(words, "."), 1)
	for _, s := range r.sections {
		if s.header == header {
			return s
		}
	}
	s := &section{header: header, title: title, shape: shape, single: single, shown: make(map[string]string)}
	r.sections = append(r.sections, s)
	return s
}

// comment is what the shape says of a key, or a shape in it does.
func (r *reference) comment(shape reflect.Type, key string) string {
	if text, ok := r.comments[shape.Name()+"."+key]; ok {
		return text
	}
	for i := range shape.NumField() {
		if f := shape.Field(i); f.Anonymous {
			if text := r.comment(f.Type, key); text != "" {
				return text
			}
		}
	}
	return ""
}

// String is the reference in Markdown.
func (r *reference) String() string {
	var b strings.Builder
	for _, s := range r.sections {
		if s.title != "" {
			fmt.Fprintf(&b, "\n## %s\n", s.title)
		}
		fmt.Fprintf(&b, "\n### `%s`\n", s.header)
		for _, p := range s.prose {
			if p = strings.TrimSpace(p); p != "" {
				fmt.Fprintf(&b, "\n%s\n", escape.Replace(p))
			}
		}
		if len(s.rows) == 0 {
			continue
		}
		b.WriteString("\n| key | default | meaning |\n|---|---|---|\n")
		defaults := s.defaults()
		for _, row := range s.rows {
			var keys, values []string
			for _, key := range row.keys {
				keys = append(keys, "`"+key+"`")
				value := "–"
				if v, ok := defaults[key]; ok {
					value = "`" + v + "`"
				}
				values = append(values, value)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.Join(keys, "<br>"), strings.Join(values, "<br>"), cell(row.meaning))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// cell is prose in one cell of a table.
func cell(prose string) string {
	return escape.Replace(strings.Join(strings.Fields(prose), " "))
}

// escape keeps Markdown from reading prose as anything else.
var escape = strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;")

// defaults are the keys of the table that stand for something when they are left
// out, with what that is. A table that there is only one of is in the example at
// its default, which another test makes sure of.
func (s *section) defaults() map[string]string {
	if s.single {
		return s.shown
	}
	like, ok := find(reflect.ValueOf(Default()).Elem(), s.shape)
	value := reflect.New(s.shape)
	if ok {
		value.Elem().Set(like)
	}
	if d, ok := value.Interface().(defaulter); ok {
		d.setDefaults()
	}
	var u Upstream
	u.setDefaults()
	if ofEach, ok := find(reflect.ValueOf(u), s.shape); ok {
		value.Elem().Set(ofEach)
	}
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(value.Interface()); err != nil {
		panic("BUG: the defaults cannot be written: " + err.Error())
	}
	found := make(map[string]string)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "[") {
			break // the tables in it come last, and have sections of their own
		}
		if key, v, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			found[key] = v
		}
	}
	return found
}

// find is the value of a type among the tables in a table, whose defaults it has.
func find(in reflect.Value, shape reflect.Type) (reflect.Value, bool) {
	for i := range in.NumField() {
		field := in.Field(i)
		if field.Kind() != reflect.Struct || !in.Type().Field(i).IsExported() {
			continue
		}
		if field.Type() == shape {
			return field, true
		}
		if inner, ok := find(field, shape); ok {
			return inner, true
		}
	}
	return reflect.Value{}, false
}

// shapeComments are the comments behind the fields of the shape, for keys that
// the example shows without a word.
func shapeComments(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			shape, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			words := regexp.MustCompile(`\b[A-Z]\w+\b`)
			keys := make(map[string]string) // by the name of the field
			for _, field := range shape.Fields.List {
				if m := regexp.MustCompile(`toml:"([a-z0-9_]+)`).FindStringSubmatch(tagOf(field)); m != nil && len(field.Names) == 1 {
					keys[field.Names[0].Name] = m[1]
				}
			}
			for _, field := range shape.Fields.List {
				if len(field.Names) != 1 || field.Comment == nil {
					continue
				}
				text := words.ReplaceAllStringFunc(strings.TrimSpace(field.Comment.Text()), func(word string) string {
					return cmp.Or(keys[word], word)
				})
				found[spec.Name.Name+"."+keys[field.Names[0].Name]] = text
			}
			return true
		})
	}
	return found
}

func tagOf(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	return field.Tag.Value
}
