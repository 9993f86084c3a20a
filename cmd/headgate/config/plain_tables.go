package config

import (
	"strings"
	"unicode/utf8"
)

// A file of 100,000 tenants is 100,000 tables of a few plain strings, and a reload
// reads it while requests wait for the same processor. Tables in that plainest form
// are read here, at a tenth of the library's price; the library reads all the rest,
// and has the last word on where a table may stand.

// plainHeader is how the tables begin that are read here.
const plainHeader = "[[tenants]]"

// plainTables are the tables of a text that are written in the plainest form.
type plainTables struct {
	rest string          // the text with these tables emptied, line for line; of each run one header is left
	runs []plainTableRun // of all [[tenants]], in order
}

// plainTableRun is what stands for one header of [[tenants]] in the rest: plain tables one after the other, or
// none for a table that the library reads.
type plainTableRun []map[string]any

// readPlainTables reads what is plain of a text. It changes nothing when there could
// be a string of several lines, which might look like a table.
func readPlainTables(text string) plainTables {
	all := plainTables{rest: text}
	if !strings.Contains(text, plainHeader) || strings.Contains(text, `"""`) || strings.Contains(text, "'''") {
		return all
	}
	var rest strings.Builder
	kept := 0 // up to where the text is in rest
	inRun := false
	for at := 0; at < len(text); {
		line, next := cutLine(text, at)
		if line != plainHeader {
			inRun = inRun && line == ""
			at = next
			continue
		}
		table, end := readPlainTable(text, next)
		if table == nil {
			all.runs = append(all.runs, nil)
			at, inRun = end, false
			continue
		}
		if inRun {
			last := &all.runs[len(all.runs)-1]
			*last = append(*last, table)
			next = at // its header goes too
		} else {
			all.runs = append(all.runs, plainTableRun{table})
		}
		rest.WriteString(text[kept:next])
		for range strings.Count(text[next:end], "\n") {
			rest.WriteByte('\n')
		}
		at, kept, inRun = end, end, true
	}
	rest.WriteString(text[kept:])
	all.rest = rest.String()
	return all
}

// readPlainTable reads the table whose first line is at from. The table is nil when
// it is not plain, and end is where the next table begins.
func readPlainTable(text string, from int) (table map[string]any, end int) {
	table = make(map[string]any, 4)
	for at := from; at < len(text); {
		line, next := cutLine(text, at)
		switch {
		case strings.HasPrefix(line, "["):
			if line != plainHeader && (strings.Contains(line, "tenants") || strings.ContainsAny(line, `"'\`)) {
				return nil, at // perhaps a table within this one
			}
			return table, at
		case line == "" || table == nil:
		default:
			key, value, ok := readPlainLine(line)
			if _, taken := table[key]; !ok || taken {
				table = nil
			} else {
				table[key] = value
			}
		}
		if at = next; next == len(text) && text[next-1] != '\n' {
			return nil, next // its last line has no end: nothing to leave in its place
		}
	}
	return table, len(text)
}

// readPlainLine reads key = "string" or key = ["string", …]. Anything else, comments
// and escapes among it, is for the library.
func readPlainLine(line string) (key string, value any, ok bool) {
	key, written, found := strings.Cut(line, " = ")
	if !found || !bareKey(key) || !utf8.ValidString(written) {
		return "", nil, false
	}
	if list, is := strings.CutPrefix(written, "["); is {
		list, is = strings.CutSuffix(list, "]")
		values := []any{}
		for item := range strings.SplitSeq(list, ", ") {
			text, plain := plainString(item)
			if !is || !plain {
				return "", nil, false
			}
			values = append(values, text)
		}
		return key, values, true
	}
	text, ok := plainString(written)
	return key, text, ok
}

// plainString is a string in double quotes without an escape. It is a part of the text, as the library's strings are: who
// keeps it makes a copy.
func plainString(written string) (string, bool) {
	if len(written) < 2 || written[0] != '"' || written[len(written)-1] != '"' {
		return "", false
	}
	text := written[1 : len(written)-1]
	for _, c := range []byte(text) {
		if c < ' ' || c == 0x7f || c == '"' || c == '\\' {
			return "", false
		}
	}
	return text, true
}

// cutLine is the line at a position, without its end, and where the next one begins.
func cutLine(text string, at int) (line string, next int) {
	if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
		return text[at : at+end], at + end + 1
	}
	return text[at:], len(text)
}

// fill puts the tables into what the library read of the rest. It reports whether
// they fit, which they do unless the library was told of other tables than there are.
func (all plainTables) fill(tree map[string]any) bool {
	if len(all.runs) == 0 {
		return true
	}
	read, ok := tree["tenants"].([]map[string]any)
	if !ok || len(read) != len(all.runs) {
		return false
	}
	var list []map[string]any
	for i, run := range all.runs {
		switch {
		case run == nil:
			list = append(list, read[i])
		case len(read[i]) > 0:
			return false
		default:
			list = append(list, run...)
		}
	}
	tree["tenants"] = list
	return true
}
