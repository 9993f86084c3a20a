// Package contest runs the scenarios: it starts all subjects of one, lets them take rounds in turn, and hands over what was
// measured. A and B and C and A again: what the machine does meanwhile hits all of them alike.
//
// The proxy under test has one core for itself. The load and the stand-in upstream are one process, the worker, on another.
// Subjects that wait for their turn stay started and idle.
package contest
