package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/headgate/headgate/bench/contest"
	"github.com/headgate/headgate/bench/rivals"
)

// Options are what all trials need.
type Options struct {
	Headgate  string // its program
	Self      string // this program, which is the load too
	ProxyCore int
	LoadCore  int
	OpenFiles int
	Dir       string // for configurations; kept by the caller
}

// patience is how long answers are waited for after a window.
const patience = 5 * time.Second

// stand is a headgate before a load with its upstream.
type stand struct {
	load    *contest.Load
	running *rivals.Running
	o       Options
}

// build starts both. The caller takes them down.
func build(ctx context.Context, o Options, setting rivals.Setting) (*stand, error) {
	load, err := contest.StartLoad(o.Self, o.LoadCore)
	if err != nil {
		return nil, err
	}
	s := &stand{load: load, o: o}
	setting.Upstream = load.Upstream()
	if err := s.start(ctx, setting); err != nil {
		load.Stop()
		return nil, err
	}
	return s, nil
}

// start starts headgate, not looking whether it works.
func (s *stand) start(ctx context.Context, setting rivals.Setting) error {
	program, err := rivals.Program(rivals.Headgate, s.o.Headgate)
	if err != nil {
		return err
	}
	setting.Dir = filepath.Join(s.o.Dir, "headgate")
	setting.OpenFiles = s.o.OpenFiles
	if err := os.MkdirAll(setting.Dir, 0o700); err != nil {
		return err
	}
	s.running, err = rivals.Start(ctx, program, rivals.Variants()[0], setting, s.o.ProxyCore)
	return err
}

func (s *stand) takeDown() {
	if s.running != nil {
		s.running.Stop()
	}
	s.load.Stop()
}

// order is a load on this stand.
func (s *stand) order(request []byte, window time.Duration) contest.Order {
	return contest.Order{
		Addr: s.running.Setting.Listen, Request: request, Connections: 64, Warmup: 300 * time.Millisecond, Window: window,
		Grace: patience, Subject: s.running.PIDs, SubjectCore: s.o.ProxyCore, OwnCore: s.o.LoadCore,
	}
}

// stayOnLoadCore binds this process to the core of the load, so that its clients take nothing from headgate's.
func (o Options) stayOnLoadCore() error {
	pid := strconv.Itoa(os.Getpid())
	if text, err := exec.Command("taskset", "-acp", strconv.Itoa(o.LoadCore), pid).CombinedOutput(); err != nil {
		return fmt.Errorf("bind to core %d: %w: %s", o.LoadCore, err, text)
	}
	return nil
}
