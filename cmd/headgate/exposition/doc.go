// Package exposition writes /metrics: the values that other packages keep, each under the help text and the type that its
// own table has for it. It does not measure requests; of the process and the Go runtime it reads what they tell.
package exposition
