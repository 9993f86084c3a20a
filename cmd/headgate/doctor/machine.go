package doctor

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Machine is where to look at the machine.
type Machine struct {
	Proc         string                  // "/proc"
	OpenFiles    int64                   // the limit of this process; 0: not known
	Synchronised func() (known, ok bool) // whether something keeps the clock right
}

// Load is what the gateway wants of the machine.
type Load struct {
	Clients      int   // that may be connected at once; 0: no limit
	HostsMost    int   // connections to one host of an upstream; 0: no limit
	Ports        []int // that it listens on
	FixedClients bool  // Clients was asked for, and not derived from the open-file limit
}

const (
	fewFiles   = 65536
	fewBacklog = 4096
	fewPorts   = 16384
)

// Look examines the machine.
func (m Machine) Look(load Load) []Finding {
	var all []Finding
	for _, look := range []func(Load) []Finding{m.files, m.backlog, m.ports, m.tcp, m.conntrack, m.clock} {
		all = append(all, look(load)...)
	}
	return all
}

// files looks at the open-file limit: each client may need a connection to an upstream.
func (m Machine) files(load Load) []Finding {
	const what = "open files"
	switch {
	case m.OpenFiles == 0:
		return nil
	case load.FixedClients && int64(load.Clients) > m.OpenFiles/2:
		return []Finding{findf(Error, what, "the limit of %d is too low for server.max_connections = %d, which takes twice as many; "+
			"set LimitNOFILE=1048576 in the unit, or ulimit -n", m.OpenFiles, load.Clients)}
	case m.OpenFiles < fewFiles:
		return []Finding{findf(Warning, what, "the limit of %d is low; set LimitNOFILE=1048576 in the unit, or ulimit -n", m.OpenFiles)}
	}
	return []Finding{findf(OK, what, "the limit is %d", m.OpenFiles)}
}

// backlog looks at how many connections may wait to be accepted.
func (m Machine) backlog(Load) []Finding {
	var all []Finding
	for _, name := range []string{"net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog"} {
		n, ok := m.sysctl(name)
		switch {
		case !ok:
		case n < fewBacklog && name == "net.core.somaxconn":
			all = append(all, findf(Warning, name, "%d connections may wait to be accepted; set it to %d or more", n, fewBacklog))
		case n < 1024:
			all = append(all, findf(Hint, name, "%d handshakes may be under way; set it to %d or more", n, fewBacklog))
		default:
			all = append(all, findf(OK, name, "%d", n))
		}
	}
	return all
}

// ports looks at those that connections to upstreams come from.
func (m Machine) ports(load Load) []Finding {
	const what = "net.ipv4.ip_local_port_range"
	limits := strings.Fields(m.read("sys/net/ipv4/ip_local_port_range"))
	if len(limits) != 2 {
		return nil
	}
	first, err1 := strconv.Atoi(limits[0])
	last, err2 := strconv.Atoi(limits[1])
	if err1 != nil || err2 != nil {
		return nil
	}
	finding := findf(OK, what, "%d ports", last-first+1)
	switch n := last - first + 1; {
	case load.HostsMost > n:
		finding = findf(Error, what, "%d ports are fewer than max_connections of an upstream, %d; set it to \"15000 65000\"", n, load.HostsMost)
	case n < fewPorts:
		finding = findf(Warning, what, "%d ports for connections to each host are few; set it to \"15000 65000\"", n)
	}
	all := []Finding{finding}
	reserved := m.read("sys/net/ipv4/ip_local_reserved_ports")
	for _, port := range load.Ports {
		if port >= first && port <= last && !inRanges(reserved, port) {
			all = append(all, findf(Warning, "port "+strconv.Itoa(port), "it is one of those that connections out of this machine come from, "+
				"and one of them may have it when headgate starts; listen on another, or add it to net.ipv4.ip_local_reserved_ports"))
		}
	}
	return all
}

// inRanges reports whether a port is in a list such as "8080,9000-9010".
func inRanges(list string, port int) bool {
	return slices.ContainsFunc(strings.Split(strings.TrimSpace(list), ","), func(part string) bool {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		return err1 == nil && err2 == nil && from <= port && port <= to
	})
}

// tcp looks at settings that come with the system and do not suit a proxy.
func (m Machine) tcp(Load) []Finding {
	var all []Finding
	for _, s := range []struct {
		name  string
		good  func(int) bool
		level Level
		text  string
	}{
		{"net.ipv4.tcp_syncookies", func(n int) bool { return n != 0 }, Warning, "a flood of handshakes keeps clients out; set it to 1"},
		{"net.ipv4.tcp_slow_start_after_idle", func(n int) bool { return n == 0 }, Hint, "each push after a pause starts slowly; set it to 0"},
		{"net.ipv4.tcp_tw_reuse", func(n int) bool { return n == 1 }, Hint, "ports of ended connections rest for a minute; set it to 1"},
		{"net.ipv4.tcp_window_scaling", func(n int) bool { return n != 0 }, Warning, "no more than 64 KiB can be under way; set it to 1"},
	} {
		n, ok := m.sysctl(s.name)
		switch {
		case !ok:
		case s.good(n):
			all = append(all, findf(OK, s.name, "%d", n))
		default:
			all = append(all, findf(s.level, s.name, "%d: %s", n, s.text))
		}
	}
	return all
}

// conntrack looks at the firewall's table: when that is full, new connections are dropped without a word.
func (m Machine) conntrack(Load) []Finding {
	const what = "net.netfilter.nf_conntrack_max"
	most, ok1 := m.sysctl(what)
	used, ok2 := m.sysctl("net.netfilter.nf_conntrack_count")
	switch {
	case !ok1 || !ok2 || most == 0:
		return nil
	case used > most/5*4:
		return []Finding{findf(Error, what, "%d of %d connections are tracked, and when it is full new ones are dropped; raise it, or do not track", used, most)}
	case most < fewFiles:
		return []Finding{findf(Warning, what, "%d tracked connections are few; set it to 262144 or more, or do not track", most)}
	}
	return []Finding{findf(OK, what, "%d of %d", used, most)}
}

// clock looks whether something keeps it right: tokens and certificates are good until a time.
func (m Machine) clock(Load) []Finding {
	if m.Synchronised == nil {
		return nil
	}
	switch known, ok := m.Synchronised(); {
	case !known:
		return []Finding{findf(Unknown, "clock", "from here it cannot be told whether something keeps it right; "+
			"outside of the service's sandbox headgate doctor can tell, and timedatectl")}
	case !ok:
		return []Finding{findf(Warning, "clock", "nothing keeps it right; run chrony or systemd-timesyncd")}
	}
	return []Finding{findf(OK, "clock", "it is synchronised")}
}

// sysctl is a setting of the kernel that is one number.
func (m Machine) sysctl(name string) (int, bool) {
	n, err := strconv.ParseInt(m.read("sys/"+strings.ReplaceAll(name, ".", "/")), 10, 64)
	return int(min(n, math.MaxInt32)), err == nil
}

func (m Machine) read(name string) string {
	text, err := os.ReadFile(filepath.Join(m.Proc, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
