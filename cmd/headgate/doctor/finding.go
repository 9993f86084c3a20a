package doctor

import "fmt"

// Level is how bad a Finding is.
type Level uint8

// The levels, in the words that the command prints (String).
const (
	OK      Level = iota // as it should be
	Hint                 // as the system comes; another setting is better
	Unknown              // it could not be looked at from here
	Warning              // will be in the way sooner or later
	Error                // headgate cannot do what it is for
)

// String is the level in one word.
func (l Level) String() string { return [...]string{"ok", "hint", "unknown", "warning", "error"}[l] }

// Finding is one thing that was looked at.
type Finding struct {
	Level Level
	What  string // "open files", "upstreams.distributor"
	Text  string // what was found, and behind a semicolon what to change
}

// String is the finding in one line.
func (f Finding) String() string { return f.Level.String() + ": " + f.What + ": " + f.Text }

func findf(l Level, what, format string, args ...any) Finding {
	return Finding{l, what, fmt.Sprintf(format, args...)}
}
