package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Level is how bad a Problem is.
type Level uint8

// An Error keeps headgate from running as meant; a Warning will lose something or
// surprise somebody.
const (
	Error Level = iota
	Warning
)

func (l Level) String() string {
	if l == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Level Level
	Key   string // "server.listen", "tenants[3].id", or the file itself
	Line  int    // in the file; 0: not known
	Text  string // what is wrong and what is wanted; never holds a secret

	about string // the keys of the files that may be to blame, one a line; "": Key
}

// files are the keys of the files that may be to blame, and of tables of such keys.
func (p Problem) files() []string { return strings.Split(cmp.Or(p.about, p.Key), "\n") }

// String is the problem in one line, without a line break.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Level.String())
	b.WriteString(": ")
	b.WriteString(p.Key)
	if p.Line > 0 {
		b.WriteString(": line ")
		b.WriteString(strconv.Itoa(p.Line))
	}
	b.WriteString(": ")
	b.WriteString(p.Text)
	return b.String()
}

// Problems are what Load found: errors first, each kind in the order of the file.
type Problems []Problem

// Errors is the number of problems that are errors.
func (p Problems) Errors() int {
	n := 0
	for i := range p {
		if p[i].Level == Error {
			n++
		}
	}
	return n
}

// report collects problems.
type report struct {
	problems Problems
	silent   map[string]bool // keys of which nothing more is reported
}

// fail reports a key that could not be read. Whatever else is wrong with it, or
// with what it holds, follows from that.
func (r *report) fail(key, format string, args ...any) {
	r.errorf(key, format, args...)
	r.silence(key)
}

func (r *report) silence(key string) {
	if r.silent == nil {
		r.silent = make(map[string]bool)
	}
	r.silent[key] = true
}

// silenced reports whether a key, or a table that it is in, could not be read.
func (r *report) silenced(key string) bool {
	for len(r.silent) > 0 && key != "" {
		if r.silent[key] {
			return true
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return false
}

func (r *report) errorf(key, format string, args ...any) {
	r.errorAbout(nil, key, format, args...)
}

// errorAbout is errorf for an error that files named at other keys may be to blame
// for.
func (r *report) errorAbout(files []string, key, format string, args ...any) {
	if r.silenced(key) {
		return
	}
	r.problems = append(r.problems, Problem{
		Level: Error, Key: key, Text: fmt.Sprintf(format, args...), about: strings.Join(files, "\n"),
	})
}

func (r *report) warnf(key, format string, args ...any) {
	if r.silenced(key) {
		return
	}
	r.problems = append(r.problems, Problem{Level: Warning, Key: key, Text: fmt.Sprintf(format, args...)})
}

// finish gives every problem its line and puts them in order.
func (r *report) finish(text []byte) Problems {
	if len(r.problems) == 0 {
		return nil
	}
	keys := make([]string, len(r.problems))
	for i, p := range r.problems {
		keys[i] = p.Key
	}
	lines := indexLines(text, keys...)
	for i := range r.problems {
		if p := &r.problems[i]; p.Line == 0 {
			p.Line = lines.of(p.Key)
		}
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(r.problems)
}

// show is a value as problems print it: strings quoted, long ones cut.
func show(v any) string {
	switch v := v.(type) {
	case string:
		const most = 100
		if len(v) > most {
			return strconv.Quote(v[:most]) + "…"
		}
		return strconv.Quote(v)
	case map[string]any, []any, []map[string]any:
		return "this"
	}
	return fmt.Sprint(v)
}
