package config

// validateTLS makes the TLS configuration of an upstream.
func (u *Upstream) validateTLS(on *checks, key string) {
	t := &u.TLS
	if !u.https {
		if *t != (UpstreamTLS{}) {
			on.errorf(key, "is there, but no URL of this upstream is https; want https URLs, or no TLS settings")
		}
		return
	}
	u.tls = t.config(on, key)
	u.tls.NextProtos = []string{"http/1.1"}
	u.tls.InsecureSkipVerify = t.InsecureSkipVerify // #nosec G402 -- the operator's choice
}
