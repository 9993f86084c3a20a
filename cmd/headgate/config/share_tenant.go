package config

import (
	"bytes"
	"encoding/json"
	"errors"

	"golang.org/x/crypto/bcrypt"
)

// Share makes an entry one that etcd may have: a plain password becomes its bcrypt
// hash, a plain token its SHA-256. The error is of one that stands in a file.
func (t *Tenant) Share() error {
	if t.PasswordFile != "" || t.TokenFile != "" {
		return errors.New("its secret is in a file; want password_hash, password_sha256 or token_sha256")
	}
	if t.Password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(t.Password), bcrypt.DefaultCost)
		if err != nil {
			return errors.New("its password is longer than the 72 bytes that bcrypt takes; want password_sha256")
		}
		t.Password, t.PasswordHash = "", Secret(hash)
	}
	if t.Token != "" {
		t.Token, t.TokenSHA256 = "", Secret(t.tokenSum())
	}
	return nil
}

// KeyName is what the key of an entry is named after: the user name, the name in
// the certificate, or the name of the client.
func (t *Tenant) KeyName() string {
	switch t.method() {
	case methodBasic:
		return t.Username
	case methodMTLS:
		return t.certificateName()
	}
	return t.client()
}

// By is how the client shows who it is, in a word or two.
func (t *Tenant) By() string {
	for _, given := range t.given() {
		if given.name != "username" {
			return given.name
		}
	}
	return t.method()
}

// Shared is the entry as a value for etcd: a JSON object with the keys that are
// given. Share comes first.
func (t *Tenant) Shared() string {
	value := sharedValue{
		ID: t.ID, Name: t.Name, Authentication: t.Authentication, Username: t.Username,
		PasswordHash: string(t.PasswordHash), PasswordSHA256: string(t.PasswordSHA256), TokenSHA256: string(t.TokenSHA256),
		CommonName: t.CommonName, SAN: t.SAN, Scopes: t.Scopes, Expires: t.Expires.String(), NotBefore: t.NotBefore.String(),
		ReadTenants: t.ReadTenants, ReadDefault: t.ReadDefault, WriteTenants: t.WriteTenants, Limits: sharedLimitsOf(t.Limits),
	}
	for _, network := range t.AllowFrom {
		value.AllowFrom = append(value.AllowFrom, network.String())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic("BUG: an entry cannot be written: " + err.Error())
	}
	return b.String()
}

// sharedValue is a Tenant in JSON.
type sharedValue struct {
	ID             string        `json:"id"`
	Name           string        `json:"name,omitempty"`
	Authentication string        `json:"authentication,omitempty"`
	Username       string        `json:"username,omitempty"`
	PasswordHash   string        `json:"password_hash,omitempty"`
	PasswordSHA256 string        `json:"password_sha256,omitempty"`
	TokenSHA256    string        `json:"token_sha256,omitempty"`
	CommonName     string        `json:"common_name,omitempty"`
	SAN            string        `json:"san,omitempty"`
	Scopes         []string      `json:"scopes,omitempty"`
	Expires        string        `json:"expires,omitempty"`
	NotBefore      string        `json:"not_before,omitempty"`
	AllowFrom      []string      `json:"allow_from,omitempty"`
	ReadTenants    []string      `json:"read_tenants,omitempty"`
	ReadDefault    []string      `json:"read_default,omitempty"`
	WriteTenants   []string      `json:"write_tenants,omitempty"`
	Limits         *sharedLimits `json:"limits,omitempty"`
}

type sharedLimits struct {
	RequestsPerSecond float64 `json:"requests_per_second,omitempty"`
	BytesPerSecond    int64   `json:"bytes_per_second,omitempty"`
	MaxInFlight       int     `json:"max_in_flight,omitempty"`
}

func sharedLimitsOf(l *TenantLimits) *sharedLimits {
	if l == nil {
		return nil
	}
	return &sharedLimits{float64(l.RequestsPerSecond), int64(l.BytesPerSecond), l.MaxInFlight}
}
