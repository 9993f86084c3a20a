package proxy

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// want is what a client must see, and how often the upstream's hosts may see its request.
type want struct {
	status int    // 0: the end of the connection, and no whole answer
	reason string // X-Headgate-Reason; "": the upstream's own answer
	seen   int64
}

// fault is one way in which every host of an upstream misbehaves, and what comes of it for each scope with a small body,
// two retries for a push and one for everything else.
type fault struct {
	name               string
	play               func(*line) // nil: nobody listens
	write, read, rules want
	slow               bool // it takes a read_timeout to notice
	survives           bool // a push must reach a host that is well
	alike              bool // another row of its kind stands for it in the short run
}

// shared is a fault that every scope sees alike, apart from the retries of a push.
func shared(name string, status int, reason string, play func(*line)) fault {
	once := want{status, reason, 1}
	return fault{name: name, play: play, write: want{status, reason, 3}, read: once, rules: once, survives: true}
}

func (f fault) slowly() fault {
	f.slow = true
	return f
}

// likeOthers leaves a fault out of the short run of many pushes, where a row of its kind stands for it.
func (f fault) likeOthers() fault {
	f.alike = true
	return f
}

// wrongStatus is a status that Cortex's push never gives: a push is tried elsewhere, everything else is passed on.
func wrongStatus(code int, text string) fault {
	once := want{status: code, seen: 1}
	return fault{
		name: fmt.Sprintf("%d instead of Cortex", code), play: answering(status(code, text)),
		write: want{502, "wrong_machine", 3}, read: once, rules: once, survives: true,
	}
}

// passing is a status that goes through, whatever the scope.
func passing(code int, text string) fault {
	once := want{status: code, seen: 1}
	return fault{name: fmt.Sprintf("%d of Cortex", code), play: answering(status(code, text)), write: once, read: once, rules: once}
}

// unavailableStatus is a status that sends a push to another host, until there is none; the last one's is passed on.
func unavailableStatus(code int, text string) fault {
	once := want{status: code, seen: 1}
	return fault{
		name: fmt.Sprintf("%d", code), play: answering(status(code, text)),
		write: want{status: code, seen: 3}, read: once, rules: once, survives: true,
	}
}

// bursts is a 503 for ten requests, and then none for ten.
func bursts() fault {
	f := unavailableStatus(503, "Service Unavailable")
	f.name = "503 in bursts"
	f.play = func(l *line) {
		for n := 0; l.request(); n++ {
			if n/10%2 == 0 {
				l.say(status(503, "Service Unavailable"))
			} else {
				l.say(answerOK)
			}
		}
	}
	return f
}

// partly answers every request with some bytes and then ends the connection.
func partly(raw string) func(*line) {
	return func(l *line) {
		if l.request() {
			l.say(raw)
		}
	}
}

// stuck answers every request with some bytes and then does nothing more.
func stuck(raw string) func(*line) {
	return func(l *line) {
		if l.request() {
			l.say(raw)
			l.hang()
		}
	}
}

// dripping answers with some bytes and then goes on, one at a time.
func dripping(raw string) func(*line) {
	return func(l *line) {
		if !l.request() {
			return
		}
		l.say(raw)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for err := error(nil); err == nil; <-tick.C {
			_, err = io.WriteString(l, "x")
		}
	}
}

var (
	manyFields = "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 101) + "Content-Length: 0\r\n\r\n"
	giantHead  = "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\nContent-Length: 0\r\n\r\n"
	halfLarge  = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 100000)
	halfChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
)

