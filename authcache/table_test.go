package authcache

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// numbered is a digest that falls into the given part and starts its search at the given place, 0 to 1.
func numbered(part uint8, place float64, n uint64) digest {
	return digest{uint64(part), uint64(place * (1 << 63) * 2), n, n}
}

func entryOf(n int) *record {
	r := &record{owner: owner{source: &source{}}}
	r.identity.Store(&Identity{Tenant: fmt.Sprint(n)})
	return r
}

// The table agrees with a plain map over any sequence of changes, crowded parts and wrapped searches included.
func TestTableAgreesWithAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var table table
		want := map[digest]*record{}
		for step := range 30 {
			var add []addition
			for range random.IntN(20) {
				n := step*100 + len(add)
				// Few parts, and half of the searches begin at the very end.
				d := numbered(uint8(random.IntN(3)), 1-random.Float64()*float64(random.IntN(2))-1e-9, uint64(n))
				add = append(add, addition{d, entryOf(n)})
				want[d] = add[len(add)-1].record
			}
			var altered []*record
			for _, r := range want {
				if random.IntN(10) == 0 {
					r.identity.Store(&Identity{Tenant: "altered", Client: fmt.Sprint(step)})
					if r.owner.source != nil {
						altered = append(altered, r)
					}
				}
			}
			table.add(add, altered)
			var orphans []*record
			for d, r := range want {
				if random.IntN(5) == 0 {
					r.owner = owner{}
					orphans = append(orphans, r)
					delete(want, d)
				}
			}
			table.drop(orphans)

			count := 0
			for i := range table.parts {
				count += len(table.parts[i].Load().all())
			}
			if count != len(want) {
				t.Fatalf("the table has %d records, want %d", count, len(want))
			}
			for d, r := range want {
				if s := table.slot(&d); table.record(&d) != r || s.identity != r.identity.Load() {
					t.Fatalf("%x: another record or identity", d)
				}
				for _, near := range []digest{{d[0] + 1<<32, d[1], d[2], d[3]}, {d[0], d[1] + 1, d[2], d[3]}, {d[0], d[1], d[2] + 1<<40, d[3]}, {d[0], d[1], d[2], d[3] ^ 1}} {
					if want[near] == nil && table.record(&near) != nil {
						t.Fatalf("%x is found as %x", near, d)
					}
				}
			}
		}
	}
}

func TestAChangeLeavesTheOtherPartsAlone(t *testing.T) {
	var table table
	var add []addition
	for n := range 1000 {
		add = append(add, addition{numbered(uint8(n), 0.5, uint64(n)), entryOf(n)})
	}
	table.add(add, nil)
	before := [partCount]*part{}
	for i := range before {
		before[i] = table.parts[i].Load()
	}
	add[7].record.owner = owner{}
	table.add([]addition{{numbered(9, 0.5, 5000), entryOf(0)}}, []*record{add[8].record})
	table.drop([]*record{add[7].record})
	for i := range before {
		changed := before[i] != table.parts[i].Load()
		if want := i >= 7 && i <= 9; changed != want {
			t.Errorf("part %d changed: %v, want %v", i, changed, want)
		}
	}
}
