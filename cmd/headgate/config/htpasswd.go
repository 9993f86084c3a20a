package config

import (
	"bytes"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
)

// ParseHtpasswd reads the file of auth.htpasswd_file: a user name, which is the
// tenant too, a colon and a hash on each line. Empty lines do not count, nor those
// that begin with #, nor what stands behind a second colon. A user name that is
// there again has several passwords. A file with nothing at all in it is an error.
func (c *Config) ParseHtpasswd(path string, text []byte, o Options) (Credentials, Problems) {
	r := new(report)
	on := c.checksBeside(r, o, newSubstitutes(o))
	var found Credentials
	if len(text) == 0 {
		on.errorf("htpasswd", "is empty, as a file is that is about to be written; want a line that begins with # if nobody is to be in it")
	}
	weak, first := 0, make(map[string]int) // line of each user
	for number, line := range HtpasswdLines(text) {
		at := len(r.problems)
		t := on.htpasswdLine(line, c.Cortex.TenantFederation)
		switch line, again := first[t.Username]; {
		case len(r.problems) > at: // what it calls a user may be a hash
		case again:
			on.warnf("htpasswd", "user %s is in line %d too: each of the passwords is good, where Apache takes the first alone; want one line, "+
				"unless a password is being changed", show(t.Username), line)
		default:
			first[t.Username] = number
		}
		for i := range r.problems[at:] {
			r.problems[at+i].Line = number
		}
		if strings.HasPrefix(string(t.PasswordHash), "{SHA}") {
			weak++
		}
		e := c.entry(&t)
		e.Where = filepath.Base(path) + ": line " + strconv.Itoa(number)
		found.Entries = append(found.Entries, e)
	}
	if weak > 0 {
		on.warnf("htpasswd", "%d of its hashes are {SHA}, which is as good as plain text to who reads the file; want bcrypt (htpasswd -B)", weak)
	}
	if exposed(path) {
		on.warnf("htpasswd", "the file is readable by every user of this machine; want %s", keepPrivate)
	}
	return found, r.finish(nil)
}

// HtpasswdLines are the lines of an htpasswd file that say something, by their number
// from 1: neither empty nor a comment. A byte order mark, as Windows writes it, is no
// part of the first.
func HtpasswdLines(text []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number := 0
		for raw := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
			number++
			line := strings.TrimRight(string(raw), "\r\n")
			if strings.TrimSpace(line) != "" && line[0] != '#' && !yield(number, line) {
				return
			}
		}
	}
}

// htpasswdLine is the credential of one line; what is wrong with it is reported.
func (on *checks) htpasswdLine(line string, federation TenantFederation) Tenant {
	user, rest, colon := strings.Cut(line, ":")
	hash, _, _ := strings.Cut(rest, ":")
	t := Tenant{ID: strings.Clone(user), Username: strings.Clone(user), PasswordHash: Secret(strings.Clone(hash)), Authentication: methodBasic}
	switch {
	case !colon:
		on.errorf("htpasswd", "the line has no colon; want a user name, a colon and a hash")
		return t
	case user == "":
		on.errorf("htpasswd", "the line has no user name; want one, which is the tenant")
		return t
	}
	if err := authcache.ValidTenant(user); err != nil {
		on.errorf("htpasswd", "the user name is the tenant, and Cortex would refuse it: %v", err)
		return t
	}
	federation.checkPattern(on, "htpasswd", user)
	if _, err := verify.ParseHash(hash); err != nil {
		on.errorf("htpasswd", "user %s: %v", show(user), err)
	}
	return t
}