// faults is the table.
func faults() []fault {
	refusedEverywhere := want{503, "connect_failed", 0}
	cutShort := want{0, "", 1}
	return []fault{
		{
			name:  "connections are refused",
			write: refusedEverywhere, read: refusedEverywhere, rules: refusedEverywhere, survives: true,
		},
		{
			// Waiting for the first byte makes sure that the connect itself is over: a reset in it is a failed connect.
			name: "reset before anything is read", play: func(l *line) { l.br.Peek(1); l.reset() }, survives: true, //nolint:errcheck // any end will do
			write: want{502, "upstream_closed", 0}, read: want{502, "upstream_closed", 0}, rules: want{502, "upstream_closed", 0},
		},
		shared("reset behind the head of the request", 502, "upstream_closed", func(l *line) { l.head(); l.reset() }),
		shared("reset behind the body of the request", 502, "upstream_closed", func(l *line) { l.request(); l.reset() }),
		shared("closed behind the body of the request", 502, "upstream_closed", func(l *line) { l.request() }),
		// Half-open: it has ended its own side and listens on, or has the connection and never looks at it.
		shared("half-closed behind the body of the request", 502, "upstream_closed", func(l *line) {
			l.request()
			l.tcp.CloseWrite() //nolint:errcheck // any end will do
			l.hang()
		}),
		{
			name: "connected and never read", play: func(l *line) { l.hang() }, survives: true, slow: true,
			write: want{504, "upstream_timeout", 0}, read: want{504, "upstream_timeout", 0}, rules: want{504, "upstream_timeout", 0},
		},
		shared("closed in the status line", 502, "upstream_closed", partly("HTTP/1.1 2")).likeOthers(),
		shared("closed behind the head of the answer", 502, "upstream_closed", partly("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")).likeOthers(),
		shared("closed in the body of the answer", 502, "upstream_closed", partly("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")),
		shared("reset in the body of the answer", 502, "upstream_closed", func(l *line) {
			l.request()
			l.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
			l.reset()
		}),
		{name: "closed in a large answer", play: partly(halfLarge), write: cutShort, read: cutShort, rules: cutShort},
		{name: "closed between chunks", play: partly(halfChunks), write: cutShort, read: cutShort, rules: cutShort},
		{name: "closed before the end of the last chunk", play: partly(halfChunks + "0\r\n"), write: cutShort, read: cutShort, rules: cutShort},
		{name: "a chunk of no size", play: partly(halfChunks + "zz\r\n0\r\n\r\n"), write: cutShort, read: cutShort, rules: cutShort},

		shared("hangs before the head", 504, "upstream_timeout", stuck("")).slowly(),
		shared("hangs in the head", 504, "upstream_timeout", stuck("HTTP/1.1 200 OK\r\nConte")).slowly(),
		shared("hangs in the body", 504, "upstream_timeout", stuck("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")).slowly(),
		shared("drips a head without end", 504, "upstream_timeout", dripping("HTTP/1.1 200 OK\r\nX-A: ")).slowly(),
		{
			name: "hangs in a large answer", play: stuck(halfLarge), write: cutShort, read: cutShort, rules: cutShort, slow: true,
		},

		shared("another protocol", 502, "bad_answer", answering("SSH-2.0-OpenSSH_9.2\r\n\r\n")),
		shared("HTTP/2 frames", 502, "bad_answer", answering("\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n")).likeOthers(),
		shared("bare line feeds", 502, "bad_answer", answering("HTTP/1.1 200 OK\nContent-Length: 0\n\n")),
		shared("a status of four digits", 502, "bad_answer", answering("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		shared("a status of 099", 502, "bad_answer", answering("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		shared("HTTP/2.0 in the status line", 502, "bad_answer", answering("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		shared("a folded field", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		shared("a space before the colon", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")).likeOthers(),
		shared("a head without end", 502, "bad_answer", answering(giantHead)),
		shared("a hundred and two fields", 502, "bad_answer", answering(manyFields)).likeOthers(),
		shared("length and chunks", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
		shared("two lengths", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")).likeOthers(),
		shared("a negative length", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")).likeOthers(),
		shared("a coding that nobody asked for", 502, "bad_answer", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")).likeOthers(),
		shared("it switches protocols", 502, "bad_answer", answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")),
		shared("interim answers without end", 502, "bad_answer", answering(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 9)+answerOK)).likeOthers(),
		shared("closed behind an interim answer", 502, "upstream_closed", partly("HTTP/1.1 100 Continue\r\n\r\n")),

		unavailableStatus(502, "Bad Gateway"), unavailableStatus(503, "Service Unavailable"),
		unavailableStatus(504, "Gateway Timeout"), bursts(),

		wrongStatus(301, "Moved Permanently"), wrongStatus(302, "Found").likeOthers(),
		wrongStatus(304, "Not Modified").likeOthers(), wrongStatus(307, "Temporary Redirect").likeOthers(),
		wrongStatus(308, "Permanent Redirect").likeOthers(), wrongStatus(401, "Unauthorized"),
		wrongStatus(403, "Forbidden").likeOthers(), wrongStatus(404, "Not Found"), wrongStatus(405, "Method Not Allowed"),
		wrongStatus(407, "Proxy Authentication Required").likeOthers(), wrongStatus(408, "Request Timeout"),
		wrongStatus(411, "Length Required").likeOthers(), wrongStatus(421, "Misdirected Request").likeOthers(),
		wrongStatus(426, "Upgrade Required").likeOthers(), wrongStatus(431, "Request Header Fields Too Large").likeOthers(),

		passing(200, "OK"), passing(202, "Accepted"), passing(400, "Bad Request"), passing(413, "Too Large"),
		passing(415, "Unsupported Media Type"), passing(422, "Unprocessable"), passing(429, "Too Many Requests"),
		passing(499, "Gone"), passing(500, "Internal Server Error"), passing(501, "Not Implemented"), passing(507, "Full"),
	}
}

// harmlessFaults are upstreams that behave oddly and lose nothing: every request of every scope gets its answer and is
// seen once.
func harmlessFaults() []fault {
	fine := want{status: 200, seen: 1}
	odd := func(name string, play func(*line)) fault {
		return fault{name: name, play: play, write: fine, read: fine, rules: fine, survives: true}
	}
	return []fault{
		odd("a byte at a time", func(l *line) {
			for l.request() {
				for _, c := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") {
					l.say(string(c))
				}
			}
		}).likeOthers(),
		odd("interim answers", answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+answerOK)).likeOthers(),
		odd("no reason phrase", answering("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		odd("not even a space", answering("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")).likeOthers(),
		odd("the length twice", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")).likeOthers(),
		odd("HTTP/1.0", partly("HTTP/1.0 200 OK\r\n\r\nhello")),
		odd("chunks with extensions and trailers", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n")).likeOthers(),
		odd("it says that it closes", partly("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")).likeOthers(),
		odd("it closes without a word", partly(answerOK)),
		odd("more than the length says", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more")),
		odd("two answers at once", answering(answerOK+answerOK)),
	}
}
