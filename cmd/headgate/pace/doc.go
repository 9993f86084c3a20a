// Package pace tells how fast counters move: what they counted in the last minute or so, for people who look at the status
// page. It keeps old readings; it does not know what is counted. Whoever draws graphs takes the counters themselves.
package pace
