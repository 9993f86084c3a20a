package convert

import (
	"net"
	"strconv"
)

// Where headgate listens unless told otherwise (config.Default).
const (
	defaultPort      = 8080
	defaultAdmin     = "127.0.0.1:8081"
	otherAdmin       = "127.0.0.1:8082"
	defaultAdminPort = 8081
)

// address is "host:port".
func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
