// Package pipe passes bodies from one TCP connection to another inside the kernel: splice(2) moves the pages in which they
// arrived through a pipe instead of copying them out and in again, and tee(2) keeps a second hold of the same pages, from
// which a body can be sent once more.
//
// It does not know what passes. Elsewhere than on Linux there are no such pipes, and a Pool never lends one.
package pipe
