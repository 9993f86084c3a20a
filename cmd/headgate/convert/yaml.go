package convert

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxDepth is how deep a YAML file may be nested: the formats here need five.
const maxDepth = 50

// node is a value of a YAML file. A table, a list and a scalar are told apart by which of the three is set.
type node struct {
	line   int
	fields []field // of a table, in the order of the file
	items  []*node // of a list
	text   string  // of a scalar, without its quotes
	kind   kind
}

// field is one entry of a table.
type field struct {
	key   string
	line  int
	value *node
}

type kind uint8

const (
	empty kind = iota // nothing, or null
	scalar
	list
	table
)

func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a table"}[k]
}

// lineError is something wrong in a line of a file. It never holds a value, which may be a secret.
type lineError struct {
	line int // 0: not known
	text string
}

func (e *lineError) Error() string {
	if e.line <= 0 {
		return e.text
	}
	return fmt.Sprintf("line %d: %s", e.line, e.text)
}

func wrongLine(line int, format string, args ...any) error {
	return &lineError{line, fmt.Sprintf(format, args...)}
}

// parseYAML reads a file of one document.
func parseYAML(text []byte) (root *node, err error) {
	// The library panics on some texts that are not YAML.
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, errors.New("is not YAML: the parser gave up on it")
		}
	}()
	file, err := parser.ParseBytes(bytes.TrimPrefix(text, []byte("\ufeff")), 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	var bodies []ast.Node
	for _, document := range file.Docs {
		if document.Body != nil && document.Body.Type() != ast.CommentType {
			bodies = append(bodies, document.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil, errors.New("is empty; want the configuration of a gateway")
	case 1:
	default:
		return nil, fmt.Errorf("holds %d YAML documents; want one", len(bodies))
	}
	b := builder{anchors: make(map[string]*node)}
	return b.build(bodies[0], 0)
}

// quoted is what the library quotes of a file in its messages: perhaps a secret.
var quoted = regexp.MustCompile(`"[^"]{2,}.*"|'[^']{3,}.*'`)

// syntaxError words an error of the library, whose own text shows the lines around it.
func syntaxError(err error) error {
	var found yaml.Error
	if !errors.As(err, &found) {
		return errors.New("is not YAML")
	}
	line := 0
	if token := found.GetToken(); token != nil && token.Position != nil {
		line = token.Position.Line
	}
	message, _, _ := strings.Cut(found.GetMessage(), "\n")
	return wrongLine(line, "is not YAML: %s", plain(quoted.ReplaceAllLiteralString(message, "a value")))
}

// builder makes nodes of the library's.
type builder struct {
	anchors map[string]*node
}

func (b *builder) build(from ast.Node, depth int) (*node, error) {
	if from == nil {
		return &node{}, nil
	}
	line := 0
	if token := from.GetToken(); token != nil && token.Position != nil {
		line = token.Position.Line
	}
	if depth > maxDepth {
		return nil, wrongLine(line, "is nested more than %d deep", maxDepth)
	}
	depth++
	switch from := from.(type) {
	case *ast.MappingNode:
		return b.table(from.Values, line, depth)
	case *ast.MappingValueNode:
		return b.table([]*ast.MappingValueNode{from}, line, depth)
	case *ast.SequenceNode:
		result := &node{line: line, kind: list}
		for _, value := range from.Values {
			item, err := b.build(value, depth)
			if err != nil {
				return nil, err
			}
			result.items = append(result.items, item)
		}
		return result, nil
	case *ast.AnchorNode:
		value, err := b.build(from.Value, depth)
		if err == nil && from.Name != nil {
			b.anchors[from.Name.GetToken().Value] = value
		}
		return value, err
	case *ast.AliasNode:
		if from.Value != nil {
			if value, ok := b.anchors[from.Value.GetToken().Value]; ok {
				return value, nil
			}
		}
		return nil, wrongLine(line, "has an alias without an anchor before it")
	case *ast.TagNode:
		value, err := b.build(from.Value, depth)
		if err == nil && from.GetToken().Value == "!!binary" {
			return value.decode()
		}
		return value, err
	case *ast.MappingKeyNode:
		return b.build(from.Value, depth)
	case *ast.NullNode:
		return &node{line: line}, nil
	case *ast.StringNode:
		return &node{line: line, kind: scalar, text: from.Value}, nil
	case *ast.LiteralNode:
		if from.Value == nil {
			return &node{line: line, kind: scalar}, nil
		}
		return &node{line: line, kind: scalar, text: from.Value.Value}, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return &node{line: line, kind: scalar, text: from.GetToken().Value}, nil
	}
	return nil, wrongLine(line, "holds something that no configuration of a gateway has")
}

// decode is the text that a scalar holds in base64.
func (n *node) decode() (*node, error) {
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.text), ""))
	if n.kind != scalar || err != nil {
		return nil, wrongLine(n.line, "is not base64, as !!binary says")
	}
	return &node{line: n.line, kind: scalar, text: string(text)}, nil
}

