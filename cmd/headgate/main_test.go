package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test binary as headgate and as ask, the HTTP client of the stories.
func TestMain(m *testing.M) {
	// Else each of those programs sleeps a second before it exits, when it was built with the race detector.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"headgate": main, "ask": ask})
}

// ask sends one request and prints the status and the body:
//
//	ask [-u USER:PASSWORD] [-H 'NAME: VALUE'] [-d BODY] METHOD URL
//
// A URL "unix:/path/of.sock/*/the/path" goes to a socket. It waits for the listener, so that a script may ask at once.
func ask() {
	user := flag.String("u", "", "user:password")
	header := flag.String("H", "", "name: value")
	body := flag.String("d", "", "body")
	flag.Parse()
	request, err := http.NewRequest(flag.Arg(0), flag.Arg(1), strings.NewReader(*body))
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialPatiently(ctx, network, address)
	}
	if rest, ok := strings.CutPrefix(flag.Arg(1), "unix:"); ok {
		socket, path, _ := strings.Cut(rest, "/*")
		request, err = http.NewRequest(flag.Arg(0), "http://localhost"+path, strings.NewReader(*body))
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialPatiently(ctx, "unix", socket) }
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if name, password, ok := strings.Cut(*user, ":"); ok {
		request.SetBasicAuth(name, password)
	}
	if name, value, ok := strings.Cut(*header, ":"); ok {
		request.Header.Set(name, strings.TrimSpace(value))
	}
	response, err := (&http.Client{Transport: &http.Transport{DialContext: dial}}).Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode)
	_, _ = io.Copy(os.Stdout, response.Body)
}

// dialPatiently tries again while nobody listens yet.
func dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT) {
			return conn, err
		}
		pause := time.NewTimer(10 * time.Millisecond)
		select {
		case <-ctx.Done():
			return nil, err
		case <-pause.C:
		}
	}
}
