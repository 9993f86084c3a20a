package exposition

// authentication are the metrics of credentials and of those who present them.
var authentication = []Family{
	{Name: "headgate_auth_requests_total", Kind: Counter, Labels: []string{"method", "result"},
		Help: "Requests by the way their sender proved who it is, and what came of it: rejected, no source has the credential; unready, a source could not be read; busy, there was no time to check it; expired, early and misplaced, it is known but not good now or from there; forbidden, a token without a tenant that can be"},
	{Name: "headgate_auth_credentials", Kind: Gauge, Help: "Credentials in use, from all sources; tokens are not among them"},
	{Name: "headgate_auth_slow_credentials", Kind: Gauge, Help: "Credentials in use that have a slow hash"},
	{Name: "headgate_auth_verified_credentials", Kind: Gauge, Help: "Secrets and tokens that were verified and are answered from memory since"},
	{Name: "headgate_auth_tokens", Kind: Gauge, Help: "Verified tokens in memory"},
	{Name: "headgate_auth_tokens_limit", Kind: Gauge, Help: "auth.cache.max_entries"},
	{Name: "headgate_auth_tokens_evicted_total", Kind: Counter, Help: "Verified tokens that made room for others"},
	{Name: "headgate_auth_hits_total", Kind: Counter, Labels: []string{"kind"},
		Help: "Credentials answered from memory: static, known as written; verified, checked before; rejected, refused before"},
	{Name: "headgate_auth_misses_total", Kind: Counter, Help: "Credentials that memory had no answer for"},
	{Name: "headgate_auth_verifications_total", Kind: Counter, Labels: []string{"result"}, Help: "Checks against a slow hash or a key"},
	{Name: "headgate_auth_verify_seconds", Kind: Histogram, Help: "Time that a check against a slow hash or a key took"},
	{Name: "headgate_auth_token_refusals_total", Kind: Counter, Labels: []string{"reason"}, Help: "Tokens that were looked at and refused; from memory they do not count again"},
	{Name: "headgate_auth_busy_total", Kind: Counter, Labels: []string{"reason"}, Help: "Credentials that could not be checked because too many others were: queue_full, queue_timeout"},
	{Name: "headgate_auth_queue_length", Kind: Gauge, Labels: []string{"queue"}, Help: "Credentials that wait to be checked"},
	{Name: "headgate_auth_queue_limit", Kind: Gauge, Labels: []string{"queue"}, Help: "How many credentials may wait to be checked"},
	{Name: "headgate_auth_sources_unready", Kind: Gauge, Help: "Sources of credentials that were not read completely yet, or are in error"},
	{Name: "headgate_auth_removals_held", Kind: Gauge, Help: "Credentials whose removal is held until somebody accepts it"},
}
