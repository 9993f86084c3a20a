// Package admin serves the admin listener: metrics, readiness, status, the configuration in use, profiles and the reload
// request. It decides who may see what; what there is to see comes from the Program behind it.
//
// It is the one place of headgate that speaks through net/http: nothing here is on the path of a tenant's request.
package admin
