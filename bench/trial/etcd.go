package trial

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/headgate/headgate/bench/rivals"
)

// etcd is a real one of one member, on loopback and on the core of the load.
type etcd struct {
	url string
	cmd *exec.Cmd
}

// etcdPatience is how long it may take to answer.
const etcdPatience = time.Minute

// startEtcd starts one. The caller stops it.
func startEtcd(ctx context.Context, o Options) (*etcd, error) {
	program, err := exec.LookPath("etcd")
	if err != nil {
		return nil, fmt.Errorf("etcd is not installed: run make bench-deps")
	}
	client, err := freeURL()
	if err != nil {
		return nil, err
	}
	peer, err := freeURL()
	if err != nil {
		return nil, err
	}
	e := &etcd{url: client, cmd: rivals.Pinned(o.LoadCore, program,
		"--name", "one", "--data-dir", filepath.Join(o.Dir, "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one="+peer,
		"--logger", "zap", "--log-outputs", "/dev/null")}
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	for over := time.Now().Add(etcdPatience); ; {
		err := e.put(ctx, "/bench/up", "yes")
		if err == nil {
			return e, nil
		}
		if ctx.Err() != nil || time.Now().After(over) {
			e.stop()
			return nil, fmt.Errorf("start etcd: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func freeURL() (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String(), nil
}

// put writes a key, over etcd's gateway for HTTP.
func (e *etcd) put(ctx context.Context, key, value string) error {
	body, err := json.Marshal(map[string]string{
		"key": base64.StdEncoding.EncodeToString([]byte(key)), "value": base64.StdEncoding.EncodeToString([]byte(value)),
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/v3/kv/put", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("etcd answered %d: %s", answer.StatusCode, strings.TrimSpace(string(said)))
	}
	return err
}

// fill has headgate itself bring tenants into etcd.
func (e *etcd) fill(ctx context.Context, o Options, prefix string, tenants []rivals.Tenant) error {
	var list strings.Builder
	for _, t := range tenants {
		fmt.Fprintf(&list, "[[tenants]]\n%s", sharedTenant(t, t.Password))
	}
	clients, config := filepath.Join(o.Dir, "clients.toml"), filepath.Join(o.Dir, "operator.toml")
	for name, text := range map[string]string{
		clients: list.String(),
		config:  "[server]\nlisten = \"127.0.0.1:1\"\n[upstreams.all]\nurl = \"http://127.0.0.1:1\"\n" + e.table(prefix, ""),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	text, err := exec.CommandContext(ctx, o.Headgate, "tenants", "import", clients, "--config", config).CombinedOutput()
	if err != nil {
		return fmt.Errorf("headgate tenants import: %w: %s", err, bytes.TrimSpace(text))
	}
	return nil
}

// table is what a gateway's configuration says of it.
func (e *etcd) table(prefix, copied string) string {
	return fmt.Sprintf("[etcd]\nendpoints = [%q]\nprefix = %q\ncache_file = %q\n", e.url, prefix, copied)
}

// stop ends it, and waits for its end.
func (e *etcd) stop() {
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL) // it may have gone
	_ = e.cmd.Wait()
}
