package convert

import (
	"errors"
	"strings"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
)

// healthPath is where cortex-gateway says that it runs.
const healthPath = "/health"

func (g *cortexGateway) render() ([]byte, error) {
	if g.distributor == "" || g.queryFrontend == "" {
		return nil, errors.New("-gateway.distributor.address or -gateway.query-frontend.address is missing, without which cortex-gateway does not start; want both")
	}
	g.pathPrefix = strings.TrimRight(g.pathPrefix, "/")
	d := new(document)
	d.remark("Converted from the flags of cortex-gateway. Every path goes where it went, the others are closed.\n" +
		pushPaths + "\n" + cortexMethods + "\n" +
		"A prefix ends at a slash here: /api/* is not /apis. /metrics and /debug/pprof are on the admin listener.")
	if g.alertmanager == "" {
		d.remark("A push to /api/v1/push is not among the paths that the original sent to a distributor: add it to paths below if senders\nuse it.")
	} else {
		d.remark("These are the paths of deliveryhero's fork, in its last version: earlier ones had only what is below /api. That of\n" +
			"telemetrytower has all of /prometheus/* at the query-frontend, /api/v1/alerts at the ruler, and nothing below /api/prom.")
	}
	for _, line := range g.remarks {
		d.remark("%s", line)
	}
	g.writeServer(d)
	cortex := config.Default().Cortex
	if g.pathPrefix != "" {
		cortex.HTTPPathPrefix = g.pathPrefix
		d.blank()
		d.table("[cortex]")
		d.set("http_path_prefix", g.pathPrefix, "server.path-prefix")
	}
	writeComponents(d, g.components(), cortex)
	if err := g.writeTokens(d); err != nil {
		return nil, err
	}
	return d.finish()
}

func (g *cortexGateway) writeServer(d *document) {
	d.blank()
	d.table("[server]")
	d.set("listen", address(g.host, g.port), "")
	d.set("health_path", g.pathPrefix+healthPath, "")
	for _, timeout := range []struct {
		key   string
		given *time.Duration
	}{
		{"read_timeout", g.read}, {"write_timeout", g.write}, {"idle_timeout", g.idle},
	} {
		if timeout.given != nil {
			d.set(timeout.key, *timeout.given, "")
		}
	}
	if g.write == nil {
		d.remark("-server.http-write-timeout was 30s unless given, shorter than queries may take: left to \"auto\"")
	}
	if g.idle == nil {
		d.remark("-server.http-idle-timeout was 2m unless given; Prometheus keeps idle connections for 5m, headgate for 6m")
	}
	if g.drain > 0 {
		d.set("drain_timeout", g.drain, "")
	}
	if g.connections > 0 {
		d.set("max_connections", g.connections, "")
	}
	g.writeTLS(d)
	if g.port == defaultAdminPort {
		d.blank()
		d.table("[admin]")
		d.set("listen", otherAdmin, "the usual port is that of the server")
	}
	g.writeLog(d)
}

// clientAuth are the ways of Go's crypto/tls to ask for certificates, as headgate has them.
var clientAuth = map[string]string{
	"NoClientCert":               "none",
	"VerifyClientCertIfGiven":    "optional",
	"RequireAndVerifyClientCert": "required",
}

func (g *cortexGateway) writeTLS(d *document) {
	if g.certificate == "" && g.key == "" {
		if g.clientCA != "" || g.clientAuth != "" {
			d.remark("-server.http-tls-ca-path and -server.http-tls-client-auth are left out: without a certificate there was no TLS")
		}
		return
	}
	d.blank()
	ask, known := clientAuth[g.clientAuth]
	if g.clientAuth != "" && !known {
		d.remark("-server.http-tls-client-auth=%s has no counterpart: certificates are verified or not asked for", g.clientAuth)
	}
	if asked := ask != "" && ask != "none"; !asked && g.clientCA != "" {
		d.remark("-server.http-tls-ca-path is left out: no certificate of a client was verified")
	}
	d.table("[server.tls]")
	d.set("cert_file", g.certificate, "")
	d.set("key_file", g.key, "")
	if ask != "" && ask != "none" {
		d.set("client_ca_file", g.clientCA, "")
		d.set("client_auth", ask, "")
	}
}

func (g *cortexGateway) writeLog(d *document) {
	if g.level == "" && g.format == "" {
		return
	}
	d.blank()
	d.table("[log]")
	if g.level != "" {
		d.set("level", g.level, "")
	}
	if g.format != "" {
		d.set("format", g.format, "")
	}
}

// writeTokens writes who is let in.
func (g *cortexGateway) writeTokens(d *document) error {
	if g.tenantName != "" {
		if err := authcache.ValidTenant(g.tenantName); err != nil {
			return errors.New("-gateway.auth.tenant-name: Cortex would refuse it: " + err.Error())
		}
		d.blank()
		d.remark("-gateway.auth.tenant-name let in everybody as this tenant, without looking at tokens. Here whoever sends an\n" +
			"Authorization is known by that alone: take it out of the senders that still have one, which are refused until then, with\n" +
			"503 on pushes so that they lose nothing. Narrow allow_from down to the senders' addresses, then give them credentials.")
		d.table("[auth]")
		d.set("denied_write_status", 503, "until every sender has what it needs")
		d.blank()
		d.table("[[tenants]]")
		d.set("id", g.tenantName, "")
		d.set("authentication", "none", "")
		d.set("allow_from", []string{"0.0.0.0/0", "::/0"}, "")
		return nil
	}
	switch {
	case g.secret != "":
		writeSecret(d, g.secret)
	case g.jwksURL != "":
		d.blank()
		remarkTokens(d)
		d.table("[auth.jwt]")
		d.set("require_expiry", false, "the original's tokens need no exp; one that has it is held to it here")
	default:
		d.blank()
		d.remark("-gateway.auth.jwt-secret is empty: with that the original takes tokens that anybody can sign with an empty key, so\n" +
			"nobody is let in here. Want:\n[auth.jwt]\nsecret = \"…\"\nrequire_expiry = false")
		return nil
	}
	if g.jwksURL != "" {
		d.set("jwks_url", g.jwksURL, "")
		if g.jwksRefresh > 0 {
			d.set("jwks_refresh_interval", g.jwksRefresh, "")
		}
	}
	if g.tenantClaim != "tenant_id" && g.tenantClaim != "" {
		d.set("tenant_claim", g.tenantClaim, "")
	}
	return nil
}
