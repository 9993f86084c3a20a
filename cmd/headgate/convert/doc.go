// Package convert writes a headgate configuration that does what the configuration of another gateway did.
//
// What has no counterpart is a comment in the result, never dropped in silence; what the original would not have
// accepted is an error. The package reads no file but what it is given.
package convert
