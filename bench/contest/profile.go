package contest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/bench/load"
	"github.com/headgate/headgate/bench/rivals"
)

// Profile takes a CPU profile of headgate in a closed loop of each of the options' scenarios, for as long as their window,
// and writes all of them merged into one file. The compiler takes that file as default.pgo.
func Profile(ctx context.Context, o Options, file string) error {
	c := &Contest{o: o, progress: newProgress(o.Progress), programs: map[string]string{}}
	defer c.progress.end()
	var err error
	if c.programs[rivals.Headgate], err = rivals.Program(rivals.Headgate, o.Headgate); err != nil {
		return err
	}
	if c.certificate, err = rivals.NewCertificate(); err != nil {
		return err
	}
	if c.worker, err = startWorker(o.Self, o.LoadCore); err != nil {
		return err
	}
	defer c.worker.stop()
	c.progress.expect(len(o.Scenarios))
	var profiles []string
	for _, s := range o.Scenarios {
		c.progress.step(s.Name, rivals.Headgate, "profile")
		tenants, err := rivals.Tenants(s.Tenants, s.Auth)
		if err != nil {
			return err
		}
		one, err := c.start(ctx, s, rivals.Variants()[0], tenants, 0)
		if err != nil {
			return err
		}
		name := filepath.Join(o.Dir, s.Name+".pprof")
		err = c.profile(ctx, one, name)
		one.running.Stop()
		if err != nil {
			return fmt.Errorf("profile %s: %w", s.Name, err)
		}
		profiles = append(profiles, name)
	}
	merge := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-proto", "-output=" + file}, profiles...)...)
	if text, err := merge.CombinedOutput(); err != nil {
		return fmt.Errorf("merge profiles: %w: %s", err, text)
	}
	return nil
}

// profile takes one while the load runs, for the load's window.
func (c *Contest) profile(ctx context.Context, one *contestant, name string) error {
	o := one.order
	o.Pace = load.Closed
	o.Window += time.Second // The profile is to end first.
	failed := make(chan error, 1)
	go func() {
		_, err := c.worker.measure(ctx, o)
		failed <- err
	}()
	seconds := max(1, int(c.o.Window.Seconds()))
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", one.running.Setting.Admin, seconds)
	err := fetch(ctx, url, name)
	return errors.Join(err, <-failed)
}

func fetch(ctx context.Context, url, name string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("headgate answered %s: %.200s", answer.Status, body)
	}
	return os.WriteFile(name, body, 0o644)
}
