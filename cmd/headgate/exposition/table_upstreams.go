package exposition

// named is when an upstream is looked up.
const named = "the upstream has a name rather than addresses"

// upstreams are the metrics of the components of Cortex and of their hosts.
var upstreams = []Family{
	{Name: "headgate_upstream_hosts", Kind: Gauge, Labels: []string{"upstream"}, Help: "Hosts that an upstream is known to have"},
	{Name: "headgate_upstream_hosts_available", Kind: Gauge, Labels: []string{"upstream"}, Help: "Hosts of an upstream that are not passed over"},
	{Name: "headgate_upstream_hosts_healthy", Kind: Gauge, Labels: []string{"upstream"},
		Help: "Hosts of an upstream that are not passed over and that its health probes, if there are any, find well; an ill host takes requests all the same when too few others are left"},
	{Name: "headgate_upstream_dns_lookups_total", Kind: Counter, Labels: []string{"upstream"}, When: named, Help: "Look-ups of an upstream's names"},
	{Name: "headgate_upstream_dns_lookup_failures_total", Kind: Counter, Labels: []string{"upstream"}, When: named, Help: "Look-ups of an upstream's names that failed; the hosts of the last answer stay"},
	{Name: "headgate_upstream_dns_resolved_timestamp_seconds", Kind: Gauge, Labels: []string{"upstream"}, When: named,
		Help: "When all names of an upstream were last answered; 0: never"},
	{Name: "headgate_upstream_host_requests_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Attempts to have a request answered by a host, those that found no free connection included"},
	{Name: "headgate_upstream_host_retries_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Of them those with a request that an attempt before had failed with"},
	{Name: "headgate_upstream_host_errors_total", Kind: Counter, Labels: []string{"upstream", "host", "kind"},
		Help: "Attempts that failed: connect, no connection came about; closed, it ended before an answer; timeout; status_5xx; wrong_machine, an answer that the component never gives; bad_answer, one that cannot be read or was cut"},
	{Name: "headgate_upstream_host_duration_seconds", Kind: Histogram, Labels: []string{"upstream", "host"},
		Help: "Time from the beginning of an attempt until its answer could be passed on"},
	{Name: "headgate_upstream_host_clock_skew_seconds", Kind: Gauge, Labels: []string{"upstream", "host"},
		Help: "How far a host's clock is ahead of this machine's, give or take half a second, by the Date of its first answer after the scrape before; 0 until there was one"},
	{Name: "headgate_upstream_host_available", Kind: Gauge, Labels: []string{"upstream", "host"}, Help: "1 while a host is not passed over; 0 also while single requests try it"},
	{Name: "headgate_upstream_host_healthy", Kind: Gauge, Labels: []string{"upstream", "host"}, Help: "1 while a host is neither passed over nor ill by its health probes"},
	{Name: "headgate_upstream_host_in_flight", Kind: Gauge, Labels: []string{"upstream", "host"}, Help: "Requests that a host has now"},
	{Name: "headgate_upstream_host_connections", Kind: Gauge, Labels: []string{"upstream", "host"}, Help: "Open connections to a host"},
	{Name: "headgate_upstream_host_idle_connections", Kind: Gauge, Labels: []string{"upstream", "host"}, Help: "Open connections to a host that carry no request now"},
	{Name: "headgate_upstream_host_max_connections", Kind: Gauge, Bounds: "headgate_upstream_host_in_flight", Labels: []string{"upstream", "host"}, Help: "upstreams.max_connections, for each pool of the upstream that has the host; 0: none"},
	{Name: "headgate_upstream_host_dials_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Connections to a host that were begun"},
	{Name: "headgate_upstream_host_dial_errors_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Connections to a host that did not come about"},
	{Name: "headgate_upstream_host_stale_connections_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Kept connections that the host had closed, or sent something on unasked"},
	{Name: "headgate_upstream_host_no_connection_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Requests that waited for one of the host's max_connections in vain"},
	{Name: "headgate_upstream_host_passed_over_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Times that a host began to be passed over"},
	{Name: "headgate_upstream_host_probes_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Probes of a host's health"},
	{Name: "headgate_upstream_host_probe_failures_total", Kind: Counter, Labels: []string{"upstream", "host"}, Help: "Probes of a host's health that found it ill"},
}
