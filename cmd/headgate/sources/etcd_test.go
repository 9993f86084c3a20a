package sources

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
)

// following is [etcd] at work, told by a test what an etcd would tell it.
type following struct {
	*shared
	t     *testing.T
	cache *authcache.Cache
	log   bytes.Buffer
	stop  func() // ends it, as the end of the program does
}

// follows begins as a gateway does, with the copy at a path, "" for none; more is of [etcd].
func follows(t *testing.T, path, more string) *following {
	t.Helper()
	f := &following{t: t, cache: authcache.New(authcache.Options{})}
	if path != "" {
		more += fmt.Sprintf("cache_file = %q\n", path)
	}
	s := New(Options{Cache: f.cache, Log: slog.New(slog.NewTextHandler(&f.log, nil))})
	s.config = etcdConfig(t, more)
	f.shared = newShared(s, s.config, newRoster(s.options, s.config.SharedTenants()))
	s.shared = f.shared
	ctx, end := context.WithCancel(t.Context())
	f.end = end
	s.mu.Lock()
	f.begin()
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.keepCopy(ctx)
	}()
	f.stop = func() {
		s.mu.Lock()
		f.close()
		s.shared = nil
		s.mu.Unlock()
		<-done
		f.cache.Close()
	}
	return f
}

// etcdConfig is a configuration with an [etcd].
func etcdConfig(t *testing.T, more string) *config.Config {
	t.Helper()
	if !strings.Contains(more, "prefix") {
		more += "prefix = \"/t/\"\n"
	}
	toml := "[server]\nlisten = \"127.0.0.1:0\"\n[upstreams.all]\nurl = \"http://127.0.0.1:1\"\n[etcd]\nendpoints = [\"http://127.0.0.1:1\"]\n" + more
	file := filepath.Join(t.TempDir(), "headgate.toml")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(file, config.Options{})
	if problems.Errors() > 0 {
		t.Fatal(problems)
	}
	return cfg
}

// copyAt writes a copy.
func copyAt(t *testing.T, path, prefix string, all map[string]string, at time.Time) {
	t.Helper()
	if err := (fleet.Copy{Path: path, Endpoints: []string{"http://127.0.0.1:1"}, Prefix: prefix}).Save(all, at); err != nil {
		t.Fatal(err)
	}
}

// copied is what the copy of the prefix holds.
func copiedTo(t *testing.T, path string) (map[string]string, time.Time) {
	t.Helper()
	all, at, err := (fleet.Copy{Path: path, Endpoints: []string{"http://127.0.0.1:1"}, Prefix: "/t/"}).Load()
	if err != nil {
		t.Fatal(err)
	}
	return all, at
}

// logged is what the log says so far.
func (f *following) logged() string {
	synctest.Wait()
	return f.log.String()
}

// stands wants the source to be of that moment, with this in what is wrong with it, "" for nothing wrong.
func (f *following) stands(at time.Time, problem string) {
	f.t.Helper()
	s := f.cache.Sources()[0]
	text := ""
	if s.Err != nil {
		text = s.Err.Error()
	}
	if !s.At.Equal(at) || problem == "" && text != "" || !strings.Contains(text, problem) {
		f.t.Errorf("it is of %v, and %q; want %v and %q", s.At.UTC(), text, at.UTC(), problem)
	}
}

// A gateway that starts without etcd says of when what is in force is, until etcd is back, and says nothing of an error
// before there is one.
func TestTheAgeIsThatOfTheCopyUntilEtcdIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "copy")
		made := time.Now().Add(-29 * 24 * time.Hour).Truncate(time.Second)
		copyAt(t, path, "/t/", clients(2), made)
		f := follows(t, path, "")
		defer f.stop()
		when := made.UTC().Format(time.RFC3339)
		f.stands(made, "etcd has not answered yet; in force is what it held at "+when)
		if text := f.logged(); strings.Contains(text, "level=ERROR") || f.cache.Len() != 2 {
			t.Errorf("%d clients; the log says %s", f.cache.Len(), text)
		}
		f.Away(errors.New("no answer in time"))
		f.stands(made, "etcd is away; in force is what it held at "+when+": no answer in time")
		time.Sleep(time.Hour)
		f.stands(made, when)
		f.Listed(clients(3), nil)
		now := time.Now()
		f.stands(now, "")
		time.Sleep(time.Minute)
		f.InStep()
		f.stands(now.Add(time.Minute), "")
		time.Sleep(time.Minute)
		f.Away(errors.New("connection refused"))
		time.Sleep(time.Hour)
		f.stands(now.Add(time.Minute), "connection refused")
		if n := strings.Count(f.logged(), "source of credentials in error"); n != 2 {
			t.Errorf("the log tells of %d errors, want 2: %s", n, f.logged())
		}
	})
}

