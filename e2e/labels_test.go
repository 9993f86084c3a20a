package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// labelSet identifies a series.
type labelSet map[string]string

// String lists the labels in order, so that equal sets are equal texts.
func (l labelSet) String() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, l[name]))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// difference returns nil when the two lists hold the same texts, in any order,
// and otherwise an error that says what is missing and what is too much.
func difference(got, want []string) error {
	var missing, extra []string
	for _, s := range want {
		if !slices.Contains(got, s) {
			missing = append(missing, s)
		}
	}
	for _, s := range got {
		if !slices.Contains(want, s) {
			extra = append(extra, s)
		}
	}
	if len(missing) == 0 && len(extra) == 0 && len(got) == len(want) {
		return nil
	}
	return fmt.Errorf("%d, want %d; missing %v; not wanted %v", len(got), len(want), missing, extra)
}
