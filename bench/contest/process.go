package contest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/rivals"
)

// workerProcess is the running process of RunWorker.
type workerProcess struct {
	cmd      *exec.Cmd
	in       *json.Encoder
	out      *json.Decoder
	upstream netip.AddrPort
}

// startWorker starts this program again as the worker, bound to a core.
func startWorker(self string, core int) (*workerProcess, error) {
	cmd := rivals.Pinned(core, self, "worker")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	lines := bufio.NewReader(out)
	w := &workerProcess{cmd: cmd, in: json.NewEncoder(in), out: json.NewDecoder(lines)}
	line, err := lines.ReadString('\n')
	if err == nil {
		w.upstream, err = netip.ParseAddrPort(strings.TrimSpace(line))
	}
	if err != nil {
		w.stop()
		return nil, errors.New("start the load: the upstream did not say where it listens")
	}
	return w, nil
}

// measure lets the worker carry out an order. After ctx has ended the worker has gone.
func (w *workerProcess) measure(ctx context.Context, o order) (report.Measurement, error) {
	stop := context.AfterFunc(ctx, w.kill)
	defer stop()
	if err := w.in.Encode(o); err != nil {
		return report.Measurement{}, errors.Join(ctx.Err(), fmt.Errorf("give an order to the load: %w", err))
	}
	var result outcome
	if err := w.out.Decode(&result); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it ended")
		}
		return report.Measurement{}, errors.Join(ctx.Err(), fmt.Errorf("read what the load measured: %w", err))
	}
	if result.Error != "" {
		return report.Measurement{}, fmt.Errorf("load: %s", result.Error)
	}
	return result.Measurement, nil
}

// kill ends the worker. An error means that it has ended already.
func (w *workerProcess) kill() { _ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) }

func (w *workerProcess) stop() {
	w.kill()
	_ = w.cmd.Wait() // Killed: the status says nothing.
}
