package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameFilesThatExist, and functions that are there: a page about the code is wrong the day it is not.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	named := regexp.MustCompile("`((?:proxy|balancer|authcache|cmd|bench|e2e|deploy|docs)(?:/[A-Za-z0-9_.-]+)+)`")
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(repository, string(m[1]))); err != nil {
				t.Errorf("%s names %s, which is not there", filepath.Base(path), m[1])
			}
		}
	}
}

// TestTheLifeOfARequestHasEveryStep: what serve calls is in the page about it, in the same order.
func TestTheLifeOfARequestHasEveryStep(t *testing.T) {
	code, err := os.ReadFile(filepath.Join(repository, "proxy", "exchange.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, serve, found := strings.Cut(string(code), "func (x *exchange) serve() *failure {")
	serve, _, ended := strings.Cut(serve, "\n}\n")
	if !found || !ended {
		t.Fatal("proxy/exchange.go has no serve")
	}
	rows := map[string]string{
		"checkHead": "check", "isHealthCheck": "health", "answerHealth": "health", "startTrace": "trace", "matchRoute": "match",
		"authenticateTraced": "authenticate", "authorize": "authorize", "nameTenant": "name the tenant", "admit": "admit",
		"prepare": "prepare", "admitBody": "admit the body", "forward": "forward",
	}
	page, err := os.ReadFile(filepath.Join(repository, "docs", "life-of-a-request.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, m := range regexp.MustCompile(`x\.([a-zA-Z]+)\(\)`).FindAllStringSubmatch(serve, -1) {
		row, known := rows[m[1]]
		if !known {
			t.Errorf("serve calls %s, which docs/life-of-a-request.md says nothing of", m[1])
			continue
		}
		next := strings.Index(string(page), "\n| "+row+" |")
		if next < at {
			t.Errorf("%s comes after what follows it in serve, or is missing", row)
		}
		at = next
	}
}
