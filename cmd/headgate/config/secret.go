package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// hidden stands for every secret that is printed.
const hidden = "<secret>"

// Secret is a password or the hash of one. However it is printed, it prints
// <secret>; string(s) is the only way to the text.
type Secret string

// UnmarshalTOML reads the value of a key.
func (s *Secret) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("is " + kindOf(v) + "; want a string")
	}
	*s = Secret(strings.Clone(text))
	return nil
}

// String is <secret>, or empty for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format prints String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// hides marks the type for the decoder: its values are not shown in problems.
func (*Secret) hides() {}

// URL is an address as it was written. User name and password in it, which an
// upstream may not have, print as <secret>.
type URL string

// UnmarshalTOML reads the value of a key.
func (u *URL) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("is " + kindOf(v) + "; want a URL in a string")
	}
	*u = URL(strings.Clone(text))
	return nil
}

// String is the URL without its userinfo.
func (u URL) String() string {
	scheme, rest, found := strings.Cut(string(u), "://")
	if !found {
		scheme, rest = "", string(u)
	} else {
		scheme += "://"
	}
	// The last @ and not the first: a password may hold one that is not escaped,
	// and a slash too.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = hidden + rest[at:]
	}
	return scheme + rest
}

// Format prints String whatever the verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText is String.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Secrets is a list of secrets.
type Secrets []Secret

// hides marks the type for the decoder.
func (*Secrets) hides() {}