// table makes a table. A merge key ("<<") adds what the table does not have itself.
func (b *builder) table(values []*ast.MappingValueNode, line, depth int) (*node, error) {
	result := &node{line: line, kind: table}
	var merged []*node
	for _, entry := range values {
		value, err := b.build(entry.Value, depth)
		if err != nil {
			return nil, err
		}
		key := entry.Key.GetToken()
		if entry.Key.IsMergeKey() {
			tables, err := value.tables(key.Position.Line)
			if err != nil {
				return nil, err
			}
			merged = append(merged, tables...)
			continue
		}
		name := key.Value
		switch entry.Key.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MappingKeyNode:
			text, err := b.build(entry.Key, depth)
			if err != nil {
				return nil, err
			}
			if text.kind != scalar {
				return nil, wrongLine(key.Position.Line, "has a key that is %s; want a name", text.kind)
			}
			name = text.text
		}
		if result.get(name) != nil {
			return nil, wrongLine(key.Position.Line, "key %s is there twice", show(name))
		}
		result.fields = append(result.fields, field{name, key.Position.Line, value})
	}
	for _, from := range merged {
		for _, f := range from.fields {
			if result.get(f.key) == nil {
				result.fields = append(result.fields, f)
			}
		}
	}
	return result, nil
}

// tables are the tables that a merge key in a line has: the first that has a key counts.
func (n *node) tables(line int) ([]*node, error) {
	all := []*node{n}
	if n.kind == list {
		all = n.items
	}
	for _, from := range all {
		if from.kind != table {
			return nil, wrongLine(line, `"<<" has %s in it; want a table, or a list of tables`, from.kind)
		}
	}
	return all, nil
}

// get is the value of a key, or nil.
func (n *node) get(key string) *node {
	for i := range n.fields {
		if n.fields[i].key == key {
			return n.fields[i].value
		}
	}
	return nil
}

// readers say what to do with the value of each key that a table may have.
type readers map[string]func(*node) error

// read goes through a table. A key that has no reader is an error, as it was to the original.
func (n *node) read(where string, known readers) error {
	if n.kind == empty {
		return nil
	}
	if n.kind != table {
		return wrongLine(n.line, "%s is %s; want a table", where, n.kind)
	}
	var problems []error
	for _, f := range n.fields {
		read, ok := known[f.key]
		if !ok {
			problems = append(problems, wrongLine(f.line, "%s: key %s is unknown; want one of %s", where, show(f.key), names(known)))
			continue
		}
		if f.value.line == 0 {
			f.value.line = f.line
		}
		if err := read(f.value); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// The readers of scalars. Each gives its value to set.

func readText(where string, set func(string)) func(*node) error {
	return func(n *node) error {
		if n.kind != scalar && n.kind != empty {
			return wrongLine(n.line, "%s is %s; want a single value", where, n.kind)
		}
		set(n.text)
		return nil
	}
}

func readList(where string, each func(*node) error) func(*node) error {
	return func(n *node) error {
		if n.kind != list && n.kind != empty {
			return wrongLine(n.line, "%s is %s; want a list", where, n.kind)
		}
		var problems []error
		for _, item := range n.items {
			problems = append(problems, each(item))
		}
		return errors.Join(problems...)
	}
}

func readPort(where string, set func(int)) func(*node) error {
	return func(n *node) error {
		port, err := strconv.Atoi(n.text)
		if n.kind == empty {
			return nil
		}
		if n.kind != scalar || err != nil || port < 0 || port > 65535 {
			return wrongLine(n.line, "%s is not a port; want a number from 1 to 65535", where)
		}
		set(port)
		return nil
	}
}

func readBool(where string, set func(bool)) func(*node) error {
	return func(n *node) error {
		switch strings.ToLower(n.text) {
		case "true", "yes", "on", "y":
			set(true)
		case "false", "no", "off", "n", "":
			set(false)
		default:
			return wrongLine(n.line, "%s is neither true nor false; want one of the two", where)
		}
		return nil
	}
}

func readDuration(where string, set func(time.Duration)) func(*node) error {
	return func(n *node) error {
		if n.kind == empty {
			return nil
		}
		d, err := parseDuration(n.text)
		if n.kind != scalar || err != nil {
			return wrongLine(n.line, `%s is not a duration; want one such as "5s", or a number of seconds`, where)
		}
		set(d)
		return nil
	}
}
