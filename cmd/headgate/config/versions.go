package config

import (
	"errors"
	"math"
	"strings"
)

// Versions are the least versions of tokens by tenant, written as a table.
type Versions map[string]int64

// UnmarshalTOML reads the value of a key.
func (n *Versions) UnmarshalTOML(v any) error {
	table, ok := v.(map[string]any)
	if !ok {
		return errors.New(`is ` + kindOf(v) + `; want a table of tenants and versions, such as { "team-a" = 3 }`)
	}
	if len(table) == 0 {
		return nil
	}
	*n = make(Versions, len(table))
	for tenant, v := range table {
		version, ok := v.(int64)
		if !ok || version < 0 || version > math.MaxInt32 {
			return errors.New(`holds something else than versions of tenants; want integers, such as { "team-a" = 3 }`)
		}
		(*n)[strings.Clone(tenant)] = version
	}
	return nil
}
