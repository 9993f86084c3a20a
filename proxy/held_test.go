package proxy

import "testing"

func TestHeldBytesAreBounded(t *testing.T) {
	var b heldBudget
	if !b.hold(1 << 40) {
		t.Error("refused without a limit")
	}
	b.drop(1 << 40)
	b.limit.Store(100)
	if !b.hold(60) || !b.hold(40) || b.hold(1) {
		t.Error("want 100 bytes of 100, and not one more")
	}
	b.drop(40)
	if !b.hold(40) {
		t.Error("what was given back was not to be had")
	}
}
