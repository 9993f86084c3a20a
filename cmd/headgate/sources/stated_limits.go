package sources

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// limited is what a key says of the limits of its tenant.
type limited struct {
	tenant string
	limits config.TenantLimits
}

// statement is that by tenant.
type statement struct {
	key    string
	limits config.TenantLimits
}

// statedLimits are the limits that the keys of etcd give to their tenants. Keys of one tenant that contradict each other
// are an error, and the first in their order counts: a tenant is never without limits only because they are being changed.
// Where another source gives other limits those count, and etcd says nothing.
type statedLimits struct {
	amend    func(source string, changes map[string]*config.TenantLimits) map[string]error
	log      *slog.Logger
	byTenant map[string][]statement // in the order of their keys
	problems map[string]limitProblem
	touched  map[string]bool // tenants of whom something else may be in force now
}

// limitProblem is what is wrong with the limits of a tenant.
type limitProblem struct {
	text    string
	refused bool // because of another source
}

// move notes that a key says something else of limits, nil for nothing.
func (l *statedLimits) move(key string, was, now *limited) {
	if was == now || was != nil && now != nil && *was == *now {
		return
	}
	if was != nil {
		l.put(was.tenant, slices.DeleteFunc(l.byTenant[was.tenant], func(s statement) bool { return s.key == key }))
	}
	if now != nil {
		said := l.byTenant[now.tenant]
		at, _ := slices.BinarySearchFunc(said, key, func(s statement, key string) int { return strings.Compare(s.key, key) })
		l.put(now.tenant, slices.Insert(said, at, statement{key, now.limits}))
	}
}

func (l *statedLimits) put(tenant string, said []statement) {
	if l.touched == nil {
		l.touched = map[string]bool{}
	}
	l.touched[tenant] = true
	if len(said) == 0 {
		delete(l.byTenant, tenant)
		return
	}
	l.byTenant[tenant] = said
}

// again has apply try once more what another source was in the way of.
func (l *statedLimits) again() {
	for tenant, problem := range l.problems {
		if problem.refused {
			l.put(tenant, l.byTenant[tenant])
		}
	}
}

// apply puts in force what was said since the last time. It reports whether something else is wrong than before.
func (l *statedLimits) apply() (changed bool) {
	if len(l.touched) == 0 {
		return false
	}
	changes := make(map[string]*config.TenantLimits, len(l.touched))
	for tenant := range l.touched {
		changes[tenant] = nil
		if said := l.byTenant[tenant]; len(said) > 0 {
			changes[tenant] = &said[0].limits
		}
	}
	refused := l.amend(Etcd, changes)
	for tenant := range l.touched {
		changed = l.note(tenant, refused[tenant]) || changed
	}
	l.touched = nil
	return changed
}

// note keeps what is wrong with the limits of a tenant, says so when that is news, and reports whether it is.
func (l *statedLimits) note(tenant string, refused error) (news bool) {
	var problem limitProblem
	if refused != nil {
		problem = limitProblem{refused.Error(), true}
	} else if other := contradiction(l.byTenant[tenant]); other != nil {
		first := l.byTenant[tenant][0]
		problem.text = fmt.Sprintf("the limits of tenant %q are %s at %q and %s at %q; want them once, and the first count until then",
			tenant, first.limits, first.key, other.limits, other.key)
	}
	was := l.problems[tenant]
	switch {
	case problem == was:
	case problem.text == "":
		delete(l.problems, tenant)
		l.log.Info("limits of a tenant from etcd are good again", "tenant", tenant)
	default:
		l.problems[tenant] = problem
		l.log.Error("limits of a tenant from etcd are not in force as they stand there", "tenant", tenant, "problem", problem.text)
	}
	return problem != was
}

// contradiction is the first statement that gives other limits than the one before all, nil if they agree.
func contradiction(said []statement) *statement {
	for i := range said {
		if said[i].limits != said[0].limits {
			return &said[i]
		}
	}
	return nil
}

// errors are all problems, by tenant.
func (l *statedLimits) errors() (all []error) {
	for _, tenant := range slices.Sorted(maps.Keys(l.problems)) {
		all = append(all, errors.New(l.problems[tenant].text))
	}
	return all
}
