package exposition

// requests are the metrics of requests and their answers.
var requests = []Family{
	{Name: "cortex_request_duration_seconds", Kind: Histogram, Labels: []string{"method", "route", "status_code", "ws"},
		Help: "Time to serve requests, from the end of a request's head to the end of its answer, whoever gave it, under the name and with the routes that Cortex's own dashboards expect"},
	{Name: "headgate_in_flight_requests", Kind: Gauge, Help: "Requests that are being served now"},
	{Name: "headgate_requests_total", Kind: Counter, Labels: []string{"route", "scope", "status", "origin"},
		Help: "Requests by how they ended: the class of the status and who gave it, Cortex or headgate; cut is an answer that did not come, or not whole; route other is none, with scope write for what was meant as a push"},
	{Name: "headgate_refusals_total", Kind: Counter, Labels: []string{"reason", "origin", "scope"},
		Help: "Requests that were refused: by headgate, for the reason in the answer's X-Headgate-Reason, or by the upstream, with this status"},
	{Name: "headgate_request_body_bytes_total", Kind: Counter, Help: "Bytes of request bodies read from clients, as they were sent"},
	{Name: "headgate_response_bytes_total", Kind: Counter, Help: "Bytes of answers written to clients, heads included"},
	{Name: "headgate_retries_total", Kind: Counter, Help: "Further attempts to have a request answered by a host"},
	{Name: "headgate_sender_retries_total", Kind: Counter, Help: "Requests that a sender marked with Retry-Attempt as sent before"},
	{Name: "headgate_client_write_errors_total", Kind: Counter, Help: "Answers that a client did not take"},
	{Name: "headgate_client_tenants_ignored_total", Kind: Counter, Help: "Requests whose client sent an X-Scope-OrgID that was not used"},
	{Name: "headgate_panics_total", Kind: Counter, Help: "Requests that ended in a bug of headgate"},
	{Name: "headgate_log_lines_suppressed_total", Kind: Counter, Help: "Log lines about single requests that were not written because there were too many"},
	{Name: "headgate_log_lines_dropped_total", Kind: Counter, Help: "Log lines that were dropped because whoever reads the log did not keep up"},
}

// limited is when the limits of a tenant are shown.
const limited = "the tenant has limits and series of its own"

// tenants are the metrics of single tenants.
var tenants = []Family{
	{Name: "headgate_tenant_requests_total", Kind: Counter, Labels: []string{"tenant"}, When: "`metrics.tenants` is not 0",
		Help: "Requests with a good credential, by the tenant they are about, of several the first; other stands for all without series of their own"},
	{Name: "headgate_tenant_request_body_bytes_total", Kind: Counter, Labels: []string{"tenant"}, When: "`metrics.tenants` is not 0",
		Help: "Bytes of request bodies read from clients, as they were sent"},
	{Name: "headgate_tenant_refusals_total", Kind: Counter, Labels: []string{"tenant", "reason", "origin"}, When: "the tenant was refused something for this reason",
		Help: "Requests with a good credential that were refused, as in headgate_refusals_total"},
	{Name: "headgate_tenant_admitted_requests", Kind: Gauge, Labels: []string{"tenant"}, When: limited, Help: "Requests under way that count for the limits of the tenant"},
	{Name: "headgate_tenant_admitted_requests_limit", Kind: Gauge, Bounds: "headgate_tenant_admitted_requests", Labels: []string{"tenant"}, When: limited, Help: "tenants.limits.max_in_flight of the tenant; 0: none"},
	{Name: "headgate_tenant_requests_per_second_limit", Kind: Gauge, Bounds: "headgate_tenant_requests_total", Labels: []string{"tenant"}, When: limited, Help: "tenants.limits.requests_per_second of the tenant; 0: none"},
	{Name: "headgate_tenant_request_body_bytes_per_second_limit", Kind: Gauge, Bounds: "headgate_tenant_request_body_bytes_total", Labels: []string{"tenant"}, When: limited, Help: "tenants.limits.bytes_per_second of the tenant; 0: none"},
	{Name: "headgate_tenants_shown", Kind: Gauge, Help: "Tenants that have series of their own"},
	{Name: "headgate_tenants_shown_limit", Kind: Gauge, Bounds: "headgate_tenants_shown", Help: "metrics.tenants"},
}

// connections are the metrics of clients' connections.
var connections = []Family{
	{Name: "headgate_accept_errors_total", Kind: Counter, Help: "Connections that could not be accepted, as a rule for want of open files"},
	{Name: "headgate_client_connections_refused_total", Kind: Counter, Labels: []string{"reason"},
		Help: "Connections of clients that were closed at once: limit, at server.max_connections; address, not in server.allow_from"},
	{Name: "headgate_tls_handshake_errors_total", Kind: Counter, Help: "Clients that TLS could not agree with"},
}

// limits are what bounds the process, each beside what is in use of it. A limit of 0 is none.
var limits = []Family{
	{Name: "headgate_client_connections", Kind: Gauge, Help: "Open connections of clients"},
	{Name: "headgate_client_connections_limit", Kind: Gauge, Bounds: "headgate_client_connections", Help: "server.max_connections; 0: none"},
	{Name: "headgate_admitted_requests", Kind: Gauge, Labels: []string{"kind"}, Help: "Requests that hold a slot of the process, reads and others"},
	{Name: "headgate_admitted_requests_limit", Kind: Gauge, Bounds: "headgate_admitted_requests", Labels: []string{"kind"}, Help: "limits.max_in_flight_reads and limits.max_in_flight; 0: none"},
	{Name: "headgate_queued_requests", Kind: Gauge, Labels: []string{"kind"}, Help: "Requests that wait for a slot of the process"},
	{Name: "headgate_held_body_bytes", Kind: Gauge, Help: "Bytes of request bodies kept for a further attempt"},
	{Name: "headgate_held_body_bytes_limit", Kind: Gauge, Bounds: "headgate_held_body_bytes", Help: "limits.max_buffered in bytes; 0: none"},
	{Name: "headgate_memory_bytes", Kind: Gauge, Help: "Memory that is in use, without what the Go runtime has free; above 80 % of the limit, after a collection of garbage, bodies are not kept and requests wait"},
	{Name: "headgate_memory_bytes_limit", Kind: Gauge, Bounds: "headgate_memory_bytes", Help: "GOMEMLIMIT, or 90 % of the cgroup's or the machine's memory; 0: not known"},
	{Name: "headgate_route_admitted_requests", Kind: Gauge, Labels: []string{"path", "methods"}, When: "the route has a `max_in_flight`",
		Help: "Requests that hold a slot of a route"},
	{Name: "headgate_route_admitted_requests_limit", Kind: Gauge, Bounds: "headgate_route_admitted_requests", Labels: []string{"path", "methods"}, When: "the route has a `max_in_flight`",
		Help: "routes.max_in_flight of a route"},
}
