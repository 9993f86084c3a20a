package proxy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is a text of a client's for the log. The log escapes line ends and whatever else is below the blank; here
// goes what it would leave alone and a terminal could act on: the upper controls, what turns the writing around, bytes
// that are no UTF-8.
func printable(text string) string {
	for at, c := range text {
		if !graphic(c, text[at:]) {
			return escaped(text, at)
		}
	}
	return text
}

func graphic(c rune, rest string) bool {
	if c == utf8.RuneError {
		_, size := utf8.DecodeRuneInString(rest)
		return size > 1
	}
	return c < ' ' || unicode.IsPrint(c)
}

// escaped is text with escapes; up to from there is nothing to do.
func escaped(text string, from int) string {
	var b strings.Builder
	b.WriteString(text[:from])
	for at := from; at < len(text); {
		c, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case graphic(c, text[at:]):
			b.WriteString(text[at : at+size])
		case c == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		at += size
	}
	return b.String()
}

// shorten is the printable beginning of a text of at most limit bytes; "…" shows that there was more.
func shorten(text []byte, limit int) string {
	if len(text) <= limit {
		return printable(string(text))
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return printable(string(text[:limit])) + "…"
}
