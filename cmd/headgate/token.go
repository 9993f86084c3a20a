package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

func tokenCommand() command {
	return command{
		name:    "token",
		usage:   "--config FILE --tenant ID [--ttl 1h] [--scopes SCOPES]",
		summary: "print a signed token that this configuration accepts, made with its first HMAC secret",
		define: func(set *flag.FlagSet) action {
			file := configFlag(set)
			tenant := set.String("tenant", "", "the `ID` of the tenant (required)")
			ttl := set.Duration("ttl", time.Hour, "how long the token is good for; 0: for ever, where auth.jwt.require_expiry = false")
			scopes := set.String("scopes", "", "what it may do, with commas: `SCOPES` such as write,read; default: auth.default_scopes")
			return func(c console, args []string) error {
				if err := errors.Join(noArguments(args), needConfig(*file)); err != nil {
					return err
				}
				minting, err := tokenOptions(*tenant, *ttl, *scopes)
				if err != nil {
					return err
				}
				loaded, err := load(*file, config.Options{Env: os.Getenv})
				if err != nil {
					return err
				}
				token, err := mint(loaded.config, minting)
				if err != nil {
					return fmt.Errorf("token: %w", err)
				}
				c.printf("%s\n", token)
				return nil
			}
		},
	}
}

// tokenOptions are the flags, looked at one by one.
func tokenOptions(tenant string, ttl time.Duration, scopes string) (verify.MintOptions, error) {
	o := verify.MintOptions{Tenant: tenant, TTL: ttl}
	if tenant == "" {
		return o, usageError("--tenant ID is missing")
	}
	if err := authcache.ValidTenant(tenant); err != nil {
		return o, usageError(fmt.Sprintf("--tenant: Cortex would refuse it: %v", err))
	}
	if ttl < 0 || ttl > 0 && ttl < time.Second {
		return o, usageError(fmt.Sprintf("--ttl %s is too short; want a second or more, or 0", ttl))
	}
	for _, name := range strings.FieldsFunc(scopes, func(r rune) bool { return r == ',' || r == ' ' }) {
		if _, ok := authcache.ParseScope(name); !ok {
			return o, usageError(fmt.Sprintf("--scopes: %q is not a scope; want some of write, read, rules, alerts, operator", name))
		}
		o.Scopes = append(o.Scopes, name)
	}
	return o, nil
}

// mint makes a token of the first issuer that has a secret: that of [auth.jwt], or else one of its issuers.
func mint(cfg *config.Config, o verify.MintOptions) (string, error) {
	if cfg.Cortex.TenantFederation.RegexMatcherEnabled && strings.ContainsAny(o.Tenant, ".*()'") {
		return "", fmt.Errorf("tenant %q would be read as a pattern by Cortex with regex_matcher_enabled; want none of . * ( ) '", o.Tenant)
	}
	jwt := &cfg.Auth.JWT
	if jwt.HasSecret() {
		return verify.Mint(jwt.Options(), o)
	}
	for i := range jwt.Issuers {
		if jwt.Issuers[i].HasSecret() {
			return verify.Mint(jwt.Issuers[i].Options(), o)
		}
	}
	return "", errors.New("there is no HMAC secret to sign with; want auth.jwt.secret or secret_file, or a token from the issuer who has the private key")
}
