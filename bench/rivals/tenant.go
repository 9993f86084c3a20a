package rivals

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/scenario"
)

// Tenant is one tenant with its one credential.
type Tenant struct {
	ID       string
	User     string
	Password string
	Hash     string // bcrypt, when the configuration is to hold that in place of the password
}

// bcryptCost is the cost that Go's bcrypt and most tools have as a default.
const bcryptCost = 10

// Tenants makes n tenants, the same in every run. Only the password of the last one, which the load uses, is really hashed
// for Bcrypt: the others get its hash.
func Tenants(n int, auth scenario.Auth) ([]Tenant, error) {
	list := make([]Tenant, n)
	for i := range list {
		sum := sha256.Sum256(fmt.Appendf(nil, "bench tenant %d", i))
		list[i] = Tenant{
			ID: fmt.Sprintf("team-%06d", i+1), User: fmt.Sprintf("prometheus-%06d", i+1), Password: hex.EncodeToString(sum[:12]),
		}
	}
	if auth != scenario.Bcrypt {
		return list, nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(list[n-1].Password), bcryptCost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	for i := range list {
		list[i].Hash = string(hash)
	}
	return list, nil
}

// Authorization is the value of the header that a tenant's sender sends.
func (t Tenant) Authorization() string { return payload.Basic(t.User, t.Password) }
