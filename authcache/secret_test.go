package authcache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// TestASecretIsWipedAfterItsCheck: whatever came of it, nothing of the copy that a check needs is left.
func TestASecretIsWipedAfterItsCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(Options{Workers: 1, QueueTimeout: time.Second})
		mustReplace(t, c, "file", hashed("a", "user", slowHash(10*time.Millisecond, "right")))
		c.UseTokens(TokenOptions{Tokens: tokensOf(t, verify.IssuerOptions{})})
		held := map[string][]byte{}
		// look notes the copies of all that is checked, or waits for it.
		look := func() {
			for _, q := range []*queue{&c.passwords.queue, &c.signatures.queue} {
				q.mu.Lock()
				for _, f := range q.flights {
					held[string(f.secret)] = f.secret
				}
				q.mu.Unlock()
			}
		}
		for _, q := range []*queue{&c.passwords.queue, &c.signatures.queue} {
			check := q.match
			q.match = func(f *flight) (*record, verify.Work) {
				look()
				return check(f)
			}
		}
		forged := signed(t, nil)
		forged.Secret[len(forged.Secret)-5] ^= 1
		for _, cred := range []Credential{basic("user", "right"), basic("user", "wrong"), basic("nobody", "unknown"), signed(t, nil), forged} {
			c.Authenticate(cred)
		}
		mustReplace(t, c, "long", hashed("b", "long", slowHash(time.Hour, "other")))
		go c.Authenticate(basic("long", "other"))
		synctest.Wait()
		go c.Authenticate(basic("user", "late")) // waits too long
		synctest.Wait()
		look()
		time.Sleep(2 * time.Second)
		go c.Authenticate(basic("user", "closed"))
		synctest.Wait()
		look()
		c.Close()
		synctest.Wait()
		if len(held) != 8 {
			t.Errorf("%d secrets were seen, want 8: %q", len(held), slices.Collect(maps.Keys(held)))
		}
		for secret, copied := range held {
			if !bytes.Equal(copied, make([]byte, len(copied))) {
				t.Errorf("of %q is left %q", secret, copied)
			}
		}
	})
}

// However a credential or an entry is printed, its secrets stay out.
func TestSecretsAreNotPrinted(t *testing.T) {
	const canary = "canary-1f3a"
	values := map[string]any{
		"credential":         basic("user", canary),
		"pointer to one":     new(basic("user", canary)),
		"list of them":       []Credential{bearer(canary)},
		"entry":              plain("team-a", "user", canary),
		"entry with a hash":  hashed("team-a", "user", canary),
		"list of entries":    []Entry{plain("team-a", "user", canary)},
		"inside of a struct": struct{ E Entry }{plain("team-a", "user", canary)},
	}
	for name, value := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary))[1:], "Y2FuYXJ5"} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s: printed as\n%s", name, out.String())
			}
		}
	}
	if got := fmt.Sprint(basic("user", canary)); got != `Basic "user":<secret>` {
		t.Errorf("got %s", got)
	}
}
