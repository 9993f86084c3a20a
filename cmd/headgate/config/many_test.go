package config

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLoad reads files of many tenants. The time per tenant stays the same.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		text := manyTenants(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, problems := Parse("config.toml", text, Options{NoFiles: true, Env: noEnv})
				if problems.Errors() > 0 || len(c.Entries()) != n {
					b.Fatal(problems)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/tenant")
		})
	}
}

func manyTenants(n int) []byte {
	var b strings.Builder
	b.WriteString("[server]\nlisten = \"127.0.0.1:8080\"\n[upstreams.all]\nurl = \"http://cortex.example\"\n")
	for i := range n {
		fmt.Fprintf(&b, "[[tenants]]\nid = \"team-%d\"\nusername = \"prometheus-%d\"\npassword = \"password of number %d\"\nscopes = [\"write\", \"read\"]\n", i, i, i)
	}
	return []byte(b.String())
}

// Every one of many broken tenants is reported, with its own line.
func TestManyProblemsHaveTheirLines(t *testing.T) {
	const n = 2000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[tenants]]\nid = \"team/%d\"\nusername = \"u%d\"\npassword = \"x\"\n", i, i)
	}
	_, problems := Parse("config.toml", []byte(b.String()), Options{NoFiles: true, Env: noEnv})
	if problems.Errors() != n {
		t.Fatalf("%d errors, want %d", problems.Errors(), n)
	}
	for i := range n {
		if p := problems[i]; p.Key != fmt.Sprintf("tenants[%d].id", i) || p.Line != 4*i+2 {
			t.Fatalf("problem %d is %v", i, p)
		}
	}
}
