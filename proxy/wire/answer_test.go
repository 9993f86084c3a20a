package wire

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readAnswer(raw string, bodyless bool) (*Answer, error) {
	a := new(Answer)
	a.Reset(iotest.OneByteReader(strings.NewReader(raw)))
	return a, a.ReadHead(testLimit, bodyless)
}

func TestStatusLine(t *testing.T) {
	for _, c := range []struct {
		line   string
		status int
		reason string
	}{
		{"HTTP/1.1 200 OK", 200, "OK"}, {"HTTP/1.0 204 No Content", 204, "No Content"}, {"HTTP/1.1 299 ", 299, ""},
		{"HTTP/1.1 599", 599, ""}, {"HTTP/1.1 404 caf\xe9\t!", 404, "caf\xe9\t!"}, {"HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"},
		{"HTTP/1.1 20 OK", 0, ""}, {"HTTP/1.1 2000 OK", 0, ""}, {"HTTP/1.1 099 OK", 0, ""}, {"HTTP/1.1 600 OK", 0, ""},
		{"HTTP/1.1 +20 OK", 0, ""}, {"HTTP/1.1 2x0 OK", 0, ""}, {"HTTP/1.1  200 OK", 0, ""}, {"HTTP/1.1 200\tOK", 0, ""},
		{"HTTP/1.1\t200 OK", 0, ""}, {"HTTP/1.2 200 OK", 0, ""}, {"HTTP/2.0 200 OK", 0, ""}, {"HTTP/1.10 200 OK", 0, ""},
		{"http/1.1 200 OK", 0, ""}, {" HTTP/1.1 200 OK", 0, ""}, {"ICY 200 OK", 0, ""}, {"200 OK", 0, ""}, {"HTTP/1.1", 0, ""},
		{"HTTP/1.1 200 a\x00b", 0, ""}, {"HTTP/1.1 200 a\rb", 0, ""}, {"HTTP/1.1 200 a\x1b[31m", 0, ""}, {"HTTP/1.1 200\x00", 0, ""},
	} {
		a, err := readAnswer(c.line+"\r\nContent-Length: 0\r\n\r\n", false)
		if c.status == 0 {
			if err != faultStatusLine {
				t.Errorf("%q: %v, want %v", c.line, err, faultStatusLine)
			}
			continue
		}
		if err != nil || a.Head.Status != c.status || string(a.Head.Reason) != c.reason {
			t.Errorf("%q: %v, %d %q", c.line, err, a.Head.Status, a.Head.Reason)
		}
	}
}

