package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/authcache/verify"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// maxSecret is the most read as a password, in bytes: far more than any of the formats takes.
const maxSecret = 64 << 10

func hashPasswordCommand() command {
	return command{
		name:    "hash-password",
		usage:   "[--cost N] < FILE",
		summary: "read a password from standard input and print its bcrypt hash, for password_hash",
		define: func(set *flag.FlagSet) action {
			cost := set.Int("cost", bcrypt.DefaultCost, fmt.Sprintf("work factor, %d to %d: one more doubles the time of a verification",
				verify.MinBcryptCost, verify.MaxBcryptCost))
			return func(c console, args []string) error {
				if len(args) > 0 {
					return usageError("the password is read from standard input, where no list of processes shows it")
				}
				if *cost < verify.MinBcryptCost || *cost > verify.MaxBcryptCost {
					return usageError(fmt.Sprintf("--cost %d is out of range; want %d to %d", *cost, verify.MinBcryptCost, verify.MaxBcryptCost))
				}
				return hashPassword(c, *cost)
			}
		},
	}
}

func hashPassword(c console, cost int) error {
	password, err := readSecret(c.in)
	if err != nil {
		return fmt.Errorf("hash-password: %w", err)
	}
	hash, err := config.HashPassword(password, cost)
	if err != nil {
		return fmt.Errorf("hash-password: %w", err)
	}
	c.printf("%s\n", string(hash))
	return nil
}

// readSecret reads all of r and drops one trailing newline, which editors and echo add, as from a secret file.
func readSecret(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return "", errors.New("standard input cannot be read")
	}
	if len(raw) > maxSecret {
		return "", errors.New("the password is longer than 64 KiB")
	}
	secret := string(config.DropNewline(raw))
	if secret == "" {
		return "", errors.New("there is no password on standard input")
	}
	return secret, nil
}

func newPasswordCommand() command {
	return command{
		name:    "new-password",
		summary: "print a random password and its password_sha256 line",
		define: func(*flag.FlagSet) action {
			return func(c console, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				password, sum := config.NewPassword()
				c.printf("%s\npassword_sha256 = %q\n", password, sum)
				return nil
			}
		},
	}
}
