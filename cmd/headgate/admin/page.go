package admin

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// pageFiles are the page and what it is dressed with. Nothing is built and nothing comes from elsewhere.
//
//go:embed page
var pageFiles embed.FS

// pageTemplate is parsed once; a page that does not parse is found by every test that starts the program.
var pageTemplate = template.Must(template.New("page.html").Funcs(pageWords).ParseFS(pageFiles, "page/page.html"))

// refreshSeconds is how often the page comes anew.
const refreshSeconds = 3

// pageView is the status and what the reader of the page may do.
type pageView struct {
	Status
	Trusted bool
	Refresh int
	Now     time.Time
}

func (e endpoints) page(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	view := pageView{
		Status: e.program.Status(), Trusted: trusted(r.RemoteAddr, e.program.Access().Trusted), Refresh: refreshSeconds,
		Now: time.Now().UTC(),
	}
	if err := pageTemplate.Execute(&body, view); err != nil {
		panic("BUG: the admin page does not render: " + err.Error())
	}
	// Nothing on the page comes from elsewhere or may be framed, and what runs is one file.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "same-origin")
	answer(w, http.StatusOK, "text/html; charset=utf-8", body.String())
}

// asset answers with a file of the page.
func asset(name string) http.HandlerFunc {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic("BUG: the page has no " + name)
	}
	contentType := map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	}[name]
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, contentType, string(text)) }
}
