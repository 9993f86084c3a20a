package admin

import (
	"fmt"
	"slices"
	"time"
)

// Soon is how long before their end certificates and credentials want somebody's attention.
const Soon = 14 * 24 * time.Hour

// clockOff is how far the clocks of two machines may be apart.
const clockOff = 5 * time.Second

// notices collects what somebody should look at.
type notices struct{ bad, warn []Notice }

func (n *notices) badf(format string, args ...any) {
	n.bad = append(n.bad, Notice{"bad", fmt.Sprintf(format, args...)})
}

func (n *notices) warnf(format string, args ...any) {
	n.warn = append(n.warn, Notice{"warn", fmt.Sprintf(format, args...)})
}

// Notices is what somebody should look at in a status of this moment, the worst first; never nil.
func (s *Status) Notices(now time.Time) []Notice {
	var n notices
	for i := range s.Upstreams {
		n.upstream(&s.Upstreams[i], now)
	}
	for _, source := range s.Sources {
		switch {
		case len(source.Held) > 0:
			n.badf("%s: the removal of %d clients is held until somebody accepts it", source.Name, len(source.Held))
		case source.Own && !s.Config.LastReload.Successful: // said below, once
		case source.Problem != "":
			n.badf("%s: in error, what it held before stays in use", source.Name)
		case !source.Read:
			n.warnf("%s: not read yet, pushes with credentials that are not known get 503", source.Name)
		}
	}
	n.configuration(&s.Config)
	for _, c := range s.Certificates {
		n.end("the certificate of "+c.Key, c.Expires, now)
		if c.Problem != "" && !slices.Contains(s.Config.LastReload.Problems, c.Problem) {
			n.badf("the certificate of %s is not renewed: %s", c.Key, c.Problem)
		}
	}
	for _, c := range s.Credentials.Shown {
		if c.Expires == nil || !c.Last && c.Expires.Before(now) {
			continue // one that is replaced already
		}
		what := "a credential of " + c.Client + ", tenant " + c.Tenant + ","
		if ended := !now.Before(*c.Expires); ended && c.Until != nil && now.Before(*c.Until) {
			n.warnf("%s has ended %s and is taken until %s (auth.expiry_grace)", what, leftWords(now, *c.Expires), clockWords(*c.Until))
		} else {
			n.end(what, *c.Expires, now)
		}
	}
	for _, l := range s.Limits {
		switch {
		case l.Limit == 0 || l.Used == 0 || l.Used < l.High():
		case l.InBytes():
			n.warnf("%s: %s of %s are in use", l.Key, bytesWords(l.Used), bytesWords(l.Limit))
		default:
			n.warnf("%s: %d of %d are in use", l.Key, l.Used, l.Limit)
		}
	}
	return append(append([]Notice{}, n.bad...), n.warn...)
}

// Worst is the level of the worst of what there is to look at; "good" when there is nothing.
func (s *Status) Worst() string {
	if len(s.Attention) == 0 {
		return "good"
	}
	return s.Attention[0].Level
}

func (n *notices) upstream(u *Upstream, now time.Time) {
	up := u.Up()
	for _, h := range u.Hosts {
		if ahead := time.Duration(h.ClockAheadSeconds * float64(time.Second)); ahead.Abs() > clockOff {
			n.warnf("the clocks of %s (%s) and of this machine are %s apart", h.Address, u.Name, spanWords(ahead.Abs()))
		}
	}
	switch {
	case len(u.Hosts) == 0 && u.Problem != "":
		n.badf("%s has no host: %s", u.Name, u.Problem)
	case len(u.Hosts) == 0:
		n.badf("%s has no host", u.Name)
	case up == 0:
		n.badf("no host of %s is up", u.Name)
	case u.Problem != "":
		n.warnf("the names of %s cannot be looked up, its last hosts are in use: %s", u.Name, u.Problem)
	}
	if up == 0 {
		return
	}
	for _, h := range u.Hosts {
		if h.State != HostUp && h.Since != nil {
			n.warnf("%s of %s is %s, for %s: %s", h.Address, u.Name, h.State, spanWords(now.Sub(*h.Since)), h.Cause)
		}
	}
}

func (n *notices) configuration(c *Config) {
	if !c.LastReload.Successful {
		first := ""
		if len(c.LastReload.Problems) > 0 {
			first = ": " + c.LastReload.Problems[0]
		}
		n.badf("not all that the configuration of %s says is in use%s", clockWords(c.LastReload.Time), first)
	}
	for _, key := range c.RestartRequired {
		n.warnf("%s keeps its old value until a restart", key)
	}
}

// end warns of something that ends soon.
func (n *notices) end(what string, expires, now time.Time) {
	switch left := expires.Sub(now); {
	case left <= 0:
		n.badf("%s has ended %s", what, leftWords(now, expires))
	case left < Soon:
		n.warnf("%s ends %s", what, leftWords(now, expires))
	}
}
