package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/admin"
)

// greet makes clients be greeted as the generation wants it. Connections that are open notice nothing. The one before may
// be nil.
func (a *App) greet(before, next *generation) {
	made := next.config.Server.TLS.TLSConfig()
	if made == nil {
		return
	}
	a.tls.Use(made)
	if before == nil {
		return
	}
	was := before.config.Server.TLS.TLSConfig()
	if was != nil && !bytes.Equal(was.Certificates[0].Leaf.Raw, made.Certificates[0].Leaf.Raw) {
		a.log.Info("certificate renewed", "file", next.config.Server.TLS.CertFile, "expires", made.Certificates[0].Leaf.NotAfter.UTC())
	}
}

// certificates are those that we show to others, with when they end.
func (g *generation) certificates() []admin.Certificate {
	list := []admin.Certificate{}
	add := func(key string, shown *tls.Config) {
		if shown == nil || len(shown.Certificates) == 0 {
			return
		}
		c := admin.Certificate{Key: key, Expires: shown.Certificates[0].Leaf.NotAfter.UTC()}
		for _, p := range g.held {
			if strings.HasPrefix(p.Key, key) {
				c.Problem = p.String()
			}
		}
		list = append(list, c)
	}
	add("server.tls", g.config.Server.TLS.TLSConfig())
	for _, name := range slices.Sorted(maps.Keys(g.config.Upstreams)) {
		add("upstreams."+name+".tls", g.config.Upstreams[name].TLSConfig())
	}
	return list
}

// writeCertificates exports when certificates end, and whether what was last found in their files could be used.
func (a *App) writeCertificates(w io.Writer) {
	g := a.current.Load()
	for _, c := range g.certificates() {
		fmt.Fprintf(w, "headgate_certificate_expiry_timestamp_seconds{certificate=%q} %d\n", c.Key, c.Expires.Unix())
	}
	used := true
	for _, p := range g.held {
		used = used && !strings.HasPrefix(p.Key, "server.tls") && !strings.HasPrefix(p.Key, "upstreams.")
	}
	fmt.Fprintf(w, "headgate_certificate_last_reload_successful %v\n", oneIf(used))
}
