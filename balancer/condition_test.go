package balancer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestConditionSaysWhyAHostIsNotUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Targets: []Target{{Kind: Literal, Host: "10.0.0.1", Port: 9009}}, MaxFails: 1, FailTimeout: time.Hour}, nil)
		defer p.Close()
		h := p.Hosts()[0]
		if c := h.Condition(); c != (Condition{}) {
			t.Errorf("a host that is well: %+v", c)
		}
		h.Failed()
		if c := h.Condition(); c != (Condition{PassedOver: true, Cause: failingCause, Since: time.Now()}) {
			t.Errorf("a host that fails: %+v", c)
		}
		h.Succeeded()
		if c := h.Condition(); c != (Condition{}) {
			t.Errorf("a host that is well again: %+v", c)
		}
	})
}
