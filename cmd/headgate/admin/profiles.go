package admin

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"
)

// profileDefault is how long pprof collects when the request does not say.
const profileDefault = 30 * time.Second

// profiles returns everything net/http/pprof offers: the index with the named profiles below it, the command line, the
// CPU profile, symbols and the execution trace.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // the pprof tool sends long address lists as a body
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setDeadlines(w, collecting(r)+answerTimeout)
		mux.ServeHTTP(w, r)
	})
}

// collecting is how long the profile takes before its answer begins.
func collecting(r *http.Request) time.Duration {
	seconds, err := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
	if err != nil || seconds <= 0 || seconds > 24*60*60 {
		return profileDefault
	}
	return time.Duration(seconds * float64(time.Second))
}
