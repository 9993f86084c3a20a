package convert

import (
	"net"
	"strconv"
	"strings"
)

// Where headgate listens unless told otherwise (config.Default).
const (
	defaultPort      = 8080
	otherAdmin       = "127.0.0.1:8082"
	defaultAdminPort = 8081
)

// healthPathTaken is why headgate's own health path is turned off.
const healthPathTaken = "its usual value is a path that the original forwarded"

// address is "host:port". The originals put a colon and the port behind the host, and take IPv6 in brackets alone.
func address(host string, port int) string {
	if inside, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inside, "]") {
		host = strings.TrimSuffix(inside, "]")
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
