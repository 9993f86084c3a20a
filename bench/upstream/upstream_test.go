package upstream

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func start(t *testing.T) string {
	t.Helper()
	addr, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	return addr.String()
}

func TestAnswers(t *testing.T) {
	addr := start(t)
	for _, test := range []struct {
		name, method, path string
		body, status, size int
	}{
		{"push", "POST", "/api/v1/push", 1000, 200, 0},
		{"push larger than one read", "POST", "/api/v1/push", 3 << 20, 200, 0},
		{"push answered with 204", "POST", "/204", 3 << 20, 204, 0},
		{"small query", "GET", "/q?answer=1024", 0, 200, 1024},
		{"large query", "GET", "/q?answer=" + strconv.Itoa(5<<20), 0, 200, 5 << 20},
		{"query with sorted parameters", "GET", "/q?answer=1024&end=1", 0, 200, 1024},
		{"query too large", "GET", "/q?answer=99999999", 0, 404, 0},
		{"unknown", "GET", "/", 0, 404, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequest(test.method, "http://"+addr+test.path, bytes.NewReader(make([]byte, test.body)))
			if err != nil {
				t.Fatal(err)
			}
			// One connection for all cases: what one leaves unread would break the next.
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.status || len(body) != test.size {
				t.Errorf("got %d with %d bytes, want %d with %d", answer.StatusCode, len(body), test.status, test.size)
			}
		})
	}
}

func TestHeadIsEchoed(t *testing.T) {
	answer, err := http.Get("http://" + start(t) + "/q?answer=head")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(body), "GET /q?answer=head HTTP/1.1\r\nHost: ") {
		t.Errorf("got %q", body)
	}
}

func TestHeadInPiecesAndTwoAtOnce(t *testing.T) {
	conn, err := net.Dial("tcp", start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "POST /push HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	for _, piece := range []string{request[:7], request[7:40], request[40:] + request} {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 2*len(pushed))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if want := bytes.Repeat(pushed, 2); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnreadableRequestsEndTheConnection(t *testing.T) {
	addr := start(t)
	for _, request := range []string{
		"nonsense\r\n\r\n",
		"POST /\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
		strings.Repeat("x", 3*maxHead),
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("%.40q: answered %q", request, got)
		}
		conn.Close()
	}
}
