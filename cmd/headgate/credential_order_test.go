package main

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/admin"
)

// ofClient is a credential that was used and ends so long after now; 0: it was not, or does not.
func ofClient(name string, now time.Time, idle, left time.Duration) authcache.CredentialStatus {
	c := authcache.CredentialStatus{Tenant: "t", Client: name, Source: "file", Where: name}
	if idle != 0 {
		c.Used = now.Add(-idle)
	}
	if left != 0 {
		c.Expires = now.Add(left)
	}
	return c
}

// TestWhatAnOperatorWantsToSeeComesFirst: what ends, then the passwords that are being changed, the idle one first, then
// who is idle; who is at work is in the order of names.
func TestWhatAnOperatorWantsToSeeComesFirst(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	changing, old := ofClient("changing", now, time.Minute, 0), ofClient("changing", now, 9*day, 0)
	changing.Where, old.Where = "new", "old"
	lastOne := ofClient("its tenant's last", now, 0, -99*day)
	lastOne.Last = true
	all := []authcache.CredentialStatus{
		ofClient("at work", now, 2*time.Minute, 0), changing, old, ofClient("ended long ago", now, 20*day, -20*day),
		ofClient("ended yesterday", now, 0, -day), ofClient("ends in 9 days", now, 0, 9*day), ofClient("ends in 99 days", now, 0, 99*day),
		ofClient("ends today", now, time.Minute, time.Hour), ofClient("idle for 2 days", now, 2*day, 0), ofClient("idle for 3 days", now, 3*day, 0),
		lastOne, ofClient("unused", now, 0, 0), ofClient("working", now, time.Second, 0),
	}
	byInterest(all, now)
	var got []string
	for _, c := range all {
		got = append(got, c.Where)
	}
	want := []string{
		"ends today", "ends in 9 days", "ended yesterday", "its tenant's last", "old", "new", "idle for 3 days", "idle for 2 days",
		"at work", "working", "ends in 99 days", "unused", "ended long ago",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestOfAHundredThousandTheRightOnesAreExported: the one that ends soon, and the old password that nobody uses any more.
func TestOfAHundredThousandTheRightOnesAreExported(t *testing.T) {
	const many = 100_000
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	all := make([]authcache.CredentialStatus, 0, many+3)
	for i := range many {
		all = append(all, ofClient(fmt.Sprintf("client-%06d", i), now, time.Minute, time.Duration(1000+i)*time.Hour))
	}
	old, fresh := ofClient("zz", now, 30*24*time.Hour, 0), ofClient("zz", now, time.Minute, 0)
	old.Where, fresh.Where = "old", "new"
	all = append(all, ofClient("zz-ending", now, time.Minute, time.Hour), old, fresh)
	var out bytes.Buffer
	writeCredentials(&out, all, now)
	for _, line := range []string{
		fmt.Sprintf(`headgate_credential_expiry_timestamp_seconds{tenant="t",client="zz-ending",source="file",where="zz-ending"} %d`, now.Add(time.Hour).Unix()),
		fmt.Sprintf(`headgate_credential_last_use_timestamp_seconds{tenant="t",client="zz",source="file",where="old"} %d`, now.Add(-30*24*time.Hour).Unix()),
		fmt.Sprintf(`headgate_credential_last_use_timestamp_seconds{tenant="t",client="zz",source="file",where="new"} %d`, now.Add(-time.Minute).Unix()),
		"headgate_credential_expiry_series 100001", "headgate_credential_expiry_series_limit 1000",
		"headgate_credential_last_use_series 100003",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	for _, name := range []string{"headgate_credential_expiry_timestamp_seconds{", "headgate_credential_last_use_timestamp_seconds{"} {
		if n := strings.Count(out.String(), name); n != mostSeries {
			t.Errorf("%d series of %s, want %d", n, name, mostSeries)
		}
	}
}

// TestEveryCredentialCanBeSeen: page by page, or those of a name.
func TestEveryCredentialCanBeSeen(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var all []authcache.CredentialStatus
	for i := range 2*credentialsOnPage + 5 {
		all = append(all, ofClient(fmt.Sprintf("client-%04d", i), now, time.Minute, 0))
	}
	q, seen := admin.CredentialQuery{Page: 1}, map[string]bool{}
	for pages := 1; ; pages++ {
		page := selectedCredentials(all, q)
		for _, c := range page.Shown {
			seen[c.Client] = true
		}
		if page.Total != len(all) || page.Matching != len(all) || pages > 3 {
			t.Fatalf("page %d is of %d, %d match", pages, page.Total, page.Matching)
		}
		if page.Next == "" {
			break
		}
		next, err := url.Parse(page.Next)
		if err != nil || next.Path != "/status" {
			t.Fatal(page.Next, err)
		}
		q.Text = next.Query().Get("credentials")
		if q.Page, err = strconv.Atoi(next.Query().Get("page")); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d were shown", len(seen), len(all))
	}
	for text, want := range map[string]int{"client-0007": 1, "client-00": 100, "file": len(all), "nobody": 0} {
		if got := selectedCredentials(all, admin.CredentialQuery{Text: text, Page: 1}); got.Matching != want || len(got.Shown) != min(want, credentialsOnPage) {
			t.Errorf("%q: %d match", text, got.Matching)
		}
	}
	if beyond := selectedCredentials(all, admin.CredentialQuery{Page: 99}); len(beyond.Shown) != 0 || beyond.Shown == nil || beyond.Next != "" {
		t.Errorf("a page beyond the last is %+v", beyond)
	}
}
