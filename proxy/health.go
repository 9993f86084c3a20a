package proxy

// isHealthCheck reports whether a layer-4 balancer asks how we are, which needs no credentials.
func (x *exchange) isHealthCheck() bool {
	return x.snapshot.healthPath != "" && string(x.head.Path) == x.snapshot.healthPath &&
		(string(x.head.Method) == "GET" || x.isHead())
}

// answerHealth says 200, or 503 while draining.
func (x *exchange) answerHealth() *failure {
	if x.proxy.draining.Load() {
		return refuse(draining)
	}
	x.answerText(200, "ok\n")
	return nil
}
