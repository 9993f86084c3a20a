package rivals

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/headgate/headgate/bench/scenario"
)

// The proxies.
const (
	Headgate = "headgate"
	HAProxy  = "haproxy"
	Nginx    = "nginx"
	VMAuth   = "vmauth"
)

// Variant is one proxy in one configuration. Of a rival's variants the best one counts, scenario by scenario.
type Variant struct {
	Name  string
	Proxy string
	About string // in a few words, for tables

	buffers     string // "", "64k", "1m"
	splice      bool
	userlist    bool // HAProxy: a userlist in place of a map of credentials
	filePerUser bool // nginx: when there are many tenants
	wide        bool // headgate: as many upstream connections as client connections
	pushOnly    bool
}

// Variants returns all variants, headgate first.
func Variants() []Variant {
	return []Variant{
		{Name: "headgate", Proxy: Headgate, About: "defaults"},
		{Name: "headgate-wide", Proxy: Headgate, About: "max_connections = 10000", wide: true},
		{Name: "haproxy", Proxy: HAProxy, About: "stock buffers, map of credentials"},
		{Name: "haproxy-64k", Proxy: HAProxy, About: "64 KiB buffers, map of credentials", buffers: "64k"},
		{Name: "haproxy-splice", Proxy: HAProxy, About: "splice, map of credentials", splice: true},
		{Name: "haproxy-userlist", Proxy: HAProxy, About: "stock buffers, userlist", userlist: true},
		{Name: "nginx", Proxy: Nginx, About: "stock buffers, one password file"},
		{Name: "nginx-64k", Proxy: Nginx, About: "64 KiB buffers, streamed, with many tenants a file per user", buffers: "64k", filePerUser: true},
		{Name: "nginx-1m", Proxy: Nginx, About: "whole bodies in memory", buffers: "1m", pushOnly: true},
		{Name: "vmauth", Proxy: VMAuth, About: "defaults, more idle connections"},
	}
}

// Select returns the variants whose name, or whose proxy's name followed by "*", is in a comma-separated list; all of them
// for "".
func Select(list string) ([]Variant, error) {
	if list == "" {
		return Variants(), nil
	}
	chosen := map[string]bool{}
	for _, name := range strings.Split(list, ",") {
		found := false
		for _, v := range Variants() {
			if v.Name == name || v.Proxy+"*" == name {
				chosen[v.Name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no variant is called %q; want one of %s, or haproxy* or nginx* for all of one", name, names())
		}
	}
	var selected []Variant
	for _, v := range Variants() {
		if chosen[v.Name] {
			selected = append(selected, v)
		}
	}
	return selected, nil
}

func names() string {
	var list []string
	for _, v := range Variants() {
		list = append(list, v.Name)
	}
	return strings.Join(list, ", ")
}

// Fits reports whether a scenario says anything about a variant; if not, why not.
func (v Variant) Fits(s scenario.Scenario) (bool, string) {
	many := s.Tenants > 1
	switch {
	case v.Proxy == VMAuth && s.Auth == scenario.Bcrypt:
		return false, "takes plain passwords only"
	case v.Proxy == HAProxy && !v.userlist && s.Auth == scenario.Bcrypt:
		return false, "a map holds plain credentials only"
	case v.userlist && s.Auth == scenario.Plain && s.Name != "push-1KiB":
		return false, "slower than the map: shown once"
	case v.wide && !s.Many():
		return false, "the same as headgate below 512 connections"
	case v.pushOnly && (s.Push == 0 || many || s.Auth == scenario.Bcrypt || s.TLS || s.Many()):
		return false, "differs from nginx-64k in pushes only"
	case v.Name == "nginx-64k" && s.Auth == scenario.Bcrypt:
		return false, "the same as nginx: the time goes into bcrypt"
	}
	return true, ""
}

// HashesEachTime reports whether a variant verifies a password anew on every request of a scenario that has slow hashes:
// a handful of requests a second, so fewer connections are used.
func (v Variant) HashesEachTime(s scenario.Scenario) bool {
	return s.Auth == scenario.Bcrypt && v.Proxy != Headgate
}

// SeveralStarts reports whether a variant's speed depends on the luck of its memory layout, so that it is started several
// times and the best start counts.
func (v Variant) SeveralStarts() bool { return v.Proxy == HAProxy }

// HasGoMetrics reports whether the proxy shows the statistics of Go's memory on its metrics page.
func (v Variant) HasGoMetrics() bool { return v.Proxy == Headgate || v.Proxy == VMAuth }

// Program returns the path of a proxy's program: headgate's as given, a rival's from PATH. The error says how to get it.
func Program(proxy, headgate string) (string, error) {
	if proxy == Headgate {
		path, err := exec.LookPath(headgate)
		if err != nil {
			return "", fmt.Errorf("headgate is not at %s: run make build, or set HEADGATE_BIN", headgate)
		}
		return path, nil
	}
	path, err := exec.LookPath(proxy)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run make bench-deps", proxy)
	}
	return path, nil
}
