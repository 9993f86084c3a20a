package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/headgate/headgate/authcache"
)

// mostSeries is how many credentials have series of their own, in the order of tenants and clients.
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
	series := 0
	for _, c := range a.parts.credentials.Credentials() {
		if c.Expires.IsZero() && c.Used.IsZero() {
			continue
		}
		if series++; series > mostSeries {
			continue
		}
		names := labels("tenant", c.Tenant, "client", c.Client, "source", c.Source, "where", c.Where)
		if !c.Expires.IsZero() {
			fmt.Fprintf(w, "headgate_credential_expiry_timestamp_seconds%s %d\n", names, c.Expires.Unix())
		}
		if !c.Used.IsZero() {
			fmt.Fprintf(w, "headgate_credential_last_use_timestamp_seconds%s %d\n", names, c.Used.Unix())
		}
	}
	fmt.Fprintf(w, "headgate_credential_series %d\n", min(series, mostSeries))
	fmt.Fprintf(w, "headgate_credential_series_limit %d\n", mostSeries)
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
