package authcache

import (
	"math/bits"
	"slices"
	"sync/atomic"
)

// partCount is the number of parts of the static table; a credential is in the part of its digest's first byte. At
// 100,000 credentials a part has 400 of them, so that changing one copies about 30 KiB.
const partCount = 256

// table is the static table: every credential known in plain text, found by its digest. Readers take no lock; each part
// is immutable and replaced as a whole. Only one goroutine may write at a time.
type table struct {
	parts [partCount]atomic.Pointer[part]
}

// part is an open hash table with linear probing, two thirds full. The digest is its own hash: it is uniform, and under
// a key that no attacker knows.
type part struct {
	slots []slot // at least one is empty
}

// slot has all that a look-up needs in one line of the processor's cache: with 100,000 tenants each further line is a
// miss, and costs as much as half the hash.
type slot struct {
	digest   digest
	identity *Identity     // nil: the slot is empty
	record   *record       // whose identity it is
	used     atomic.Uint32 // the minute of the last use
	onTerms  bool          // the identity has Terms: here, because the identity is in another line
	_        [11]byte      // fills the line of 64 bytes
}

// touch notes that the credential was used in this minute. Almost always that was noted before, and nothing is written.
func (s *slot) touch(minute uint32) {
	if s.used.Load() != minute {
		s.used.Store(minute)
	}
}

// addition is a record that is new in the table.
type addition struct {
	digest digest
	record *record
}

// record returns the record of this digest, nil if there is none. The whole digest is compared.
func (t *table) record(d *digest) *record {
	if s := t.slot(d); s != nil {
		return s.record
	}
	return nil
}

func (t *table) slot(d *digest) *slot {
	p := t.parts[d.part()].Load()
	if p == nil {
		return nil
	}
	for i := d.home(len(p.slots)); ; {
		s := &p.slots[i]
		if s.identity == nil {
			return nil
		}
		if s.digest.equal(d) {
			return s
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// add publishes records that are not in the table, and the new identities of altered ones that are. It takes nothing
// out. Parts without a change stay as they are.
func (t *table) add(additions []addition, altered []*record) {
	var added [partCount][]addition
	var touched [partCount]bool
	for _, a := range additions {
		i := a.digest.part()
		a.record.part = i
		added[i] = append(added[i], a)
		touched[i] = true
	}
	for _, r := range altered {
		touched[r.part] = true
	}
	for i := range t.parts {
		if touched[i] {
			t.exchange(i, t.parts[i].Load().all(), added[i])
		}
	}
}

// drop takes out records that nobody owns any more. Parts without one stay as they are.
func (t *table) drop(orphans []*record) {
	var touched [partCount]bool
	for _, r := range orphans {
		touched[r.part] = true
	}
	for i := range t.parts {
		if touched[i] {
			owned := slices.DeleteFunc(t.parts[i].Load().all(), func(a addition) bool { return a.record.orphan() })
			t.exchange(i, owned, nil)
		}
	}
}

// exchange puts a new part in place. The uses noted in the old one are carried over afterwards, so that those of this very
// moment are among them.
func (t *table) exchange(i int, old, added []addition) {
	before := t.parts[i].Load()
	t.parts[i].Store(newPart(old, added))
	before.each(func(s *slot) {
		used := s.used.Load()
		if used == 0 {
			return
		}
		if now := t.slot(&s.digest); now != nil && now.used.Load() < used {
			now.used.Store(used)
		}
	})
}

// each calls f for every slot that is not empty.
func (p *part) each(f func(*slot)) {
	if p == nil {
		return
	}
	for i := range p.slots {
		if s := &p.slots[i]; s.identity != nil {
			f(s)
		}
	}
}

func (d *digest) part() uint8 { return uint8(d[0]) }

// home is the slot where the search for d begins.
func (d *digest) home(slots int) int {
	high, _ := bits.Mul64(d[1], uint64(slots))
	return int(high)
}

// all lists what is in the part, which may be nil.
func (p *part) all() []addition {
	if p == nil {
		return nil
	}
	all := make([]addition, 0, len(p.slots))
	p.each(func(s *slot) { all = append(all, addition{s.digest, s.record}) })
	return all
}

// newPart returns nil when it would be empty.
func newPart(old, added []addition) *part {
	count := len(old) + len(added)
	if count == 0 {
		return nil
	}
	p := &part{slots: make([]slot, count+count/2+1)}
	for _, a := range old {
		p.put(a)
	}
	for _, a := range added {
		p.put(a)
	}
	return p
}

func (p *part) put(a addition) {
	i := a.digest.home(len(p.slots))
	for p.slots[i].identity != nil {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	s := &p.slots[i]
	s.digest, s.identity, s.record = a.digest, a.record.identity.Load(), a.record
	s.onTerms = s.identity.Terms != nil
}
