// Package socket is the little of Linux that the load and the stand-in upstream need to cost less than what they measure:
// TCP sockets by file descriptor, one system call per function, and an epoll instance with timeouts in nanoseconds.
//
// Go's net package would do the same work with a goroutine per connection and a read that finds nothing before each wait.
// Every function here is for sockets that do not block, except Connect. Nothing allocates but Listen and Connect.
package socket
