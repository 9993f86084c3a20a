package sources

import (
	"maps"
	"time"

	"github.com/headgate/headgate/cmd/headgate/config"
)

// Trial finds out what a gateway makes of values of etcd, without following any. It is for one goroutine at a time.
type Trial struct{ roster *roster }

// NewTrial returns one of a gateway with this configuration. What is in the cache of the options already, of files and
// the like, counts beside the values, and so do limits.
func NewTrial(cfg *config.Config, o Options) *Trial {
	return &Trial{newRoster(o.withDefaults(), cfg.SharedTenants())}
}

// Put puts values in force, by key; those that cannot be are skipped.
func (t *Trial) Put(values map[string]string) {
	t.roster.settle(&step{puts: maps.Clone(values)}, time.Now())
}

// Skipped is why values are not in force, by key.
func (t *Trial) Skipped() map[string]string {
	problems := make(map[string]string, len(t.roster.skipped))
	for key, value := range t.roster.skipped {
		problems[key] = value.problem
	}
	return problems
}

// Limits is what is wrong with the limits of tenants, in the order of those.
func (t *Trial) Limits() []string {
	var problems []string
	for _, err := range t.roster.limits.errors() {
		problems = append(problems, err.Error())
	}
	return problems
}
