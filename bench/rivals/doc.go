// Package rivals knows the proxies that are compared: how each is configured, started and stopped, and whether it does the
// work. The templates beside it are the configurations; every variant is one of them with other values.
//
// The work is the same for all: take HTTP basic credentials, refuse what is wrong, put the tenant that belongs to
// the user into X-Scope-OrgID whatever the client sent there, take the credential out, pass the request on a kept
// connection. Check tries that on each before it is measured.
package rivals
