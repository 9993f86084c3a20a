package load

import (
	"testing"
	"time"
)

func TestAnswersAreFollowedInPieces(t *testing.T) {
	for _, test := range []struct {
		name, wire string
		status     int
		last       bool
	}{
		{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, false},
		{"body", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, false},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n", 200, false},
		{"refusal", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 401, true},
	} {
		for step := 1; step <= len(test.wire); step++ {
			var a answer
			a.reset()
			for from := 0; from < len(test.wire); from += step {
				to := min(from+step, len(test.wire))
				complete, err := a.feed([]byte(test.wire[from:to]))
				if err != nil || complete != (to == len(test.wire)) {
					t.Fatalf("%s, %d at a time: complete %v at byte %d, %v", test.name, step, complete, to, err)
				}
			}
			if a.status != test.status || a.last != test.last {
				t.Errorf("%s: got %d, last %v; want %d, %v", test.name, a.status, a.last, test.status, test.last)
			}
		}
	}
}

func TestAnswersThatCannotBeTimedAreErrors(t *testing.T) {
	for _, wire := range []string{
		"HTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
		"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
	} {
		var a answer
		if _, err := a.feed([]byte(wire)); err == nil {
			t.Errorf("%q: no error", wire)
		}
	}
}

func TestScheduleDoesNotDrift(t *testing.T) {
	s := newSchedule(3)
	for range 3_000_000 {
		s.take()
	}
	if due := s.due(); due != 1_000_000*time.Second {
		t.Errorf("request 3,000,000 at 3 a second is due at %s, want 1,000,000 s", due)
	}
}
