package tenants

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// Htpasswd reads the lines of an htpasswd file: user name, colon, hash. Each user is a tenant of its own, unless one is
// given. Other hashes than bcrypt are for Import to leave out; the error is of a file that is none.
func Htpasswd(text []byte, tenant string) ([]config.Tenant, error) {
	var entries []config.Tenant
	for n, line := range config.HtpasswdLines(text) {
		user, hash, found := strings.Cut(line, ":")
		if !found || user == "" {
			return nil, fmt.Errorf("line %d is not a user name, a colon and a hash; want an htpasswd file, or a name that ends in .toml", n)
		}
		id := tenant
		if id == "" {
			id = user
		}
		entries = append(entries, config.Tenant{ID: id, Username: user, PasswordHash: config.Secret(hash)})
	}
	if len(entries) == 0 {
		return nil, errors.New("has no user in it")
	}
	return entries, nil
}
