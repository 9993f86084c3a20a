package trial

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/bench/payload"
	"github.com/headgate/headgate/bench/rivals"
	"github.com/headgate/headgate/bench/scenario"
)

// ColdStart is a restart of a gateway that many clients push to once a second.
type ColdStart struct {
	Clients int
	Cost    int // of bcrypt; 0: password_sha256
	Limit   time.Duration
}

// ColdStartResult is what the clients saw.
type ColdStartResult struct {
	Kind     string
	Clients  int
	Served   int             // clients that were served within the limit
	Waited   time.Duration   // the longest any of them waited, from when its first push was due to its first 2xx
	Moments  []time.Duration // from the first moment headgate listened to the first 2xx of each client served, in order
	Pushes   int
	Refused  map[int]int // answers other than 2xx, by status
	Broken   int         // requests without an answer
	Starting time.Duration
}

// pushSize is the size of a push in all trials.
const pushSize = 1 << 10

// RunColdStart starts headgate while all clients push, and waits until each was served once.
func RunColdStart(ctx context.Context, o Options, c ColdStart) (*ColdStartResult, error) {
	if err := o.stayOnLoadCore(); err != nil {
		return nil, err
	}
	tenants, err := rivals.Tenants(c.Clients, scenario.Plain)
	if err != nil {
		return nil, err
	}
	result := &ColdStartResult{Kind: "password_sha256", Clients: c.Clients, Refused: map[int]int{}}
	setting := rivals.Setting{Tenants: tenants, Connections: c.Clients}
	if c.Cost > 0 {
		result.Kind = fmt.Sprintf("bcrypt of cost %d", c.Cost)
	}
	if setting.Tenants, setting.Extra, err = c.credentials(tenants); err != nil {
		return nil, err
	}
	began := time.Now()
	s, err := build(ctx, o, setting)
	if err != nil {
		return nil, err
	}
	defer s.takeDown()
	result.Starting = time.Since(began)
	return result, c.push(ctx, s, tenants, result)
}

// credentials are the clients as the configuration has them. All have one password, so that it is hashed once; headgate
// checks it for each of them all the same, since each is another user.
func (c ColdStart) credentials(tenants []rivals.Tenant) (list []rivals.Tenant, extra string, err error) {
	const password = "the-same-for-everybody-3xKq9vTzPd7m"
	for i := range tenants {
		tenants[i].Password = password
	}
	if c.Cost > 0 {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), c.Cost)
		if err != nil {
			return nil, "", fmt.Errorf("hash a password: %w", err)
		}
		for i := range tenants {
			tenants[i].Hash = string(hash)
		}
		return tenants, "", nil
	}
	digest := sha256.Sum256([]byte(password))
	var text []byte
	for _, t := range tenants {
		text = fmt.Appendf(text, "[[tenants]]\nid = %q\nusername = %q\npassword_sha256 = %q\n", t.ID, t.User, hex.EncodeToString(digest[:]))
	}
	return nil, string(text), nil
}

// push lets every client push once a second, their first pushes spread over the first second, until each was served.
func (c ColdStart) push(ctx context.Context, s *stand, tenants []rivals.Tenant, result *ColdStartResult) error {
	body, err := payload.RemoteWrite(pushSize)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, c.Limit)
	defer stop()
	var mu sync.Mutex
	var clients sync.WaitGroup
	began := time.Now()
	for i, tenant := range tenants {
		request := payload.Push("gateway.example", tenant.Authorization(), body)
		one := &client{addr: s.running.Setting.Listen}
		first := began.Add(time.Duration(i) * time.Second / time.Duration(len(tenants)))
		clients.Go(func() {
			defer one.close()
			served := false
			for due := first; ; due = due.Add(time.Second) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(due)):
				}
				status, _, err := one.send(request)
				mu.Lock()
				result.Pushes++
				switch {
				case err != nil:
					result.Broken++
				case status/100 != 2:
					result.Refused[status]++
				case !served:
					served = true
					result.Served++
					result.Moments = append(result.Moments, time.Since(began))
					result.Waited = max(result.Waited, time.Since(first))
					if result.Served == c.Clients {
						stop()
					}
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	slices.Sort(result.Moments)
	return nil
}

// at is the moment at which a part of the clients was served; 0 when that was never.
func (r *ColdStartResult) at(part float64) time.Duration {
	i := int(part*float64(r.Clients)+0.5) - 1
	if i < 0 || i >= len(r.Moments) {
		return 0
	}
	return r.Moments[i]
}

// Write writes the result as a table of one line.
func (r *ColdStartResult) Write(w io.Writer) {
	fmt.Fprintf(w, "\n%-20s %8s %8s %8s %8s %8s %9s │ %9s %9s %7s\n", "cold start", "clients", "served", "50 %", "95 %", "the last", "waited", "pushes", "503", "others")
	others := r.Broken
	for status, count := range r.Refused {
		if status != http.StatusServiceUnavailable {
			others += count
		}
	}
	fmt.Fprintf(w, "%-20s %8d %8d %8s %8s %8s %9s │ %9d %9d %7d\n", r.Kind, r.Clients, r.Served, seconds(r.at(0.5)), seconds(r.at(0.95)), seconds(r.at(1)),
		seconds(r.Waited), r.Pushes, r.Refused[http.StatusServiceUnavailable], others)
	if r.Served < r.Clients {
		fmt.Fprintf(w, "  ! %d clients were never served\n", r.Clients-r.Served)
	}
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
