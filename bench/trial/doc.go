// Package trial holds what is measured of headgate alone, each in a program of its own: how long a cold start takes, what
// a flood of wrong passwords does, whether the time of an answer tells an unknown user from a wrong password, and what a
// reload costs.
package trial