// The copy follows etcd, not too often, and tells how old it is: that of an outage is of its beginning.
func TestTheCopyFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "copy")
		f := follows(t, path, "")
		started := time.Now()
		f.Listed(clients(2), nil)
		time.Sleep(copyAfter + time.Second)
		expect := func(step string, clients int, age time.Duration) {
			t.Helper()
			if all, at := copiedTo(t, path); len(all) != clients || time.Since(at).Round(time.Second) != age {
				t.Errorf("%s: %d clients, %v old; want %d and %v", step, len(all), time.Since(at), clients, age)
			}
		}
		expect("the first list", 2, copyAfter+time.Second)
		f.Changed([]fleet.Change{{Key: "u2", Text: clients(3)["u2"]}})
		time.Sleep(copyAfter + time.Second)
		expect("not at once again", 2, 2*(copyAfter+time.Second))
		time.Sleep(copyPause)
		expect("but soon", 3, copyPause+copyAfter+time.Second)
		for range 3600 {
			time.Sleep(time.Second)
			f.InStep()
		}
		time.Sleep(copyAge/2 - time.Since(started)%(copyAge/2))
		if _, at := copiedTo(t, path); time.Since(at) > copyAge {
			t.Errorf("while nothing changes it is %v old", time.Since(at))
		}
		f.InStep()
		time.Sleep(time.Minute)
		f.Away(errors.New("away"))
		time.Sleep(time.Minute)
		expect("etcd is away", 3, 2*time.Minute)
		time.Sleep(2 * time.Hour)
		expect("while etcd is away", 3, 2*time.Hour+2*time.Minute)

		// What changed a moment before the end is in it.
		f.Listed(clients(5), nil)
		f.stop()
		expect("at the end", 5, 0)
	})
}

// A copy of another place is named as an error, and stays as it is while etcd shows nobody.
func TestACopyOfAnotherPlaceStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "copy")
		copyAt(t, path, "/t/", clients(3), time.Now())
		f := follows(t, path, "prefix = \"/mistyped/\"\n")
		f.stands(time.Time{}, `is a copy of "/t/"`)
		f.Away(errors.New("not yet"))
		f.stands(time.Time{}, `is a copy of "/t/"`)
		f.Listed(map[string]string{}, nil)
		f.stands(time.Now(), "no tenant is under etcd.prefix")
		if _, verdict := f.cache.Authenticate(authcache.Credential{Scheme: authcache.Basic, User: []byte("u0"), Secret: []byte("old")}); verdict != authcache.Unready {
			t.Errorf("a client that is nowhere known is %v, want unready", verdict)
		}
		time.Sleep(2 * copyAge)
		if all, _ := copiedTo(t, path); len(all) != 3 {
			t.Errorf("the copy has %d clients left", len(all))
		}
		f.stop()
		if all, _ := copiedTo(t, path); len(all) != 3 {
			t.Errorf("the copy has %d clients left at the end", len(all))
		}
	})
}

// A copy that cannot be written is said once, and tried again.
func TestACopyThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "no", "copy")
		f := follows(t, path, "")
		defer f.stop()
		f.Listed(clients(2), nil)
		time.Sleep(5 * time.Minute)
		if n := strings.Count(f.logged(), "cannot be written"); n != 1 {
			t.Errorf("it is said %d times: %s", n, f.logged())
		}
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if all, _ := copiedTo(t, path); !maps.Equal(all, clients(2)) {
			t.Errorf("afterwards it has %q", slices.Collect(maps.Keys(all)))
		}
	})
}

// A key that goes by itself goes when its time is over, without anything else happening.
func TestAKeyGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follows(t, "", "")
		defer f.stop()
		f.Listed(clients(12), nil)
		f.Changed([]fleet.Change{{Key: "u0", Gone: true}})
		time.Sleep(holdWindow / 2)
		f.Changed([]fleet.Change{{Key: "u1", Gone: true}})
		for i, want := range []int{12, 11, 10} {
			if n := f.cache.Len(); n != want {
				t.Errorf("after %d half windows %d clients, want %d", i+1, n, want)
			}
			time.Sleep(holdWindow/2 + time.Millisecond)
		}
	})
}

// What is skipped is named once in the log, as it is, and is a doubt about the source: its client may be one that is
// unknown.
func TestASkippedValueIsADoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follows(t, "", "")
		defer f.stop()
		all := clients(2)
		all["strange"] = "hello"
		f.Listed(all, nil)
		f.Changed([]fleet.Change{{Key: "u0", Text: "cut sho"}})
		f.InStep()
		f.Listed(map[string]string{"strange": "hello", "u0": "cut sho", "u1": all["u1"]}, nil)
		f.stands(time.Now(), `"strange" is skipped: is not TOML`)
		f.stands(time.Now(), `"u0" is skipped: is not TOML`)
		if n := f.sources.Skipped(); n != 2 || f.cache.Len() != 2 {
			t.Errorf("%d are skipped and %d in force, want 2 each", n, f.cache.Len())
		}
		for _, want := range []string{
			`msg="a value of etcd is skipped, and nothing of its key is in force" key=strange`,
			`msg="a value of etcd is skipped, what its key held before stays in force" key=u0`,
		} {
			if n := strings.Count(f.logged(), want); n != 1 {
				t.Errorf("the log says %d times %s:\n%s", n, want, f.logged())
			}
		}
		f.Changed([]fleet.Change{{Key: "u0", Text: all["u0"]}, {Key: "strange", Gone: true}})
		f.stands(time.Now(), "")
	})
}
