// Package systemd is how the program speaks with the service manager that started it: the sockets it was passed, what the
// manager is told of its state, and the signs of life that a watchdog waits for. Without a manager all of it is silent.
package systemd
