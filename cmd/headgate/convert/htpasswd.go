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
	users := file.users()
	if len(users.good)+users.other == 0 {
		return nil, users.none()
	}
	whole := users.other > 0 && file.Tenant == "" && users.bad == 0
	for _, said := range users.said {
		d.remark("%s", said.text(whole))
	}
	switch {
	case whole:
		d.blank()
		d.remark("The file holds hashes other than bcrypt, so headgate reads it as it is: %s, of which %s bcrypt. The user name\n"+
			"is the tenant. Each of these lines that is made anew with htpasswd -B is stronger.",
			count(len(users.good)+users.other, "user"), have(len(users.good)))
		d.table("[auth]")
		d.set("htpasswd_file", file.Name, "relative to this configuration")
		return d.finish()
	case users.other > 0 && file.Tenant == "":
		d.blank()
		d.remark("%s cannot be carried over as long as the lines above that are left out are in the file, because headgate reads it\n"+
			"whole or not at all. Take them out, and all users are let in by:\n[auth]\nhtpasswd_file = %q\n"+
			"in place of what follows.", count(users.other, "user"), file.Name)
	case users.other > 0:
		d.blank()
		d.remark("%s cannot be carried over: only htpasswd_file takes other hashes than bcrypt, and there the user name is the\n"+
			"tenant. Make them anew with htpasswd -B.", count(users.other, "user"))
	}
	for _, line := range users.good {
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

// htpasswdUsers is what an htpasswd file holds.
type htpasswdUsers struct {
	good  []htpasswdLine // with bcrypt, each user once
	other int            // users with another hash that headgate knows
	bad   int            // lines that headgate does not take in a file either
	said  []htpasswdRemark
}

// htpasswdRemark is what there is to say of a line.
type htpasswdRemark struct {
	apart string // when each user becomes an entry
	whole string // when headgate reads the file; "": the same
}

func (r htpasswdRemark) text(whole bool) string {
	if whole && r.whole != "" {
		return r.whole
	}
	return r.apart
}

func (u *htpasswdUsers) say(format string, args ...any) {
	u.said = append(u.said, htpasswdRemark{apart: fmt.Sprintf(format, args...)})
}

// none is the error of a file without any user that can be carried over, with the first reasons.
func (u *htpasswdUsers) none() error {
	const most = 10
	wrong := []error{errors.New("holds no user that can be carried over; want lines of user:hash, as htpasswd -B makes them")}
	for _, said := range u.said[:min(len(u.said), most)] {
		wrong = append(wrong, errors.New(plain(said.apart)))
	}
	if more := len(u.said) - most; more > 0 {
		wrong = append(wrong, errors.New(count(more, "line")+" more"))
	}
	return errors.Join(wrong...)
}

// users reads the file.
func (file HtpasswdFile) users() *htpasswdUsers {
	u := new(htpasswdUsers)
	seen := make(map[string]string)
	for number, text := range config.HtpasswdLines(file.Text) {
		line := htpasswdLine{where: fmt.Sprintf("line %d", number)}
		user, hash, ok := strings.Cut(text, ":")
		// What follows a second colon is a comment to nginx.
		hash, _, _ = strings.Cut(hash, ":")
		line.user, line.hash = user, hash
		if !ok || user == "" || strings.ContainsFunc(user, control) {
			u.bad++
			u.say("%s is left out: it is not user:hash", line.where)
			continue
		}
		_, err := verify.ParseBcrypt(line.hash)
		bcrypt, known := err == nil, err == nil || knownHash(line.hash)
		if first, taken := seen[user]; taken {
			if !known {
				u.bad++
			}
			u.said = append(u.said, htpasswdRemark{
				apart: fmt.Sprintf("%s is left out: %s is for user %s already, and the first one counts", line.where, first, show(user)),
				whole: fmt.Sprintf("%s: %s is for user %s too: each of the passwords is good here, where the first one alone was", line.where, first, show(user)),
			})
			continue
		}
		seen[user] = line.where
		switch {
		case file.Tenant == "" && authcache.ValidTenant(user) != nil:
			u.bad++
			u.say("%s is left out: user %s would be a tenant that Cortex refuses. --tenant names another", line.where, show(user))
		case bcrypt:
			u.good = append(u.good, line)
		case known:
			u.other++
			u.say("%s: user %s has another hash than bcrypt", line.where, show(user))
		default:
			u.bad++
			u.say("%s is left out: user %s has a hash that headgate does not know; want one of htpasswd -B", line.where, show(user))
		}
	}
	return u
}

// knownHash reports whether htpasswd_file takes a hash.
func knownHash(hash string) bool {
	_, err := verify.ParseHash(hash)
	return err == nil
}
