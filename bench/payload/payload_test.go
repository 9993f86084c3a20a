package payload

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

func TestRemoteWriteIsNearTheSizeAndReadable(t *testing.T) {
	for _, size := range []int{1 << 10, 32 << 10, 512 << 10} {
		body, err := RemoteWrite(size)
		if err != nil {
			t.Fatal(err)
		}
		if off := len(body) - size; off > size/10 || off < -size/10 {
			t.Errorf("size %d: got %d bytes, more than a tenth away", size, len(body))
		}
		raw, err := snappy.Decode(nil, body)
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		var batch prompb.WriteRequest
		if err := batch.Unmarshal(raw); err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if len(batch.Timeseries) == 0 {
			t.Errorf("size %d: no series", size)
		}
		if float64(len(raw)) < 1.5*float64(len(body)) {
			t.Errorf("size %d: %d bytes before snappy, %d after: not what a scrape compresses to", size, len(raw), len(body))
		}
	}
}

func TestRemoteWriteIsTheSameEveryTime(t *testing.T) {
	first, err := RemoteWrite(4 << 10)
	if err != nil {
		t.Fatal(err)
	}
	second, err := RemoteWrite(4 << 10)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two bodies of one size differ")
	}
}

func TestRemoteWriteRefusesAnImpossibleSize(t *testing.T) {
	if _, err := RemoteWrite(10); err == nil {
		t.Error("10 bytes: no error")
	}
}

func TestRequestsAreWhatNetHTTPReads(t *testing.T) {
	body := []byte("0123456789")
	for name, raw := range map[string][]byte{
		"push":  Push("127.0.0.1:1", Basic("u", "p"), body),
		"query": Query("127.0.0.1:1", Basic("u", "p"), QueryPath(1024)),
		"echo":  Query("127.0.0.1:1", Basic("u", "p"), EchoPath),
	} {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if user, password, ok := request.BasicAuth(); !ok || user != "u" || password != "p" {
			t.Errorf("%s: credential read as %q %q %v", name, user, password, ok)
		}
		if name == "push" && request.ContentLength != int64(len(body)) {
			t.Errorf("push: content length %d, want %d", request.ContentLength, len(body))
		}
	}
}
