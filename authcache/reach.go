package authcache

import (
	"fmt"
	"slices"
	"strings"
)

// AnyTenant, alone in a list of NewReach, stands for every tenant.
const AnyTenant = "*"

// Reach is the tenants that an identity may name. It never changes. Make one with NewReach.
type Reach struct {
	read, write tenantSet
	fallback    []string // what a read gets that names nobody; empty: the identity's own
	joined      string   // fallback as it goes upstream
}

// tenantSet is a list of tenants, or all of them.
type tenantSet struct {
	any  bool
	list []string // sorted, each once
}

// NewReach returns what these lists of the configuration allow: read_tenants, of which a read may name any subset;
// read_default, what a read gets that names nobody; write_tenants, of which a write, or a change of rules or alerts, may
// name one. ["*"] is every tenant, but for readDefault. The result is nil when all are empty. The lists are copied.
func NewReach(read, readDefault, write []string) (*Reach, error) {
	if len(read)+len(readDefault)+len(write) == 0 {
		return nil, nil
	}
	r := &Reach{}
	var err error
	if r.read, err = newTenantSet(read); err != nil {
		return nil, fmt.Errorf("read_tenants%w", err)
	}
	if r.write, err = newTenantSet(write); err != nil {
		return nil, fmt.Errorf("write_tenants%w", err)
	}
	if slices.Contains(readDefault, AnyTenant) {
		return nil, fmt.Errorf("read_default holds %q, which names nobody in particular; want tenants", AnyTenant)
	}
	fallback, err := newTenantSet(readDefault)
	if err != nil {
		return nil, fmt.Errorf("read_default%w", err)
	}
	r.fallback, r.joined = fallback.list, strings.Join(fallback.list, tenantSeparator)
	return r, nil
}

// newTenantSet's errors begin with the index, or with ":".
func newTenantSet(tenants []string) (tenantSet, error) {
	if slices.Contains(tenants, AnyTenant) {
		if len(tenants) > 1 {
			return tenantSet{}, fmt.Errorf(`: %q stands for every tenant; want it alone`, AnyTenant)
		}
		return tenantSet{any: true}, nil
	}
	for i, tenant := range tenants {
		if err := ValidTenant(tenant); err != nil {
			return tenantSet{}, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	list := slices.Clone(tenants)
	slices.Sort(list)
	return tenantSet{list: slices.Compact(list)}, nil
}

// given reports whether the list is not empty: only then does what a client names count.
func (s tenantSet) given() bool { return s.any || len(s.list) > 0 }

// listed returns the tenant as the list has it, and reports whether it is in the list.
func (s tenantSet) listed(tenant []byte) (string, bool) {
	i, found := slices.BinarySearchFunc(s.list, tenant, func(a string, b []byte) int {
		// Neither conversion allocates.
		switch {
		case a < string(b):
			return -1
		case a > string(b):
			return 1
		}
		return 0
	})
	if !found {
		return "", false
	}
	return s.list[i], true
}

// lacks lists those of tenants that are not in the list.
func (s tenantSet) lacks(tenants []string) (missing []string) {
	for _, tenant := range tenants {
		if _, found := slices.BinarySearch(s.list, tenant); !found {
			missing = append(missing, tenant)
		}
	}
	return missing
}

func (s tenantSet) names() []string {
	if s.any {
		return []string{AnyTenant}
	}
	return s.list
}

// ReadTenants are those that a read may name, sorted; ["*"]: any. The slice is shared.
func (r *Reach) ReadTenants() []string {
	if r == nil {
		return nil
	}
	return r.read.names()
}

// ReadDefault are those that a read gets which names nobody, sorted; empty: the identity's own. The slice is shared.
func (r *Reach) ReadDefault() []string {
	if r == nil {
		return nil
	}
	return r.fallback
}

// WriteTenants are those of which a write may name one, sorted; ["*"]: any. The slice is shared.
func (r *Reach) WriteTenants() []string {
	if r == nil {
		return nil
	}
	return r.write.names()
}

func (r *Reach) equal(other *Reach) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.joined == other.joined && r.read.equal(other.read) && r.write.equal(other.write)
}

func (s tenantSet) equal(other tenantSet) bool {
	return s.any == other.any && slices.Equal(s.list, other.list)
}
