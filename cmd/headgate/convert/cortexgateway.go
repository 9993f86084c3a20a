package convert

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cortexGateway is the command line of rewe-digital/cortex-gateway (gateway/config.go, gateway/middleware.go) and of its
// forks, with the flags of the server library that they share (weaveworks/common/server).
type cortexGateway struct {
	distributor, queryFrontend, ruler, alertmanager string

	secret      string
	tenantName  string
	tenantClaim string
	jwksURL     string
	jwksRefresh time.Duration // 0: not given

	host        string
	port        int
	pathPrefix  string
	read        *time.Duration // these: nil: not given; 0: no limit
	write       *time.Duration
	idle        *time.Duration
	drain       time.Duration // 0: not given
	connections int
	certificate string
	key         string
	clientCA    string
	clientAuth  string
	level       string
	format      string

	remarks []string
}

// flagReader takes the value of a flag.
type flagReader struct {
	isBool bool // the flag may stand without a value
	take   func(value string) error
}

// CortexGateway converts the flags of cortex-gateway or of a fork of it. Of environ, in the form of os.Environ, and of
// flags that have the same form, the JAEGER_ variables become comments. An error names the flag, and holds no secret.
func CortexGateway(flags, environ []string) ([]byte, error) {
	g := &cortexGateway{port: 80, tenantClaim: "tenant_id"}
	rest, err := g.parse(flags)
	if err != nil {
		return nil, err
	}
	for _, variable := range slices.Concat(rest, environ) {
		g.readVariable(variable)
	}
	return g.render()
}

