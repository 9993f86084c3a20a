package admin

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Program is what the listener shows and what it may ask for. Its methods are called by several requests at once.
type Program interface {
	Access() Access        // who may see what, as the configuration in use says
	Ready() (bool, string) // whether requests are taken, and the lines that explain it
	Status() Status        // everything /status and the page show
	Credentials(CredentialQuery) Credentials
	Config() []byte           // the configuration in use as TOML, secrets redacted
	WriteMetrics(w io.Writer) // in the Prometheus text format
	Reload() []string         // loads the configuration again; every error it found, none when it is in use now
	AcceptRemovals()          // puts removals of credentials in force that are held
}

// Access is who may use the listener.
type Access struct {
	Host    string         // of admin.listen; a request may name it in Host. "": none
	Trusted []netip.Prefix // may use pprof, /config and reload as well

	AllowedOrigins []string // of pages elsewhere that may change something: "https://ops.example"
}

// headTimeout bounds the head of a request and answerTimeout an answer that is not a profile, so that a scraper that
// stopped reading does not keep a goroutine.
const (
	headTimeout   = 5 * time.Second
	answerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeaderSize = 16 << 10
)

// NewServer returns a server for the listener, ready for Serve. It has no WriteTimeout: a CPU profile takes as long as
// it was asked to, so each handler sets the deadline of its own answer.
func NewServer(p Program, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           Handler(p),
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderSize,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Handler returns the endpoints behind their guards: first the Host, then where a browser's request comes from, then
// whether the peer is trusted.
func Handler(p Program) http.Handler {
	mux := http.NewServeMux()
	e := endpoints{program: p}

	mux.HandleFunc("GET /metrics", e.metrics)
	mux.HandleFunc("GET /status", e.status)
	mux.HandleFunc("GET /{$}", e.page)
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, asset(name))
	}
	mux.HandleFunc("GET /favicon.ico", asset("icon.svg")) // which browsers ask for beside pages that name no icon
	for _, prefix := range []string{"", "/-"} {
		mux.HandleFunc("GET "+prefix+"/ready", e.ready)
		mux.HandleFunc("GET "+prefix+"/healthy", e.healthy)
		mux.Handle("POST "+prefix+"/reload", trustedOnly(p, http.HandlerFunc(e.reload)))
	}
	mux.Handle("GET /config", trustedOnly(p, http.HandlerFunc(e.config)))
	mux.Handle("/debug/pprof/", trustedOnly(p, profiles()))

	return ownHostOnly(p, sameSiteOnly(p, answerInTime(mux)))
}
