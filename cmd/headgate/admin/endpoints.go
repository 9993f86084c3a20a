package admin

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// endpoints answers for the program behind it.
type endpoints struct{ program Program }

// answer writes a body that no cache keeps and no browser takes for anything but the type it says.
func answer(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const plainText = "text/plain; charset=utf-8"

func (e endpoints) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	e.program.WriteMetrics(w)
}

func (e endpoints) healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, plainText, "headgate is alive\n")
}

func (e endpoints) ready(w http.ResponseWriter, _ *http.Request) {
	ready, text := e.program.Ready()
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, plainText, text)
}

func (e endpoints) config(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, plainText, string(e.program.Config()))
}

// The parameters of /status.
const (
	credentialsText = "credentials"
	credentialsPage = "page"
)

func (e endpoints) status(w http.ResponseWriter, r *http.Request) {
	status, query := e.program.Status(), r.URL.Query()
	if query.Has(credentialsText) || query.Has(credentialsPage) {
		page, err := strconv.Atoi(cmp.Or(query.Get(credentialsPage), "1"))
		if err != nil || page < 1 {
			answer(w, http.StatusBadRequest, plainText, "page is no number from 1 on\n")
			return
		}
		status.Credentials = e.program.Credentials(CredentialQuery{Text: query.Get(credentialsText), Page: page})
	}
	body, err := json.MarshalIndent(status, "", "  ")
	if err != nil {
		panic("BUG: the status is not JSON: " + err.Error())
	}
	answer(w, http.StatusOK, "application/json", string(body)+"\n")
}

// acceptRemovals is the parameter of a reload that lets credentials go whose removal is held.
const acceptRemovals = "accept_removals"

func (e endpoints) reload(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	accept := query.Get(acceptRemovals)
	if query.Has(acceptRemovals) && accept != "true" && accept != "false" {
		answer(w, http.StatusBadRequest, plainText, "accept_removals is neither true nor false\n")
		return
	}
	problems := e.program.Reload()
	byButton := strings.Contains(r.Header.Get("Accept"), "text/html") // of the page, which shows what came of it
	if len(problems) > 0 && byButton && slices.Equal(problems, e.program.Status().Config.LastReload.Problems) {
		w.Header().Set("Location", ".")
		answer(w, http.StatusSeeOther, plainText, "not reloaded\n")
		return
	}
	if len(problems) > 0 {
		answer(w, http.StatusInternalServerError, plainText,
			"not reloaded, the configuration in use stays:\n"+strings.Join(problems, "\n")+"\n")
		return
	}
	if accept == "true" {
		e.program.AcceptRemovals()
	}
	if byButton {
		w.Header().Set("Location", ".")
		answer(w, http.StatusSeeOther, plainText, "reloaded\n")
		return
	}
	answer(w, http.StatusOK, plainText, "reloaded\n")
}