// parse reads the flags, and returns what looks like variables.
func (g *cortexGateway) parse(args []string) (variables []string, err error) {
	known := g.flags()
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if isVariable(arg) {
			variables = append(variables, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		if !strings.HasPrefix(arg, "-") || name == "" {
			return nil, errors.New("one of the arguments is not a flag; want the flags as cortex-gateway has them, such as -gateway.distributor.address=http://distributor:9009")
		}
		reader, ok := known[name]
		if !ok && !strings.HasPrefix(name, "server.") && !strings.HasPrefix(name, "log.") {
			return nil, fmt.Errorf("-%s is not a flag of cortex-gateway or of a fork that is known here; want one of %s", plain(name), names(known))
		}
		switch {
		case given:
		case reader.isBool:
			value = "true"
		case len(args) > 0 && !strings.HasPrefix(args[0], "-") && !isVariable(args[0]):
			value, args = args[0], args[1:]
		case ok:
			return nil, fmt.Errorf("-%s has no value; want -%s=…", name, name)
		}
		if !ok {
			g.remark("-%s has no counterpart", name)
			continue
		}
		if err := reader.take(value); err != nil {
			return nil, fmt.Errorf("-%s: %w", name, err)
		}
	}
	return variables, nil
}

// isVariable reports whether an argument is a variable that the original knew.
func isVariable(arg string) bool {
	return strings.HasPrefix(arg, "JAEGER_") && strings.Contains(arg, "=")
}

func (g *cortexGateway) remark(format string, args ...any) {
	g.remarks = append(g.remarks, fmt.Sprintf(format, args...))
}

func (g *cortexGateway) flags() map[string]flagReader {
	text := func(to *string) flagReader {
		return flagReader{take: func(v string) error { *to = v; return nil }}
	}
	duration := func(set func(time.Duration)) flagReader {
		return flagReader{take: func(v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return errors.New(`not a duration; want one such as "30s"`)
			}
			set(d)
			return nil
		}}
	}
	number := func(to *int, least, most int) flagReader {
		return flagReader{take: func(v string) (err error) {
			if *to, err = strconv.Atoi(v); err != nil || *to < least || *to > most {
				return fmt.Errorf("not a number from %d to %d", least, most)
			}
			return nil
		}}
	}
	return map[string]flagReader{
		"gateway.distributor.address":    text(&g.distributor),
		"gateway.query-frontend.address": text(&g.queryFrontend),
		"gateway.ruler.address":          text(&g.ruler),
		"gateway.rules.address":          text(&g.ruler), // as a fork's README has it
		"gateway.alertmanager.address":   text(&g.alertmanager),

		"gateway.auth.jwt-secret":      {take: func(v string) error { g.secret = v; return checkSecret(v) }},
		"gateway.auth.tenant-name":     text(&g.tenantName),
		"gateway.auth.tenant-id-claim": text(&g.tenantClaim),
		"gateway.auth.jwks-url":        text(&g.jwksURL),
		"gateway.auth.jwt-extra-headers": {take: func(v string) error {
			if v != "" {
				g.remark("-gateway.auth.jwt-extra-headers=%s: headgate takes tokens in Authorization alone", v)
			}
			return nil
		}},
		"gateway.auth.jwks-refresh-enabled": {isBool: true, take: func(v string) error {
			on, err := strconv.ParseBool(v)
			if err == nil && !on {
				g.remark("-gateway.auth.jwks-refresh-enabled=false: headgate always reads the keys anew; see auth.jwt.jwks_refresh_interval")
			}
			return err
		}},
		"gateway.auth.jwks-refresh-interval": {take: func(v string) error {
			minutes, err := strconv.Atoi(v)
			if err != nil || minutes <= 0 || minutes > 1_000_000 {
				return errors.New("not a number of minutes")
			}
			g.jwksRefresh = time.Duration(minutes) * time.Minute
			return nil
		}},
		"gateway.auth.jwks-refresh-timeout": {take: func(v string) error {
			g.remark("-gateway.auth.jwks-refresh-timeout=%s has no counterpart: headgate gives up by itself", v)
			return nil
		}},

		"server.http-listen-address":       text(&g.host),
		"server.http-listen-port":          number(&g.port, 1, 65535),
		"server.path-prefix":               text(&g.pathPrefix),
		"server.http-read-timeout":         duration(func(d time.Duration) { g.read = &d }),
		"server.http-write-timeout":        duration(func(d time.Duration) { g.write = &d }),
		"server.http-idle-timeout":         duration(func(d time.Duration) { g.idle = &d }),
		"server.graceful-shutdown-timeout": duration(func(d time.Duration) { g.drain = d }),
		"server.http-conn-limit":           number(&g.connections, 0, 1<<30),
		"server.http-tls-cert-path":        text(&g.certificate),
		"server.http-tls-key-path":         text(&g.key),
		"server.http-tls-ca-path":          text(&g.clientCA),
		"server.http-tls-client-auth":      text(&g.clientAuth),
		"log.level":                        text(&g.level),
		"log.format":                       text(&g.format),
		"server.register-instrumentation": {isBool: true, take: func(v string) error {
			on, err := strconv.ParseBool(v)
			if err == nil && !on {
				g.remark("-server.register-instrumentation=false has no counterpart: /metrics and /debug/pprof are on the admin listener, for this machine alone")
			}
			return err
		}},
	}
}

// checkSecret refuses what some tool was to replace by the secret.
func checkSecret(secret string) error {
	if strings.HasPrefix(secret, "$(") || strings.HasPrefix(secret, "${") || strings.HasPrefix(secret, "{{") {
		return errors.New("holds the name of a variable in place of the secret; want the secret itself")
	}
	return nil
}

// readVariable makes a comment of a variable by which the original was told where to send traces.
func (g *cortexGateway) readVariable(variable string) {
	name, value, _ := strings.Cut(variable, "=")
	if !strings.HasPrefix(name, "JAEGER_") {
		return
	}
	if strings.Contains(name, "PASSWORD") || strings.Contains(name, "USER") {
		value = "<secret>"
	}
	g.remark("%s=%s: traces went to Jaeger's own port; headgate sends OTLP, which Jaeger takes too:\n[tracing]\nendpoint = \"http://127.0.0.1:4318\"", name, value)
}
