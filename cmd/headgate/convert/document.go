package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// document is a configuration being written.
type document struct {
	text strings.Builder
	err  error // the first thing that TOML cannot hold
}

// remark writes a comment.
func (d *document) remark(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		d.text.WriteString("# " + plain(line) + "\n")
	}
}

// remarks writes several comments.
func (d *document) remarks(lines []string) {
	for _, line := range lines {
		d.remark("%s", line)
	}
}

// blank separates what follows from what stands before.
func (d *document) blank() {
	if d.text.Len() > 0 {
		d.text.WriteByte('\n')
	}
}

// table starts a table: "[server]" or "[[routes]]".
func (d *document) table(header string) { d.text.WriteString(header + "\n") }

// set writes a key with a string, a list of strings, a bool, a number or a duration, and a comment behind it.
func (d *document) set(key string, value any, note string) {
	var written string
	switch value := value.(type) {
	case string:
		written = d.quote(value)
	case []string:
		written = d.list(value)
	case time.Duration:
		written = `"` + formatDuration(value) + `"`
	case bool:
		written = strconv.FormatBool(value)
	case int:
		written = strconv.Itoa(value)
	default:
		panic(fmt.Sprintf("BUG: %s: a %T cannot be written", key, value))
	}
	if note != "" {
		note = " # " + plain(note)
	}
	d.text.WriteString(key + " = " + written + note + "\n")
}

// list writes a short list in one line, a long one with a line for each value.
func (d *document) list(values []string) string {
	written := make([]string, len(values))
	length := 0
	for i, value := range values {
		written[i] = d.quote(value)
		length += len(written[i]) + 2
	}
	if length <= 100 {
		return "[" + strings.Join(written, ", ") + "]"
	}
	return "[\n  " + strings.Join(written, ",\n  ") + ",\n]"
}

// key is a name as a key of TOML.
func (d *document) key(name string) string {
	if bareKey(name) {
		return name
	}
	return d.quote(name)
}

// bareKey reports whether TOML takes a name as a key without quotes.
func bareKey(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// quote is a TOML string.
func (d *document) quote(value string) string {
	if !utf8.ValidString(value) {
		d.err = errors.New("a value is not UTF-8, and TOML holds nothing else")
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// finish is the whole configuration, if headgate accepts it.
func (d *document) finish() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	text := []byte(d.text.String())
	_, problems := config.Parse("headgate.toml", text, config.Options{NoFiles: true, Env: func(string) string { return "" }})
	if problems.Errors() == 0 {
		return text, nil
	}
	var wrong []error
	for _, problem := range problems {
		if problem.Level == config.Error {
			problem.Line = 0 // of a file that nobody has seen
			wrong = append(wrong, errors.New(strings.TrimPrefix(problem.String(), "error: ")))
		}
	}
	return nil, errors.Join(wrong...)
}

// plain is a text that can stand in a comment, or on a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}

// show is a name of the original as errors and comments have it.
func show(name string) string {
	const most = 100
	if len(name) > most {
		return strconv.Quote(name[:most]) + "…"
	}
	return strconv.Quote(name)
}

// names are the keys of a map as a sentence has them.
func names[V any](known map[string]V) string {
	return plain(strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// count is a number of things: "1 line", "3 lines".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
