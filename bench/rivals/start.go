package rivals

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Running is a proxy that takes connections.
type Running struct {
	Variant Variant
	Setting Setting
	PIDs    []int // of the proxy and its workers, once Check has passed

	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the first process has ended
}

// startPatience is how long a proxy may take until it listens: 100,000 tenants are a lot of configuration.
const startPatience = 2 * time.Minute

// Start configures a proxy, starts it bound to one core, and waits until it takes connections. The caller stops it.
func Start(ctx context.Context, program string, v Variant, s Setting, core int) (*Running, error) {
	var err error
	if s.Listen, s.Admin, err = freeAddrs(); err != nil {
		return nil, err
	}
	arguments, err := v.Render(s)
	if err != nil {
		return nil, err
	}
	r := &Running{Variant: v, Setting: s, log: filepath.Join(s.Dir, "output.log"), done: make(chan struct{})}
	output, err := os.Create(r.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", v.Name, err)
	}
	defer output.Close()
	r.cmd = Pinned(core, program, arguments...)
	r.cmd.Stdout, r.cmd.Stderr = output, output
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", v.Name, err)
	}
	go func() {
		// The exit status says nothing that the log does not.
		_ = r.cmd.Wait()
		close(r.done)
	}()
	if err := r.await(ctx); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// Pinned returns a command that runs on one core, Go programs with one thread at work, in a process group of its own so
// that a terminal's interrupt reaches only the bench, which ends it.
func Pinned(core int, program string, arguments ...string) *exec.Cmd {
	cmd := exec.Command("taskset", append([]string{"-c", strconv.Itoa(core), program}, arguments...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (r *Running) await(ctx context.Context) error {
	over := time.Now().Add(startPatience)
	for {
		conn, err := net.DialTimeout("tcp", r.Setting.Listen.String(), time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(over) {
			return fmt.Errorf("start %s: not listening after %s%s", r.Variant.Name, startPatience, r.lastWords())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.done:
			return fmt.Errorf("start %s: it ended%s", r.Variant.Name, r.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords returns what a proxy wrote, cut to what fits into a message.
func (r *Running) lastWords() string {
	text, err := os.ReadFile(r.log)
	if err != nil || len(text) == 0 {
		return ""
	}
	const most = 300
	words := strings.Join(strings.Fields(string(text)), " ")
	return ": " + words[:min(len(words), most)]
}

// Stop ends a proxy with its workers and waits for it.
func (r *Running) Stop() {
	group := -r.cmd.Process.Pid
	// SIGTERM first: nginx's master then ends its workers. An error means that the group has gone already.
	if syscall.Kill(group, syscall.SIGTERM) == nil {
		select {
		case <-r.done:
		case <-time.After(300 * time.Millisecond):
		}
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-r.done
}

// freeAddrs returns two addresses of the loopback that nobody listens on.
func freeAddrs() (first, second netip.AddrPort, err error) {
	var addrs [2]netip.AddrPort
	for i := range addrs {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return first, second, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close() // Both are held until both are known: they differ.
		addr, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return first, second, errors.New("find a free port: not a TCP address")
		}
		addrs[i] = addr.AddrPort()
	}
	return addrs[0], addrs[1], nil
}
