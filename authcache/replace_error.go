package authcache

import (
	"cmp"
	"fmt"
	"strings"
)

// ReplaceError is why a Replace did nothing: some of the entries cannot be.
type ReplaceError struct {
	Source   string
	Problems []EntryError // in the order of the entries, one at least
}

// EntryError is what is wrong with one entry.
type EntryError struct {
	Index int    // of the entry
	Where string // as the entry says
	Err   error
}

// Error implements error.
func (e EntryError) Error() string { return cmp.Or(e.Where, "an entry") + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e EntryError) Unwrap() error { return e.Err }

// maxProblems is how many problems of one source are told; the rest is a number.
const maxProblems = 100

// Error implements error, with a line for each problem.
func (e *ReplaceError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "source %q: ", e.Source)
	for i, problem := range e.Problems {
		if i > 0 {
			text.WriteByte('\n')
		}
		if i == maxProblems {
			fmt.Fprintf(&text, "and %d more problems", len(e.Problems)-i)
			break
		}
		text.WriteString(problem.Error())
	}
	return text.String()
}
