package proxy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestSharesAreGivenUp: of tenants without limits of their own only those are known that have something under way or owe
// something, whatever names there are; and who owes something does not get rid of it by waiting for others.
func TestSharesAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Shares: NewShares()})
		p.shares.Limit("own", &TenantLimits{MaxInFlight: 5})
		p.shares.LimitOthers(TenantLimits{RequestsPerSecond: 1000})
		admitted := func(tenant string) *exchange {
			x := newArrival(p, &route{slots: new(slots)}, tenant)
			if f := x.admit(); f != nil {
				t.Fatalf("%s: %v", tenant, f)
			}
			return x
		}
		under := admitted("under way")
		for i := range 10_000 {
			admitted(fmt.Sprint("team-", i)).leave()
			time.Sleep(time.Millisecond) // then it is paid for
		}
		if n := p.shares.Tenants(); n > 10 {
			t.Errorf("%d tenants are known, want two and a few", n)
		}
		if share, ok := p.shares.tenants.find("under way"); !ok || share != under.share {
			t.Error("the share of a request that is under way was given up")
		}
		under.leave()

		p.shares.LimitOthers(TenantLimits{RequestsPerSecond: 0.001})
		admitted("in debt").leave()
		for i := range 10_000 {
			p.shares.tenants.enter(fmt.Sprint("team-", i)).end()
		}
		x := newArrival(p, &route{slots: new(slots)}, "in debt")
		if f := x.admit(); f == nil {
			t.Error("a debt was forgotten")
		}
		x.leave()

		p.shares.LimitOthers(TenantLimits{})
		p.shares.Limit("own", nil)
		time.Sleep(time.Hour)
		p.shares.LimitOthers(TenantLimits{})
		if n := p.shares.Tenants(); n != 0 {
			t.Errorf("%d tenants are known where nothing limits any", n)
		}
	})
}

// TestATenantWithoutLimitsIsNotKnown: nothing is kept of a tenant that nothing limits, and a connection remembers that
// there is nothing to look for until a limit changes.
func TestATenantWithoutLimitsIsNotKnown(t *testing.T) {
	p := New(Options{Shares: NewShares()})
	p.shares.Limit("another", &TenantLimits{MaxInFlight: 5})
	x := newArrival(p, &route{slots: new(slots)}, "team-a")
	enter := func() *share {
		if f := x.takeRates(); f != nil {
			t.Fatal(f)
		}
		found := x.share
		x.leaveShare()
		x.share = nil
		return found
	}
	if enter() != nil || p.shares.Tenants() != 1 {
		t.Errorf("it has a share, %d tenants are known", p.shares.Tenants())
	}
	// A look-up would find this one.
	hidden := p.shares.tenants.enter("team-a")
	hidden.own.Store(&TenantLimits{MaxInFlight: 1})
	if enter() != nil {
		t.Error("it was looked for, though no limit has changed")
	}
	p.shares.Limit("yet another", &TenantLimits{MaxInFlight: 5})
	if enter() != hidden {
		t.Error("it was not looked for, though a limit has changed")
	}
	hidden.own.Store(nil)
	p.shares.Limit("team-a", &TenantLimits{MaxInFlight: 1})
	for range 2 {
		if enter() != hidden {
			t.Error("its own limits were not found")
		}
	}
}
