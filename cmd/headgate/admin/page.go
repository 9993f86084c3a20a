package admin

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed page.html
var pageSource string

// pageTemplate is parsed once; a page that does not parse is found by every test that starts the program.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"join":  strings.Join,
	"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"span": func(seconds float64) string {
		return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
	},
}).Parse(pageSource))

// pageView is the status and what the reader of the page may do.
type pageView struct {
	Status
	Trusted bool
}

func (e endpoints) page(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	view := pageView{Status: e.program.Status(), Trusted: trusted(r.RemoteAddr, e.program.Access().Trusted)}
	if err := pageTemplate.Execute(&body, view); err != nil {
		panic("BUG: the admin page does not render: " + err.Error())
	}
	// Nothing on the page comes from elsewhere, runs, or may be framed.
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	answer(w, http.StatusOK, "text/html; charset=utf-8", body.String())
}
