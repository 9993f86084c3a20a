package wire

import "testing"

// TestNoTransferCodingsInHTTP10Answers: RFC 9112 §6.1, "A server or client that receives an HTTP/1.0 message containing a
// Transfer-Encoding header field MUST treat the message as if the framing is faulty".
func TestNoTransferCodingsInHTTP10Answers(t *testing.T) {
	for _, lines := range []string{"", "Connection: keep-alive\r\n"} {
		_, err := readAnswer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"+lines+"\r\n", false)
		if err != faultCodingOld {
			t.Errorf("%q: %v, want %v", lines, err, faultCodingOld)
		}
	}
}