func TestFramingOfAnswers(t *testing.T) {
	for _, c := range []struct {
		name, line, lines string
		bodyless          bool
		length            int64
		close             bool
		want              *Fault
	}{
		{"a length", "1.1 200 OK", "Content-Length: 5\r\n", false, 5, false, nil},
		{"twice the same", "1.1 200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n", false, 5, false, nil},
		{"chunked", "1.1 200 OK", "Transfer-Encoding: Chunked\r\n", false, Chunked, false, nil},
		{"neither", "1.1 200 OK", "", false, UntilClose, true, nil},
		{"it will close", "1.1 200 OK", "Content-Length: 5\r\nConnection: foo, Close\r\n", false, 5, true, nil},
		{"HTTP/1.0", "1.0 200 OK", "Content-Length: 5\r\n", false, 5, true, nil},
		{"HTTP/1.0 that stays", "1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive\r\n", false, 5, false, nil},
		{"HTTP/1.0 that says both", "1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive, close\r\n", false, 5, true, nil},
		{"to a HEAD", "1.1 200 OK", "Content-Length: 5\r\n", true, 0, false, nil},
		{"to a HEAD, chunked", "1.1 200 OK", "Transfer-Encoding: chunked\r\n", true, 0, false, nil},
		{"to a HEAD, neither", "1.1 200 OK", "", true, 0, false, nil},
		{"204", "1.1 204 No Content", "Content-Length: 5\r\n", false, 0, false, nil},
		{"204, neither", "1.1 204 No Content", "", false, 0, false, nil},
		{"304", "1.1 304 Not Modified", "Content-Length: 5\r\n", false, 0, false, nil},
		{"101", "1.1 101 Switching Protocols", "Upgrade: x\r\nConnection: Upgrade\r\n", false, 0, false, nil},

		{"twice different", "1.1 200 OK", "Content-Length: 5\r\nContent-Length: 6\r\n", false, 0, false, faultLength},
		{"a list", "1.1 200 OK", "Content-Length: 5, 5\r\n", false, 0, false, faultLength},
		{"signed", "1.1 200 OK", "Content-Length: +5\r\n", false, 0, false, faultLength},
		{"negative", "1.1 200 OK", "Content-Length: -1\r\n", false, 0, false, faultLength},
		{"both", "1.1 200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", false, 0, false, faultLengthCoding},
		{"both to a HEAD", "1.1 200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", true, 0, false, faultLengthCoding},
		{"both with 204", "1.1 204 No Content", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", false, 0, false, faultLengthCoding},
		{"gzip", "1.1 200 OK", "Transfer-Encoding: gzip\r\n", false, 0, false, faultCoding},
		{"gzip, chunked", "1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n", false, 0, false, faultCoding},
		{"two codings", "1.1 200 OK", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false, 0, false, faultCodingTwice},
		{"a folded field", "1.1 200 OK", "Content-Length: 5\r\nFoo: a\r\n b\r\n", false, 0, false, faultFold},
		{"a bare LF", "1.1 200 OK", "Content-Length: 5\r\nFoo: a\nBar: b\r\n", false, 0, false, faultBareLF},
		{"a NUL", "1.1 200 OK", "Content-Length: 5\r\nFoo: \x00\r\n", false, 0, false, faultValue},
		{"a space before the colon", "1.1 200 OK", "Content-Length : 5\r\n", false, 0, false, faultName},
		{"too many options of the connection", "1.1 200 OK", "Connection: " + strings.Repeat("a,", maxOptions) + "b\r\n", false, 0, false, faultOptions},
		{"too many fields", "1.1 200 OK", strings.Repeat("A: b\r\n", maxFields+1), false, 0, false, faultTooMany},
		{"too long", "1.1 200 OK", "A: " + strings.Repeat("a", testLimit) + "\r\n", false, 0, false, faultAnswerHead},
	} {
		a, err := readAnswer("HTTP/"+c.line+"\r\n"+c.lines+"\r\n", c.bodyless)
		if c.want != nil {
			if err != c.want {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			continue
		}
		if err != nil || a.Head.Length != c.length || a.Head.Close != c.close || a.Body.Length() != c.length {
			t.Errorf("%s: %v, length %d, close %v", c.name, err, a.Head.Length, a.Head.Close)
		}
	}
}

func TestNothingMayPrecedeAnAnswer(t *testing.T) {
	if _, err := readAnswer("\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false); err != faultEmptyLines {
		t.Errorf("an empty line: %v", err)
	}
	if _, err := readAnswer("\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false); err != faultBareLF {
		t.Errorf("a bare LF: %v", err)
	}
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	const interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	const final = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	a, err := readAnswer("HTTP/1.1 100 Continue\r\n\r\n"+interim+final, false)
	if err != nil || a.Head.Status != 200 || len(a.Head.Fields) != 1 {
		t.Fatalf("%v, %d, %q", err, a.Head.Status, lines(a.Head.Fields))
	}
	if got, err := io.ReadAll(&a.Body); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := readAnswer(strings.Repeat(interim, maxInterim)+final, false); err != nil {
		t.Errorf("%d interim answers: %v", maxInterim, err)
	}
	if _, err := readAnswer(strings.Repeat(interim, maxInterim+1)+final, false); err != faultStatusLine {
		t.Errorf("%d interim answers: %v", maxInterim+1, err)
	}
	if a, err := readAnswer("HTTP/1.1 101 Switching Protocols\r\n\r\n"+final, false); err != nil || a.Head.Status != 101 {
		t.Errorf("a 101 is passed over: %v, %d", err, a.Head.Status)
	}
}

// TestAnAnswerCutAnywhere ends the connection after each byte of a head.
func TestAnAnswerCutAnywhere(t *testing.T) {
	const raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	for at := range raw {
		a, err := readAnswer(raw[:at], false)
		want := io.ErrUnexpectedEOF
		if at == 0 {
			want = io.EOF
		}
		if err != want || a.Begun() != (at > 0) {
			t.Errorf("cut at %d: %v, begun %v; want %v", at, err, a.Begun(), want)
		}
	}
}

func TestAnAnswerGoesOnAfterATimeout(t *testing.T) {
	var a Answer
	a.Reset(&hesitant{raw: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"})
	timeouts := 0
	err := a.ReadHead(testLimit, false)
	for ; IsTimeout(err); err = a.ReadHead(testLimit, false) {
		timeouts++
	}
	if err != nil || a.Head.Status != 200 || a.Head.Length != 5 || timeouts < 60 {
		t.Errorf("%v, %d, length %d, %d timeouts", err, a.Head.Status, a.Head.Length, timeouts)
	}
}

func TestSurplusIsWhatNobodyAskedFor(t *testing.T) {
	for _, c := range []struct {
		behind string
		want   bool
	}{
		{"", false}, {"x", true}, {"\r\n", true}, {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
	} {
		var a Answer
		a.Reset(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + c.behind))
		if err := a.ReadHead(testLimit, false); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(&a.Body); err != nil {
			t.Fatal(err)
		}
		if a.Surplus() != c.want {
			t.Errorf("%q behind an answer: surplus %v", c.behind, a.Surplus())
		}
	}
}

func TestResetForgetsTheAnswerBefore(t *testing.T) {
	var a Answer
	a.Reset(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nFoo: a\r\n\r\nhelloHTTP/1.1 500"))
	if err := a.ReadHead(testLimit, false); err != nil {
		t.Fatal(err)
	}
	a.Reset(strings.NewReader("HTTP/1.1 204 No Content\r\n\r\n"))
	if a.Begun() || a.Surplus() || a.Head.Status != 0 {
		t.Errorf("begun %v, surplus %v, status %d", a.Begun(), a.Surplus(), a.Head.Status)
	}
	if err := a.ReadHead(testLimit, false); err != nil || a.Head.Status != 204 || len(a.Head.Fields) != 0 {
		t.Errorf("%v, %d, %q", err, a.Head.Status, lines(a.Head.Fields))
	}
}
