package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
)

// mostSeries is how many credentials have a series of their own of each kind: those that end next, and those whose last use
// an operator wants to see most.
const mostSeries = 1000

// writeSourceMetrics exports how the sources of credentials stand.
func (a *App) writeSourceMetrics(w io.Writer) {
	for _, s := range a.parts.credentials.Sources() {
		source := labels("source", s.Name)
		fmt.Fprintf(w, "headgate_source_up%s %v\n", source, oneIf(s.Read && s.Err == nil))
		fmt.Fprintf(w, "headgate_source_credentials%s %d\n", source, s.Credentials)
		held := 0
		if err, ok := errors.AsType[*authcache.HeldError](s.Err); ok {
			held = err.Removed
		}
		fmt.Fprintf(w, "headgate_source_removals_held%s %d\n", source, held)
		if !s.At.IsZero() {
			fmt.Fprintf(w, "headgate_source_last_read_timestamp_seconds%s %d\n", source, s.At.Unix())
		}
	}
	fmt.Fprintf(w, "headgate_source_values_skipped %d\n", a.sources.Skipped())
}

// writeCredentialMetrics exports when single credentials end, and when they and the keys of tokens were last used.
func (a *App) writeCredentialMetrics(w io.Writer) {
	for _, k := range a.parts.credentials.Keys() {
		if !k.Used.IsZero() {
			fmt.Fprintf(w, "headgate_key_last_use_timestamp_seconds%s %d\n", labels("key", k.Name), k.Used.Unix())
		}
	}
	writeCredentials(w, a.parts.credentials.Credentials(), time.Now())
}

// writeCredentials exports two moments of credentials, each of those that come first in an order of its own. The list is
// the function's.
func writeCredentials(w io.Writer, all []authcache.CredentialStatus, now time.Time) {
	ending := slices.DeleteFunc(slices.Clone(all), func(c authcache.CredentialStatus) bool { return c.Expires.IsZero() })
	slices.SortStableFunc(ending, func(a, b authcache.CredentialStatus) int { return byEnd(a, b, now) })
	writeMoments(w, "expiry", ending, func(c *authcache.CredentialStatus) time.Time { return c.Expires })
	fmt.Fprintf(w, "headgate_credential_expiry_series_limit %d\n", mostSeries)
	byInterest(all, now)
	all = slices.DeleteFunc(all, func(c authcache.CredentialStatus) bool { return c.Used.IsZero() })
	writeMoments(w, "last_use", all, func(c *authcache.CredentialStatus) time.Time { return c.Used })
}

// writeMoments exports a moment of each of the first credentials and how many there are.
func writeMoments(w io.Writer, what string, all []authcache.CredentialStatus, of func(*authcache.CredentialStatus) time.Time) {
	for i := range all[:min(len(all), mostSeries)] {
		c := &all[i]
		names := labels("tenant", c.Tenant, "client", c.Client, "source", c.Source, "where", c.Where)
		fmt.Fprintf(w, "headgate_credential_%s_timestamp_seconds%s %d\n", what, names, of(c).Unix())
	}
	fmt.Fprintf(w, "headgate_credential_%s_series %d\n", what, len(all))
}

// labels are the labels of a series from names and values in turn.
func labels(pairs ...string) string {
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		text.WriteByte("{,"[min(i, 1)])
		text.WriteString(pairs[i] + `="`)
		_, _ = labelValue.WriteString(&text, strings.ToValidUTF8(pairs[i+1], "\uFFFD")) // to memory
		text.WriteByte('"')
	}
	return text.String() + "}"
}

// labelValue escapes what the text format of Prometheus wants escaped.
var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
