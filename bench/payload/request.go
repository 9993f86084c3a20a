package payload

import (
	"encoding/base64"
	"strconv"
)

// Basic returns the value of an Authorization header for a user and a password.
func Basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Push returns a whole remote-write request as Prometheus 2.x sends it, header names in the order in which Go writes
// them, followed by body.
func Push(host, authorization string, body []byte) []byte {
	head := "POST /api/v1/push HTTP/1.1\r\n" +
		"Host: " + host + "\r\n" +
		"User-Agent: Prometheus/2.42.0\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Authorization: " + authorization + "\r\n" +
		"Content-Encoding: snappy\r\n" +
		"Content-Type: application/x-protobuf\r\n" +
		"X-Prometheus-Remote-Write-Version: 0.1.0\r\n" +
		"\r\n"
	return append([]byte(head), body...)
}

// QueryPath returns the path of a query whose answer the stand-in upstream makes bytes long.
func QueryPath(bytes int) string {
	return "/prometheus/api/v1/query_range?query=" + "sum+by+%28job%29+%28rate%28http_requests_total%5B5m%5D%29%29" +
		"&start=1767222000&end=1767225600&step=15&answer=" + strconv.Itoa(bytes)
}

// EchoPath is the path of a query to which the stand-in upstream answers with the head of the request as it got it.
const EchoPath = "/prometheus/api/v1/query?query=up&answer=head"

// Query returns a whole request for path as Grafana's data-source proxy sends it.
func Query(host, authorization, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\n" +
		"Host: " + host + "\r\n" +
		"User-Agent: Grafana/10.4.2\r\n" +
		"Accept-Encoding: gzip\r\n" +
		"Authorization: " + authorization + "\r\n" +
		"X-Grafana-Org-Id: 1\r\n" +
		"\r\n")
}
