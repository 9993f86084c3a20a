package watch

import (
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// toldAfter runs a Watcher that gets no notices on a faked clock, lets something happen, and tells how long it takes until
// a change is told.
func toldAfter(t *testing.T, happens func(w *Watcher, file string)) time.Duration {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "old")
	var after time.Duration
	synctest.Test(t, func(t *testing.T) {
		told := make(chan struct{}, 10)
		w := NewDeaf(func() { told <- struct{}{} }, slog.New(slog.DiscardHandler))
		defer w.Close()
		w.Set([]string{file})
		<-told // a file is new to it
		begin := time.Now()
		happens(w, file)
		select {
		case <-told:
			after = time.Since(begin)
		case <-time.After(time.Hour):
			t.Error("nothing was told")
		}
	})
	return after
}

// TestANoticeIsFollowedWithinAMoment: what changed is in force within a second, of which this is the first part.
func TestANoticeIsFollowedWithinAMoment(t *testing.T) {
	after := toldAfter(t, func(w *Watcher, file string) {
		write(t, file, "new text")
		w.Doubt()
	})
	if after > 250*time.Millisecond {
		t.Errorf("a change is told %s after the notice of it", after)
	}
}

// TestEverythingIsLookedAtWithoutANotice, as on network file systems.
func TestEverythingIsLookedAtWithoutANotice(t *testing.T) {
	after := toldAfter(t, func(_ *Watcher, file string) { write(t, file, "new text") })
	if after > 30*time.Second {
		t.Errorf("a change without a notice is told after %s, want 30 s at most", after)
	}
}

// TestWhatCouldNotBeReadIsLookedAtAgain although it looks as it did.
func TestWhatCouldNotBeReadIsLookedAtAgain(t *testing.T) {
	after := toldAfter(t, func(w *Watcher, _ string) { w.Later() })
	if after > 30*time.Second {
		t.Errorf("it is told after %s, want 30 s at most", after)
	}
}

// TestAFileRests: what it takes until a file that looks different is believed.
func TestAFileRests(t *testing.T) {
	begin := time.Now()
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	written := func(d time.Duration) Print { return Print{size: 1, modified: at(d).UnixNano()} }
	away := Print{missing: true}
	for _, c := range []struct {
		name  string
		looks []Print // one every Quiet/2
		wait  []bool
	}{
		{"written long ago", []Print{written(-time.Hour)}, []bool{false}},
		{"written this moment", []Print{written(0), written(0), written(0)}, []bool{true, true, false}},
		{"from the future", []Print{written(time.Hour), written(time.Hour + 1), written(time.Hour + 1), written(time.Hour + 1)}, []bool{true, true, true, false}},
		{"away", []Print{away, away, away}, []bool{true, true, false}},
		{"away twice for a moment", []Print{away, written(-time.Hour), away, away, away}, []bool{true, false, true, true, false}},
		{"cannot be looked at", []Print{{failure: "permission denied"}}, []bool{false}},
	} {
		var r Rest
		for i, look := range c.looks {
			if got := r.Wait(look, at(time.Duration(i)*Quiet/2)); got != c.wait[i] {
				t.Errorf("%s: look %d waits: %v, want %v", c.name, i, got, c.wait[i])
			}
		}
	}

	// Somebody who never rests is waited for no longer than patience lasts.
	var r Rest
	for now := time.Duration(0); ; now += Quiet / 2 {
		if !r.Wait(written(now), at(now)) {
			if now != Patience {
				t.Errorf("the wait ended after %s", now)
			}
			return
		}
	}
}

// A file that could not be read has changed when it can be, and not before, although it looks as it did.
func TestAFileThatCouldNotBeReadHasChangedWhenItCanBe(t *testing.T) {
	const unreadable = "/proc/self/mem" // at its beginning
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	var r Readings
	for _, path := range []string{file, unreadable} {
		r.Note(path)
		r.Failed(path)
	}
	if changed, unfinished := r.Changed(time.Now()); len(changed) != 1 || changed[0] != file || unfinished != nil {
		t.Errorf("%q, %q have changed", changed, unfinished)
	}
	r.Note(file)
	if changed, _ := r.Changed(time.Now()); changed != nil || !r.Failing() {
		t.Errorf("%q have changed, one fails: %v", changed, r.Failing())
	}
	r.Keep([]string{file})
	if r.Failing() {
		t.Error("a file that nobody wants fails")
	}
}

// TestAChangeWhileAFileIsReadIsAChange: the look at a file comes before the reading of it.
func TestAChangeWhileAFileIsReadIsAChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "old")
	past := time.Now().Add(time.Hour)
	var r Readings
	r.Note(file)
	if changed, unfinished := r.Changed(past); changed != nil || unfinished != nil {
		t.Errorf("nothing happened, and %q, %q have changed", changed, unfinished)
	}
	write(t, file, "newer") // as if it happened during the reading
	if changed, _ := r.Changed(past); len(changed) != 1 || changed[0] != file {
		t.Errorf("changed are %q", changed)
	}
	copied := r.Clone()
	r.Note(file)
	if changed, _ := r.Changed(past); changed != nil {
		t.Errorf("it was read again, and %q have changed", changed)
	}
	if changed, _ := copied.Changed(past); len(changed) != 1 {
		t.Error("a copy follows what it was copied from")
	}
	copied.Keep(nil)
	if changed, _ := copied.Changed(past); changed != nil || len(copied.Paths()) != 0 || len(r.Paths()) != 1 {
		t.Error("what is not kept is not forgotten")
	}
}
