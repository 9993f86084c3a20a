package config

import (
	"slices"
	"strings"
	"time"
)

// Components of a Cortex cluster, as [upstreams] names them. All stands for each
// one that has no table of its own.
const (
	All           = "all"
	Distributor   = "distributor"
	QueryFrontend = "query-frontend"
	Querier       = "querier"
	Ruler         = "ruler"
	Alertmanager  = "alertmanager"
)

// components are the names with a meaning. Those after Alertmanager have no
// default routes: what they offer is opened by an explicit route only.
var components = []string{
	All, Distributor, QueryFrontend, Querier, Ruler, Alertmanager,
	"overrides", "purger", "store-gateway", "compactor", "ingester",
}

// componentAliases are other words for a component that are in use elsewhere.
var componentAliases = map[string]string{
	"frontend":       QueryFrontend,
	"qf":             QueryFrontend,
	"queriers":       Querier,
	"am":             Alertmanager,
	"alert":          Alertmanager,
	"user-overrides": "overrides",
}

func knownComponent(name string) bool { return slices.Contains(components, name) }

// HasDefaultRoutes reports whether a component is in the default route table.
func HasDefaultRoutes(name string) bool {
	i := slices.Index(components, name)
	return i >= 0 && i <= slices.Index(components, Alertmanager)
}

// ComponentMeant is the component that a name is, or an alias or a near miss of.
// A name that only adds a number to one, "ruler-2", is a name of its own.
func ComponentMeant(name string) (string, bool) {
	plain := strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(strings.ToLower(name))
	if component, ok := componentAliases[plain]; ok {
		return component, true
	}
	for _, c := range components {
		if strings.ReplaceAll(plain, "-", "") == strings.ReplaceAll(c, "-", "") {
			return c, true
		}
	}
	if base := strings.TrimRight(plain, "-0123456789"); base != plain && knownComponent(base) {
		return "", false
	}
	return nearest(plain, components)
}

// deadlines are how long a component may take: for a whole request, and to the
// first byte of its answer.
type deadlines struct{ whole, read time.Duration }

func deadlinesOf(component string) deadlines {
	switch component {
	case Distributor:
		return deadlines{25 * time.Second, 8 * time.Second}
	case QueryFrontend, Querier:
		return deadlines{125 * time.Second, 120 * time.Second}
	case Alertmanager:
		return deadlines{35 * time.Second, 30 * time.Second}
	}
	return deadlines{65 * time.Second, 60 * time.Second}
}
