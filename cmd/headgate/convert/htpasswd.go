package convert

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// HtpasswdFile is an htpasswd file, as Apache and nginx read it.
type HtpasswdFile struct {
	Name   string // of the file, as the configuration is to have it
	Text   []byte
	Tenant string // of all its users; "": each user is a tenant by that name
}

// htpasswdLine is one user.
type htpasswdLine struct {
	where, user, hash string
}

// Htpasswd converts an htpasswd file: bcrypt alone becomes [[tenants]], which need the file no longer; a file with any
// other hash is read by headgate itself. An error names the line, and holds no hash.
func Htpasswd(file HtpasswdFile) ([]byte, error) {
	if file.Tenant != "" {
		if err := authcache.ValidTenant(file.Tenant); err != nil {
			return nil, fmt.Errorf("--tenant: Cortex would refuse it: %w", err)
		}
	}
	d := new(document)
	d.remark("Converted from the htpasswd file %s. Add [upstreams.distributor] and the like, or the lines of this\n"+
		"to a configuration that has them.", show(file.Name))
	good, other, bad := file.lines(d)
	if len(good)+other == 0 {
		return nil, errors.New("holds no user; want lines of user:hash, as htpasswd -B makes them")
	}
	if other > 0 && file.Tenant == "" && bad > 0 {
		d.blank()
		d.remark("%s cannot be carried over as long as the lines above that are left out are in the file, because headgate reads it\n"+
			"whole or not at all. Take them out, and all users are let in by:\n[auth]\nhtpasswd_file = %q\n"+
			"in place of what follows.", count(other, "user"), file.Name)
	} else if other > 0 && file.Tenant == "" {
		d.blank()
		d.remark("The file holds hashes other than bcrypt, so headgate reads it as it is: %s, of which %s bcrypt. The user name\n"+
			"is the tenant. Each of these lines that is made anew with htpasswd -B is stronger.", count(len(good)+other, "user"), have(len(good)))
		d.table("[auth]")
		d.set("htpasswd_file", file.Name, "relative to this configuration")
		return d.finish()
	} else if other > 0 {
		d.blank()
		d.remark("%s cannot be carried over: only htpasswd_file takes other hashes than bcrypt, and there the user name is the\n"+
			"tenant. Make them anew with htpasswd -B.", count(other, "user"))
	}
	for _, line := range good {
		tenant := file.Tenant
		if tenant == "" {
			tenant = line.user
		}
		d.blank()
		d.table("[[tenants]]")
		d.set("id", tenant, "")
		d.set("username", line.user, "")
		d.set("password_hash", line.hash, "")
	}
	return d.finish()
}

func have(n int) string {
	if n == 1 {
		return "1 has"
	}
	return fmt.Sprintf("%d have", n)
}

// lines reads the file: the users with bcrypt, each once, how many have another hash that headgate knows, and how many
// lines are left out, which is a comment.
func (file HtpasswdFile) lines(d *document) (good []htpasswdLine, other, bad int) {
	seen := make(map[string]string)
	for number, text := range config.HtpasswdLines(file.Text) {
		line := htpasswdLine{where: fmt.Sprintf("line %d", number)}
		user, hash, ok := strings.Cut(text, ":")
		// What follows a second colon is a comment to nginx.
		hash, _, _ = strings.Cut(hash, ":")
		line.user, line.hash = user, hash
		if !ok || user == "" || strings.ContainsFunc(user, control) {
			bad++
			d.remark("%s is left out: it is not user:hash", line.where)
			continue
		}
		if first, taken := seen[user]; taken {
			bad++
			d.remark("%s is left out: %s is for user %s already, and the first one counts", line.where, first, show(user))
			continue
		}
		seen[user] = line.where
		_, err := verify.ParseBcrypt(line.hash)
		switch {
		case file.Tenant == "" && authcache.ValidTenant(user) != nil:
			bad++
			d.remark("%s is left out: user %s would be a tenant that Cortex refuses. --tenant names another", line.where, show(user))
		case err == nil:
			good = append(good, line)
		case knownHash(line.hash):
			other++
			d.remark("%s: user %s has another hash than bcrypt", line.where, show(user))
		default:
			bad++
			d.remark("%s is left out: user %s has a hash that headgate does not know; want one of htpasswd -B", line.where, show(user))
		}
	}
	return good, other, bad
}

// knownHash reports whether htpasswd_file takes a hash.
func knownHash(hash string) bool {
	_, err := verify.ParseHash(hash)
	return err == nil
}
