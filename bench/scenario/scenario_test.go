package scenario

import (
	"slices"
	"testing"
)

func TestSelect(t *testing.T) {
	for _, test := range []struct {
		prefixes string
		want     []string
	}{
		{"push-1KiB", []string{"push-1KiB"}},
		{"query,push-5", []string{"push-512KiB", "query-1KiB", "query-5MiB"}},
		{"tenants,tenants-1", []string{"tenants-10000", "tenants-100000"}},
	} {
		selected, err := Select(test.prefixes)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range selected {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v", test.prefixes, got, test.want)
		}
	}
	for _, wrong := range []string{"nothing", "push,", "push,nothing"} {
		if _, err := Select(wrong); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}

func TestEveryScenarioIsCompleteAndHasARequest(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] {
			t.Errorf("%s: twice", s.Name)
		}
		seen[s.Name] = true
		if s.Tenants < 1 || s.Connections < 1 || s.Auth == "" || (s.Push == 0) == (s.Answer == 0) {
			t.Errorf("%s: incomplete: %+v", s.Name, s)
		}
		if _, err := s.Request("a", "b"); err != nil {
			t.Error(err)
		}
	}
}
