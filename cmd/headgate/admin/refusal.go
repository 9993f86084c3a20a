package admin

import (
	"fmt"
	"net/http"
)

// Refusal is one way in which the listener refuses a request. It answers in the form of every answer of headgate's own.
type Refusal struct {
	Reason string // a word for X-Headgate-Reason and the documents
	Status int
	Text   string // what to do
}

var (
	misdirected = &Refusal{"misdirected", http.StatusMisdirectedRequest, "ask for this listener by its IP address, as localhost, or by the host of admin.listen"}
	crossSite   = &Refusal{"cross_site", http.StatusForbidden, "send this from the admin page itself or from a program that is not a browser"}
	notTrusted  = &Refusal{"not_trusted", http.StatusForbidden, "add this client's address to admin.trusted"}
)

// AllRefusals is the whole table, in the order in which a request meets them; the caller must not change it.
func AllRefusals() []*Refusal { return []*Refusal{misdirected, crossSite, notTrusted} }

// answer refuses a request.
func (r *Refusal) answer(w http.ResponseWriter) {
	w.Header().Set("X-Headgate-Reason", r.Reason)
	answer(w, r.Status, plainText, fmt.Sprintf("headgate: %s: %s\n", r.Reason, r.Text))
}
