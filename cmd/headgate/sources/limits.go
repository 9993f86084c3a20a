package sources

import (
	"maps"
	"slices"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// applyLimits puts the limits in force that the files give to their tenants, each as a source of its own. One that
// contradicts another keeps what it said before. Those of files that are gone go first.
func (d *folder) applyLimits(r *reading) {
	use := r.sources.options.Limits
	for name := range d.limits {
		if d.files[name] == nil {
			_ = use(limitsSource(name), nil) // who says nothing contradicts nobody
			delete(d.limits, name)
		}
	}
	// Twice: limits that move from one file to another are given twice until both have said what they say now.
	for range 2 {
		for _, name := range slices.Sorted(maps.Keys(d.files)) {
			f := d.files[name]
			if f.contradiction = nil; maps.Equal(f.limits, d.limits[name]) {
				continue
			}
			if f.contradiction = use(limitsSource(name), maps.Clone(f.limits)); f.contradiction == nil {
				d.limits[name] = f.limits
			}
		}
	}
}

// dropLimits takes back all that the folder said.
func (d *folder) dropLimits(use func(string, map[string]config.TenantLimits) error) {
	for name := range d.limits {
		_ = use(limitsSource(name), nil) // who says nothing contradicts nobody
	}
	clear(d.limits)
}

func limitsSource(name string) string { return TenantsDir + ": " + name }
