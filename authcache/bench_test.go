package authcache

import (
	"fmt"
	"runtime"
	"testing"
)

var sizes = []int{1, 1000, 100_000}

// clients makes n entries as a file of n tenants would give them.
func clients(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{
			Identity: &Identity{Tenant: fmt.Sprintf("team-%d", i), Client: fmt.Sprintf("prometheus-%d", i), Scopes: Write | Read},
			User:     fmt.Sprintf("prometheus-%06d", i),
			Password: fmt.Sprintf("correct-horse-battery-%06d", i),
			Where:    fmt.Sprintf("tenants[%d]", i),
		}
	}
	return entries
}

// presentedBy is what the requests of these clients show.
func presentedBy(entries []Entry) []Credential {
	all := make([]Credential, len(entries))
	for i, e := range entries {
		all[i] = Credential{Scheme: e.Scheme, User: []byte(e.User), Secret: []byte(e.Password)}
	}
	return all
}

// request is where a credential stands when it is looked up: in memory that was just read. number makes it another
// client's. (A slice of 100,000 credentials would be three times as slow, for misses of the processor's cache that no
// real request has.)
type request struct {
	cred Credential
}

func newRequest() *request {
	return &request{Credential{User: []byte("prometheus-000000"), Secret: []byte("correct-horse-battery-000000")}}
}

func (r *request) number(i int) Credential {
	var digits [6]byte
	for place := len(digits) - 1; place >= 0; place-- {
		digits[place] = byte('0' + i%10)
		i /= 10
	}
	copy(r.cred.User[len("prometheus-"):], digits[:])
	copy(r.cred.Secret[len("correct-horse-battery-"):], digits[:])
	return r.cred
}

// stride visits all clients in an order that no prefetcher follows.
const stride = 7919

func benchmarkSizes(b *testing.B, spoil string, want Verdict) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := New(Options{})
			defer c.Close()
			if _, err := c.Replace("file", clients(n)); err != nil {
				b.Fatal(err)
			}
			r := newRequest()
			r.cred.Secret = append(r.cred.Secret, spoil...)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + stride) % n
				if _, verdict := c.Authenticate(r.number(i)); verdict != want {
					b.Fatal(verdict)
				}
			}
		})
	}
}

func BenchmarkHit(b *testing.B) { benchmarkSizes(b, "", Accepted) }

func BenchmarkMiss(b *testing.B) { benchmarkSizes(b, "x", Rejected) }

func BenchmarkHitParallel(b *testing.B) {
	c := New(Options{})
	defer c.Close()
	if _, err := c.Replace("file", clients(1000)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := newRequest()
		for i := 0; pb.Next(); i = (i + stride) % 1000 {
			if _, verdict := c.Authenticate(r.number(i)); verdict != Accepted {
				b.Error(verdict)
			}
		}
	})
}

// BenchmarkRequest is what the benchmarks themselves add to every look-up.
func BenchmarkRequest(b *testing.B) {
	r := newRequest()
	i := 0
	for b.Loop() {
		i = (i + stride) % 100_000
		r.number(i)
	}
}

// BenchmarkHitVerified is a credential with a slow hash, once seen.
func BenchmarkHitVerified(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCache(Options{}, parseFake, burnNothing)
			defer c.Close()
			entries := clients(n)
			credentials := presentedBy(entries)
			for i := range entries {
				entries[i].Hash, entries[i].Password = fakeHash(entries[i].Password), ""
			}
			if _, err := c.Replace("file", entries); err != nil {
				b.Fatal(err)
			}
			for _, cred := range credentials {
				if _, verdict := c.Authenticate(cred); verdict != Accepted {
					b.Fatal(verdict)
				}
			}
			r := newRequest()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + stride) % n
				if _, verdict := c.Authenticate(r.number(i)); verdict != Accepted {
					b.Fatal(verdict)
				}
			}
		})
	}
}

// BenchmarkLoad is the first Replace. live-MB is what stays, identities included, after the entries were dropped; peak-MB
// is what there was when Replace returned, entries included, had nothing been collected.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entries := clients(n)
			for b.Loop() {
				b.StopTimer()
				c := New(Options{})
				b.StartTimer()
				if _, err := c.Replace("file", entries); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				c.Close()
				b.StartTimer()
			}
			entries = nil
			live, peak := heapOf(b, n)
			b.ReportMetric(live, "live-MB")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}

// heapOf measures a cache of n clients, in MB.
func heapOf(b *testing.B, n int) (live, peak float64) {
	before := liveHeap()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	allocated := stats.TotalAlloc
	c, entries := New(Options{}), clients(n)
	defer c.Close()
	if _, err := c.Replace("file", entries); err != nil {
		b.Fatal(err)
	}
	runtime.ReadMemStats(&stats)
	peak = float64(stats.TotalAlloc-allocated) / 1e6
	entries = nil
	live = float64(liveHeap()-before) / 1e6
	runtime.KeepAlive(c)
	return live, peak
}

// BenchmarkReplaceOne changes one password of many.
func BenchmarkReplaceOne(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := New(Options{})
			defer c.Close()
			entries := clients(n)
			if _, err := c.Replace("file", entries); err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				i++
				entries[n/2].Password = fmt.Sprint("next-", i)
				change, err := c.Replace("file", entries)
				if err != nil || len(change.Changed) != 1 {
					b.Fatal(change, err)
				}
			}
		})
	}
}

func BenchmarkParseAuthorization(b *testing.B) {
	value := []byte("Basic cHJvbWV0aGV1cy0xMjM6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LTEyMw==")
	buf := make([]byte, MaxBasicSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseAuthorization(value, buf); !ok {
			b.Fatal("refused")
		}
	}
}

func liveHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
