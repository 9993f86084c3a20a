package exposition

// configuration are the metrics of what runs, and with which configuration.
var configuration = []Family{
	{Name: "headgate_build_info", Kind: Gauge, Labels: []string{"version", "revision", "goversion"}, Help: "1, for the build that runs"},
	{Name: "cortex_build_info", Kind: Gauge, Labels: []string{"version", "revision", "branch", "goversion"}, Help: "1, for the build that runs, where Cortex's own dashboards look"},
	{Name: "headgate_config_hash", Kind: Gauge, Labels: []string{"sha256"}, Help: "1, for the configuration file in use"},
	{Name: "headgate_config_last_reload_successful", Kind: Gauge, Help: "1 while the last attempt to load a configuration, or the files that it names, was successful"},
	{Name: "headgate_config_last_reload_success_timestamp_seconds", Kind: Gauge, Help: "When the configuration in use was put in use"},
	{Name: "headgate_config_restart_required", Kind: Gauge, Help: "1 while a setting waits for a restart"},
	{Name: "headgate_trace_spans_sent_total", Kind: Counter, Help: "Spans that tracing.endpoint took"},
	{Name: "headgate_trace_spans_lost_total", Kind: Counter, Help: "Spans that tracing.endpoint did not take in time"},
	{Name: "headgate_draining", Kind: Gauge, Help: "1 while the gateway goes away"},
	{Name: "headgate_certificate_expiry_timestamp_seconds", Kind: Gauge, Labels: []string{"certificate"}, When: "there is a certificate",
		Help: "When a certificate in use ends"},
	{Name: "headgate_certificate_last_reload_successful", Kind: Gauge, Help: "1 while what the files of certificates hold can be used"},
}

// goRuntime are the metrics of the Go runtime, under the names of Prometheus's client for Go.
var goRuntime = []Family{
	{Name: "go_info", Kind: Gauge, Labels: []string{"version"}, Help: "1, for the version of Go"},
	{Name: "go_goroutines", Kind: Gauge, Help: "Goroutines that there are"},
	{Name: "go_threads", Kind: Gauge, Help: "Threads of the operating system that were started"},
	{Name: "go_sched_gomaxprocs_threads", Kind: Gauge, Help: "Threads that may run Go code at a time"},
	{Name: "go_gc_duration_seconds", Kind: Summary, Help: "Pauses of the garbage collector"},
	{Name: "go_gc_gomemlimit_bytes", Kind: Gauge, Help: "Memory that the garbage collector keeps to"},
	{Name: "go_memstats_alloc_bytes", Kind: Gauge, Help: "Bytes of objects on the heap, dead ones that were not swept yet included"},
	{Name: "go_memstats_alloc_bytes_total", Kind: Counter, Help: "Bytes allocated on the heap since the start"},
	{Name: "go_memstats_mallocs_total", Kind: Counter, Help: "Objects allocated on the heap since the start"},
	{Name: "go_memstats_frees_total", Kind: Counter, Help: "Objects freed since the start"},
	{Name: "go_memstats_heap_objects", Kind: Gauge, Help: "Objects on the heap"},
	{Name: "go_memstats_heap_inuse_bytes", Kind: Gauge, Help: "Bytes of spans of the heap that hold objects"},
	{Name: "go_memstats_heap_idle_bytes", Kind: Gauge, Help: "Bytes of the heap that hold nothing"},
	{Name: "go_memstats_heap_released_bytes", Kind: Gauge, Help: "Bytes of the heap that were given back to the system"},
	{Name: "go_memstats_stack_inuse_bytes", Kind: Gauge, Help: "Bytes of stacks"},
	{Name: "go_memstats_sys_bytes", Kind: Gauge, Help: "Bytes that the runtime has from the system"},
	{Name: "go_memstats_next_gc_bytes", Kind: Gauge, Help: "Size of the heap at which the garbage collector runs next"},
	{Name: "go_memstats_last_gc_time_seconds", Kind: Gauge, Help: "When the garbage collector last ran, as Unix time; 0: never"},
}

// process are the metrics that the operating system has of the process, under the names that Prometheus's clients use.
var process = []Family{
	{Name: "process_start_time_seconds", Kind: Gauge, Help: "When the process began, as Unix time"},
	{Name: "process_cpu_seconds_total", Kind: Counter, Help: "Processor time used, by the process and by the system for it"},
	{Name: "process_resident_memory_bytes", Kind: Gauge, When: "the system is Linux", Help: "Bytes of memory that the process has in use"},
	{Name: "process_virtual_memory_bytes", Kind: Gauge, When: "the system is Linux", Help: "Bytes of addresses that the process has mapped"},
	{Name: "process_open_fds", Kind: Gauge, When: "the system is Linux", Help: "Open files, connections included"},
	{Name: "process_max_fds", Kind: Gauge, Bounds: "process_open_fds", Help: "How many files may be open"},
}
